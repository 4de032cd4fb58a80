// Package registry parses the names of image registries, and holds the login of
// one. It does not connect to registries.
package registry

import (
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// Place is a registry and the path with which each of a team's repositories
// begins, as in ghcr.io/team.
type Place struct {
	Registry name.Registry
	Path     string // without a slash at either end; may be empty
}

// Parse reads HOST:PORT or HOST.DOMAIN, with an optional path. It refuses a name
// without a dot or port, which would otherwise mean a path on Docker Hub.
func Parse(text string, opts ...name.Option) (Place, error) {
	refused := fmt.Errorf("%q is not the name of an image registry: use HOST:PORT or HOST.DOMAIN, optionally followed by a path, without http://", text)
	host, path, slash := strings.Cut(text, "/")
	if !strings.ContainsAny(host, ".:") || slash && strings.Trim(path, "/") != path || slash && path == "" {
		return Place{}, refused
	}
	registry, err := name.NewRegistry(host, append(opts, name.StrictValidation)...)
	if err != nil {
		return Place{}, refused
	}
	place := Place{Registry: registry, Path: path}
	if _, err := place.Repository("image"); err != nil {
		return Place{}, refused
	}
	return place, nil
}

// Repository returns the repository of an image name below the place.
func (p Place) Repository(below string) (name.Repository, error) {
	repository := below
	if p.Path != "" {
		repository = p.Path + "/" + below
	}
	if strings.Contains(repository, "//") {
		return name.Repository{}, fmt.Errorf("image name %q: it has an empty path component", repository)
	}
	if _, err := name.NewRepository(p.Registry.Name()+"/"+repository, name.StrictValidation); err != nil {
		return name.Repository{}, fmt.Errorf("image name %q: %w", repository, err)
	}
	return p.Registry.Repo(repository), nil
}

// String is the place in the form that Parse reads.
func (p Place) String() string {
	if p.Path == "" {
		return p.Registry.Name()
	}
	return p.Registry.Name() + "/" + p.Path
}

// Login is a user and a password. No verb of fmt prints the password.
type Login struct {
	User     string
	password string
}

// NewLogin returns a Login, or nil where the password is empty.
func NewLogin(user, password string) *Login {
	if password == "" {
		return nil
	}
	return &Login{User: user, password: password}
}

// Password is the password in clear text.
func (l *Login) Password() string { return l.password }

// Authenticator returns the login in the form that go-containerregistry takes.
func (l *Login) Authenticator() authn.Authenticator {
	return authn.FromConfig(authn.AuthConfig{Username: l.User, Password: l.password})
}

// Format prints the user only.
func (l *Login) Format(state fmt.State, _ rune) {
	if l == nil {
		_, _ = fmt.Fprint(state, "no login")
		return
	}
	_, _ = fmt.Fprintf(state, "%s:[hidden]", l.User)
}
