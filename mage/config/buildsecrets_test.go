package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBuildSecretsHandOnThisMachinesPackageSettings(t *testing.T) {
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(bundle, []byte("certificates"), 0o600))
	secrets, err := BuildSecrets(func(name string) string {
		return map[string]string{"SSL_CERT_FILE": bundle, "PIP_INDEX_URL": "http://mirror.example/simple"}[name]
	})
	require.NoError(t, err)
	assert.Equal(t, map[string][]byte{
		"ca-bundle":           []byte("certificates"),
		"PIP_CERT":            []byte("/run/secrets/ca-bundle"),
		"NODE_EXTRA_CA_CERTS": []byte("/run/secrets/ca-bundle"),
		"PIP_INDEX_URL":       []byte("http://mirror.example/simple"),
	}, secrets)
}

func TestBuildSecretsNameTheVariableWhoseFileIsMissing(t *testing.T) {
	_, err := BuildSecrets(func(name string) string {
		return map[string]string{"PIP_CERT": "/nowhere/ca.pem"}[name]
	})
	require.ErrorContains(t, err, "PIP_CERT")
	assert.ErrorContains(t, err, "/nowhere/ca.pem")
}
