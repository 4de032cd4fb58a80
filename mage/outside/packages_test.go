package outside

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func write(t *testing.T, path, content string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// secretsOf returns the build secrets of a machine without certificates.
func secretsOf(t *testing.T, home string, variables map[string]string) map[string]string {
	t.Helper()
	secrets, err := (&Access{}).BuildSecrets(func(name string) string { return variables[name] }, home)
	require.NoError(t, err)
	texts := map[string]string{}
	for name, value := range secrets {
		texts[name] = string(value)
	}
	return texts
}

func TestBuildSecretsHoldTheCertificates(t *testing.T) {
	secrets, err := (&Access{Bundle: []byte("certificates")}).BuildSecrets(func(string) string { return "" }, "")
	require.NoError(t, err)
	assert.Equal(t, map[string][]byte{
		"ca-bundle": []byte("certificates"), "PIP_CERT": []byte("/run/secrets/ca-bundle"), "NODE_EXTRA_CA_CERTS": []byte("/run/secrets/ca-bundle"),
	}, secrets)
}

func TestPipVariablesOverrideItsFilesAndThoseOfUv(t *testing.T) {
	home := t.TempDir()
	assert.Empty(t, secretsOf(t, home, nil))
	uv := map[string]string{"UV_INDEX_URL": "https://uv.example.test/simple", "UV_EXTRA_INDEX_URL": "https://uv.example.test/extra"}
	assert.Equal(t, map[string]string{"PIP_INDEX_URL": "https://uv.example.test/simple", "PIP_EXTRA_INDEX_URL": "https://uv.example.test/extra"}, secretsOf(t, home, uv))

	write(t, filepath.Join(home, ".config", "pip", "pip.conf"), `# ours
[global]
index-url = https://user:p%40ss@mirror.example.test/simple
timeout = 60
cert = /etc/company.pem
extra-index-url =
    https://a.example.test/simple
    https://b.example.test/simple
[install]
trusted_host = mirror.example.test
`)
	assert.Equal(t, map[string]string{
		"PIP_INDEX_URL": "https://user:p%40ss@mirror.example.test/simple", "PIP_TRUSTED_HOST": "mirror.example.test",
		"PIP_EXTRA_INDEX_URL": "https://a.example.test/simple https://b.example.test/simple",
	}, secretsOf(t, home, uv))

	named := write(t, filepath.Join(t.TempDir(), "own.conf"), "[global]\nindex-url = https://named.example.test/simple\n")
	got := secretsOf(t, home, map[string]string{"PIP_CONFIG_FILE": named, "PIP_EXTRA_INDEX_URL": "https://variable.example.test/simple"})
	assert.Equal(t, "https://named.example.test/simple", got["PIP_INDEX_URL"])
	assert.Equal(t, "https://variable.example.test/simple", got["PIP_EXTRA_INDEX_URL"])
}

func TestNpmRegistryIsReadInEitherCase(t *testing.T) {
	for _, name := range []string{"NPM_CONFIG_REGISTRY", "npm_config_registry"} {
		assert.Equal(t, map[string]string{"NPM_CONFIG_REGISTRY": "https://npm.example.test"}, secretsOf(t, "", map[string]string{name: "https://npm.example.test"}))
	}
}

func TestNpmrcIsReducedToRegistriesAndTheirLogins(t *testing.T) {
	home := t.TempDir()
	write(t, filepath.Join(home, ".npmrc"), `; company
registry = https://npm.example.test/
@team:registry=https://npm.example.test/team/
//npm.example.test/:_authToken=${NPM_TOKEN}
//npm.example.test/:certfile=/home/me/cert.pem
prefix=/home/me/.local
cafile=/etc/company.pem
strict-ssl=true
`)
	got := secretsOf(t, home, map[string]string{"NPM_TOKEN": "t0ken"})
	assert.Equal(t, "registry=https://npm.example.test/\n@team:registry=https://npm.example.test/team/\n//npm.example.test/:_authToken=t0ken\nstrict-ssl=true\n", got["npmrc"])
	assert.Equal(t, "/run/secrets/npmrc", got["NPM_CONFIG_USERCONFIG"])

	other := write(t, filepath.Join(t.TempDir(), "npmrc"), "fund=false\n")
	assert.Empty(t, secretsOf(t, home, map[string]string{"NPM_CONFIG_USERCONFIG": other}), "nothing of it concerns a registry")
}

func TestUnreadableSettingsAreAnError(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"PIP_CONFIG_FILE", "NPM_CONFIG_USERCONFIG"} {
		_, err := (&Access{}).BuildSecrets(func(asked string) string {
			if asked == name {
				return folder // a folder cannot be read as a file
			}
			return ""
		}, "")
		assert.ErrorContains(t, err, folder, name)
	}
}
