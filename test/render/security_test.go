package render_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(data)
}

// renderings returns the renderings of all environments and features.
func renderings(t *testing.T) map[string]rendering {
	t.Helper()
	all := map[string]rendering{}
	for _, name := range environments(t) {
		all["values/"+name+".yaml"] = deployed(t, name)
	}
	files, err := filepath.Glob("features/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		all[file] = feature(t, filepath.Base(file))
	}
	return all
}

// The gate checks Pod Security "restricted"; these rules are stricter.
func TestEveryPodIsConfined(t *testing.T) {
	for name, r := range renderings(t) {
		pods := r.pods(t)
		require.NotEmpty(t, pods)
		for _, p := range pods {
			where := name + ": " + p.Kind + " " + p.Manifest.Name
			assert.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, p.Spec.SecurityContext.SeccompProfile.Type, where)
			assert.True(t, *p.Spec.SecurityContext.RunAsNonRoot, where)
			assert.False(t, *p.Spec.AutomountServiceAccountToken, "%s: nothing talks to the API server", where)
			account := get[corev1.ServiceAccount](t, r, "ServiceAccount", p.Spec.ServiceAccountName)
			assert.False(t, *account.AutomountServiceAccountToken, where)
			assert.False(t, *p.Spec.EnableServiceLinks, "%s: it would add addresses of other Services to the environment", where)
			for _, c := range p.containers() {
				assert.True(t, *c.SecurityContext.ReadOnlyRootFilesystem, where)
				assert.False(t, *c.SecurityContext.AllowPrivilegeEscalation, where)
				assert.Equal(t, []corev1.Capability{"ALL"}, c.SecurityContext.Capabilities.Drop, where)
			}
		}
		assert.NotRegexp(t, `(?m)^kind: (Cluster)?Role`, r.text(), "%s: nothing needs rights", name)
	}
}

func TestComponentsHaveSeparateServiceAccounts(t *testing.T) {
	accounts := map[string]string{}
	for _, p := range deployed(t, "staging").pods(t) {
		if p.Hook == "" {
			assert.Empty(t, accounts[p.Spec.ServiceAccountName])
			accounts[p.Spec.ServiceAccountName] = p.Manifest.Name
		}
	}
	assert.Len(t, accounts, 3)
}

var secretive = regexp.MustCompile(`(?i)(password|secret|token|api_?key)$`)

func TestManifestsContainNoSecret(t *testing.T) {
	for name, r := range renderings(t) {
		for _, m := range r {
			require.NotEqual(t, "Secret", m.Kind, "%s: Helm would keep its content in the release", name)
			if m.Kind == "ConfigMap" {
				for key := range get[corev1.ConfigMap](t, r, m.Kind, m.Name).Data {
					assert.NotRegexp(t, secretive, key, "%s: ConfigMap %s", name, m.Name)
				}
			}
		}
		for _, p := range r.pods(t) {
			for _, c := range p.containers() {
				for _, env := range c.Env {
					if secretive.MatchString(env.Name) {
						require.NotNil(t, env.ValueFrom, "%s: %s of %s", name, env.Name, p.Manifest.Name)
						assert.NotNil(t, env.ValueFrom.SecretKeyRef)
					}
				}
			}
		}
	}
}

func TestSecretInValuesIsRefused(t *testing.T) {
	for values, want := range map[string]string{
		"frontend: {extraEnv: [{name: SENTRY_TOKEN, value: x}]}":                       "frontend.extraEnv: the value of SENTRY_TOKEN would be readable",
		"backend: {extraEnv: [{name: db_password, value: x}]}":                         "backend.extraEnv: the value of db_password would be readable",
		"postgresql: {extraEnv: [{name: OPENAI_API_KEY, value: x}]}":                   "postgresql.extraEnv: the value of OPENAI_API_KEY",
		"frontend: {extraEnv: [{name: TLS_PRIVATE_KEY, value: x}]}":                    "frontend.extraEnv: the value of TLS_PRIVATE_KEY",
		"frontend: {extraEnv: [{name: PROXY, value: 'http://me:hunter2@proxy.test'}]}": "frontend.extraEnv: the value of PROXY would be readable",
		"backend: {config: {openai: {baseUrl: 'https://me:secret@llm.example.test'}}}": "backend.config.openai.baseUrl",
		"frontend: {config: {publicUrl: 'https://me:secret@todo.example.test'}}":       "frontend.config.publicUrl",
	} {
		assert.Contains(t, refused(t, values), want)
	}
}
