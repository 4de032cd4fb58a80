package outside

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// bundles are the files in which Linux distributions keep the certificates that
// they trust. A company's own authority is among them on its machines.
var bundles = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}

// caBundle joins the certificates that this machine trusts: the file that
// SSL_CERT_FILE names, else the file of the operating system, and the files that the
// variables of pip and Node.js name. It is nil if there is no file.
func caBundle(getenv func(string) string) ([]byte, error) {
	var paths []string
	for _, name := range []string{"SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS"} {
		path := getenv(name)
		if path == "" || slices.Contains(paths, path) {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("read the certificates that %s names: %w: correct or unset the variable", name, err)
		}
		paths = append(paths, path)
	}
	if getenv("SSL_CERT_FILE") == "" {
		if path, err := systemBundle(); err != nil {
			return nil, err
		} else if path != "" && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	var all []byte
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read certificates: %w", err)
		}
		all = append(append(all, bytes.TrimSpace(content)...), '\n')
	}
	return all, nil
}

// systemBundle is the operating system's file, or empty.
func systemBundle() (string, error) {
	for _, path := range bundles {
		_, err := os.Stat(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("read this machine's certificates: %w", err)
		}
	}
	return "", nil
}
