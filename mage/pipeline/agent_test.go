package pipeline

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/progress"
)

// keyed is dev with variables of the shell, of which keyFrom names one if it is not empty.
func keyed(t *testing.T, keyFrom string, shell map[string]string) (*Pipeline, *bytes.Buffer) {
	t.Helper()
	root := copyProject(t, "")
	if keyFrom != "" {
		edit(t, filepath.Join(root, "values", "dev.yaml"), "  timeout: 3m\n", "  timeout: 3m\n  agent: {keyFrom: "+keyFrom+"}\n")
	}
	p := load(t, root, "dev", shell)
	var steps bytes.Buffer
	p.opts.Progress = progress.New(&steps, progress.Options{})
	return p, &steps
}

func TestTheModelsKeyFollowsWhatTheEnvironmentSays(t *testing.T) {
	shell := map[string]string{"OPENAI_API_KEY": "sk-topsecret", "TEAM_KEY": "sk-team"}
	d := newDeployed(t)
	for _, step := range []struct {
		name, keyFrom, key string
		changed            bool
		says               string
	}{
		{"a key in the shell alone", "", "", false, ""},
		{"a variable that is named", "OPENAI_API_KEY", "sk-topsecret", true, `(?m)^agent +key from OPENAI_API_KEY +used .*in Secret todo-credentials$`},
		{"the same again", "OPENAI_API_KEY", "sk-topsecret", false, `key from OPENAI_API_KEY +used`},
		{"another variable", "TEAM_KEY", "sk-team", true, `key from TEAM_KEY +used`},
		{"no variable any more", "", "", true, `(?m)^agent +key +removed .*pipeline.agent.keyFrom names no variable$`},
		{"none again", "", "", false, ""},
	} {
		p, steps := keyed(t, step.keyFrom, shell)
		changed, err := p.ensureCredentials(t.Context(), d.client)
		require.NoError(t, err, step.name)
		assert.Equal(t, step.changed, changed, "%s: pods that read the key are replaced", step.name)
		data := d.secret(t).Data
		assert.Equal(t, step.key, string(data[agentKey]), step.name)
		assert.Equal(t, oldPassword, string(data[databasePassword]), step.name)
		assert.NotContains(t, steps.String(), "sk-", step.name)
		if step.says == "" {
			assert.Empty(t, steps.String(), step.name)
			continue
		}
		assert.Regexp(t, step.says, steps.String(), step.name)
	}
}

func TestADeployWithoutTheKeyThatItsEnvironmentNamesEndsBeforeAnythingStarts(t *testing.T) {
	p, steps := keyed(t, "TEAM_KEY", map[string]string{"OPENAI_API_KEY": "sk-mine"})
	_, err := p.Deploy(t.Context(), DeployOptions{})
	require.Error(t, err)
	assert.Equal(t, ExitUsage, ExitCode(err))
	assert.ErrorContains(t, err, "values/dev.yaml:12: pipeline.agent.keyFrom: environment variable TEAM_KEY is empty: set it to the key, or remove keyFrom")
	assert.NotContains(t, steps.String(), "cluster")
	locks, err := filepath.Glob(filepath.Join(p.env.Cache, "*"))
	require.NoError(t, err)
	assert.Empty(t, locks, "nothing was begun")
}
