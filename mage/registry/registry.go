// Package registry reads the names of image registries, in one way for the
// settings, for who pushes and for who asks whether one answers, and holds the
// login of one. It does not talk to registries.
package registry

import (
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// Place is where a team's repositories are: a registry, and a path in it that
// every repository begins with, as in ghcr.io/team.
type Place struct {
	Registry name.Registry
	Path     string // without slashes around it; "" where repositories begin at the registry
}

// Parse reads HOST:PORT or HOST.DOMAIN, with a path behind it or not. A name
// without a dot or a port would be read as a path of a public registry, so it is
// refused.
func Parse(text string, opts ...name.Option) (Place, error) {
	refused := fmt.Errorf("%q is not a registry: want HOST:PORT or HOST.DOMAIN, with a path if it needs one, without http://", text)
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

// Repository is the repository of a name below the place.
func (p Place) Repository(below string) (name.Repository, error) {
	repository := below
	if p.Path != "" {
		repository = p.Path + "/" + below
	}
	if strings.Contains(repository, "//") {
		return name.Repository{}, fmt.Errorf("image name %q: it has an empty part", repository)
	}
	if _, err := name.NewRepository(p.Registry.Name()+"/"+repository, name.StrictValidation); err != nil {
		return name.Repository{}, fmt.Errorf("image name %q: %w", repository, err)
	}
	return p.Registry.Repo(repository), nil
}

// String is the place as one writes it.
func (p Place) String() string {
	if p.Path == "" {
		return p.Registry.Name()
	}
	return p.Registry.Name() + "/" + p.Path
}

// Login is a user and a password, which no way of printing shows.
type Login struct {
	User     string
	password string
}

// NewLogin returns a Login; without a password it is nil, which is no login.
func NewLogin(user, password string) *Login {
	if password == "" {
		return nil
	}
	return &Login{User: user, password: password}
}

// Password is the password itself, for the few places that need it.
func (l *Login) Password() string { return l.password }

// Authenticator is the login as go-containerregistry takes it.
func (l *Login) Authenticator() authn.Authenticator {
	return authn.FromConfig(authn.AuthConfig{Username: l.User, Password: l.password})
}

// Format shows the user alone.
func (l *Login) Format(state fmt.State, _ rune) {
	if l == nil {
		_, _ = fmt.Fprint(state, "no login")
		return
	}
	_, _ = fmt.Fprintf(state, "%s:[hidden]", l.User)
}
