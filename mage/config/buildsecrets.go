package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// caBundles are where Linux distributions keep the certificates they trust;
// a company's own authority is among them on its machines.
var caBundles = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"}

// mountedBundle is where a Dockerfile mounts the secret ca-bundle.
const mountedBundle = "/run/secrets/ca-bundle"

// BuildSecrets are this machine's settings for package clients, as the secrets
// that the Dockerfiles' install steps mount: they reach the step, and neither
// an image nor its key. A certificate file that a variable names must be there.
func BuildSecrets(getenv func(string) string) (map[string][]byte, error) {
	secrets := map[string][]byte{}
	for _, name := range []string{"PIP_INDEX_URL", "NPM_CONFIG_REGISTRY"} {
		if value := getenv(name); value != "" {
			secrets[name] = []byte(value)
		}
	}
	bundle, err := caBundle(getenv)
	if err != nil || bundle == nil {
		return secrets, err
	}
	secrets["ca-bundle"] = bundle
	secrets["PIP_CERT"] = []byte(mountedBundle)
	secrets["NODE_EXTRA_CA_CERTS"] = []byte(mountedBundle)
	return secrets, nil
}

func caBundle(getenv func(string) string) ([]byte, error) {
	for _, name := range []string{"SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS"} {
		path := getenv(name)
		if path == "" {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read the certificates that %s names: %w: correct or unset the variable", name, err)
		}
		return content, nil
	}
	for _, path := range caBundles {
		content, err := os.ReadFile(path)
		if err == nil {
			return content, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read this machine's certificates: %w", err)
		}
	}
	return nil, nil
}
