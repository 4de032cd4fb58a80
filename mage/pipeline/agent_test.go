package pipeline

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"todo-chatbot/mage/progress"
)

// withKeyFrom returns the pipeline of dev with environment variables. keyFrom names the
// variable of the model's API key, or is empty.
func withKeyFrom(t *testing.T, keyFrom string, shell map[string]string) (*Pipeline, *bytes.Buffer) {
	t.Helper()
	return withBackendConfig(t, keyFrom, "logLevel: debug", shell)
}

// withBackendConfig is withKeyFrom with other values of the backend's configuration.
func withBackendConfig(t *testing.T, keyFrom, backend string, shell map[string]string) (*Pipeline, *bytes.Buffer) {
	t.Helper()
	root := copyProject(t, "")
	file := filepath.Join(root, "values", "dev.yaml")
	if keyFrom != "" {
		edit(t, file, "  timeout: 3m\n", "  timeout: 3m\n  agent: {keyFrom: "+keyFrom+"}\n")
	}
	edit(t, file, "  config: {logLevel: debug}\n", "  config: {"+backend+"}\n")
	p := load(t, root, "dev", shell)
	var steps bytes.Buffer
	p.opts.Progress = progress.New(&steps, progress.Options{})
	return p, &steps
}

func TestModelKeyFollowsEnvironmentFile(t *testing.T) {
	shell := map[string]string{"OPENAI_API_KEY": "sk-topsecret", "TEAM_KEY": "sk-team"}
	d := newDeployed(t)
	for _, step := range []struct {
		name, keyFrom, key string
		changed            bool
		says               string
	}{
		{"key in the shell only", "", "", false, ""},
		{"named variable", "OPENAI_API_KEY", "sk-topsecret", true, `(?m)^agent +key from OPENAI_API_KEY +used .*in Secret todo-credentials$`},
		{"same variable again", "OPENAI_API_KEY", "sk-topsecret", false, `key from OPENAI_API_KEY +used`},
		{"another variable", "TEAM_KEY", "sk-team", true, `key from TEAM_KEY +used`},
		{"no variable named", "", "", true, `(?m)^agent +key +removed .*pipeline.agent.keyFrom names no variable$`},
		{"no variable named again", "", "", false, ""},
	} {
		p, steps := withKeyFrom(t, step.keyFrom, shell)
		changed, err := p.ensureCredentials(t.Context(), d.client)
		require.NoError(t, err, step.name)
		assert.Equal(t, step.changed, changed, "%s: pods with another key are replaced", step.name)
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

func TestDeployRefusesEmptyKeyVariableBeforeItStarts(t *testing.T) {
	p, steps := withKeyFrom(t, "TEAM_KEY", map[string]string{"OPENAI_API_KEY": "sk-mine"})
	_, err := p.Deploy(t.Context(), DeployOptions{})
	require.Error(t, err)
	assert.Equal(t, ExitUsage, ExitCode(err))
	assert.ErrorContains(t, err, "values/dev.yaml:14: pipeline.agent.keyFrom: environment variable TEAM_KEY is empty: set it to the key, or remove keyFrom")
	assert.NotContains(t, steps.String(), "cluster")
	locks, err := filepath.Glob(filepath.Join(p.env.Cache, "*"))
	require.NoError(t, err)
	assert.Empty(t, locks, "the cache folder is not made")
}

func TestDeployRefusesModelKeyThatBackendDoesNotRead(t *testing.T) {
	shell := map[string]string{"TEAM_KEY": "sk-team"}
	for setting, backend := range map[string]string{
		`backend.config.openai.apiKeySecret.name is "llm"`:  "openai: {apiKeySecret: {name: llm, key: openai-api-key}}",
		`backend.config.openai.apiKeySecret.key is "token"`: "openai: {apiKeySecret: {key: token}}",
		`global.credentialsSecret is "mine"`:                "}\nglobal: {credentialsSecret: mine",
	} {
		t.Run(setting, func(t *testing.T) {
			p, _ := withBackendConfig(t, "TEAM_KEY", backend, shell)
			_, err := p.Deploy(t.Context(), DeployOptions{})
			require.Error(t, err)
			assert.Equal(t, ExitUsage, ExitCode(err))
			assert.ErrorContains(t, err, "values/dev.yaml: pipeline.agent.keyFrom writes the key of the model")
			assert.ErrorContains(t, err, setting)
			assert.NotContains(t, err.Error(), "sk-team")
		})
	}
	p, _ := withBackendConfig(t, "TEAM_KEY", "openai: {apiKeySecret: {name: todo-credentials}}", shell)
	key, err := p.modelKey()
	require.NoError(t, err)
	assert.Equal(t, "sk-team", key.Reveal(), "the same Secret may be named")
	p, _ = withBackendConfig(t, "", "openai: {apiKeySecret: {name: llm}}", nil)
	_, err = p.modelKey()
	require.NoError(t, err, "without keyFrom the backend may read any Secret")
}

func TestForeignCredentialsNeedRolePasswordsOnlyForSeparateRoles(t *testing.T) {
	for values, refused := range map[string]bool{
		"": true,
		"global: {database: {roles: separate}}\n":                   true,
		"global: {database: {roles: single}}\n":                     false,
		"global: {database: {host: db.example}}\n":                  false,
		"global: {database: {host: db.example, roles: separate}}\n": true,
	} {
		t.Run(values, func(t *testing.T) {
			p := load(t, copyProject(t, values), "dev", nil)
			client := fake.NewClientset(&corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Namespace: p.env.Namespace, Name: p.credentialsSecret()},
				Data:       map[string][]byte{authSecret: []byte("theirs"), databasePassword: []byte("theirs")},
			})
			_, err := p.ensureCredentials(t.Context(), client)
			if !refused {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "a deploy needs backend-database-password, frontend-database-password in it")
		})
	}
}
