package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/config"
)

// withKeyFrom is dev with a variable for the model's key.
func withKeyFrom(variable string) string {
	return strings.Replace(dev, "  release: todo\n", "  release: todo\n  agent: {keyFrom: "+variable+"}\n", 1)
}

func TestKeyInShellIsIgnoredIfEnvironmentDoesNotNameIt(t *testing.T) {
	root := project(t, map[string]string{"values/dev.yaml": dev})
	shell := variables("OPENAI_API_KEY", "sk-1", "OPENAI_BASE_URL", "https://models.example/v1", "OPENAI_MODEL", "small")
	e, err := config.Load(root, "dev", shell)
	require.NoError(t, err)
	assert.Equal(t, config.Agent{}, e.Agent)
	key, err := e.AgentKey()
	require.NoError(t, err)
	assert.Empty(t, key.Reveal())
	assert.Equal(t, []string{
		"OPENAI_API_KEY is set and not used: `pipeline.agent.keyFrom: OPENAI_API_KEY` in values/dev.yaml passes it to the backend",
		"OPENAI_BASE_URL is set and not used: backend.config.openai.baseUrl in values/dev.yaml sets the address of the model",
		"OPENAI_MODEL is set and not used: backend.config.openai.model in values/dev.yaml sets the name of the model",
	}, e.UnusedVariables(shell))
	assert.Empty(t, e.UnusedVariables(variables()))
}

func TestAgentKeyComesFromNamedVariable(t *testing.T) {
	root := project(t, map[string]string{"values/dev.yaml": withKeyFrom("TEAM_MODEL_KEY")})
	shell := variables("OPENAI_API_KEY", "sk-mine", "TEAM_MODEL_KEY", "sk-team\n")
	e, err := config.Load(root, "dev", shell)
	require.NoError(t, err)
	key, err := e.AgentKey()
	require.NoError(t, err)
	assert.Equal(t, "sk-team", key.Reveal())
	assert.Empty(t, e.UnusedVariables(shell), "the environment names another variable")
}

func TestMissingKeyIsReportedByAgentKeyOnly(t *testing.T) {
	root := project(t, map[string]string{"values/dev.yaml": withKeyFrom("TEAM_MODEL_KEY")})
	e, err := config.Load(root, "dev", nil)
	require.NoError(t, err, "logs and status need no key")
	_, err = e.AgentKey()
	assert.EqualError(t, err, `configuration of environment "dev": values/dev.yaml:4: pipeline.agent.keyFrom: environment variable TEAM_MODEL_KEY is empty: set it to the key, or remove keyFrom, and the deploy removes the key from the cluster`)
	var usage config.Error
	require.ErrorAs(t, err, &usage)
	assert.Equal(t, 2, usage.ExitStatus())
}

func TestKeyFromRefusesKeyWithoutRepeatingIt(t *testing.T) {
	for _, name := range []string{"sk-topsecret", "topsecret", "1ABC", "'A B'", "'$KEY'", strings.Repeat("A", 65)} {
		_, err := config.Load(project(t, map[string]string{"values/dev.yaml": withKeyFrom(name)}), "dev", nil)
		require.Error(t, err, name)
		assert.Equal(t, []string{"values/dev.yaml:4: pipeline.agent.keyFrom: is not the name of an environment variable: want capitals, digits and _, such as OPENAI_API_KEY; the key itself does not belong in a file"}, problems(t, err))
	}
}

func TestSecretIsNotPrinted(t *testing.T) {
	root := project(t, map[string]string{"values/dev.yaml": withKeyFrom("MODEL_KEY")})
	e, err := config.Load(root, "dev", variables("MODEL_KEY", "sk-topsecret"))
	require.NoError(t, err)
	assert.NotContains(t, printed(t, e), "topsecret")
	assert.Contains(t, printed(t, e), "[hidden]")

	for _, value := range []string{"sk-top secret", " "} {
		_, err = config.Load(root, "dev", variables("MODEL_KEY", value))
		assert.EqualError(t, err, `configuration of environment "dev": environment variable MODEL_KEY: holds blanks: give the key alone, or remove pipeline.agent.keyFrom to use the built-in model`)
	}
}
