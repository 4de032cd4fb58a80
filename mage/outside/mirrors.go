package outside

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"todo-chatbot/mage/registry"
)

// mirror is a registry that serves the repositories of another one.
type mirror struct {
	address  string // HOST[:PORT][/PATH]
	insecure bool
}

func (m mirror) place() (registry.Place, error) {
	var options []name.Option
	if m.insecure {
		options = append(options, name.Insecure)
	}
	return registry.Parse(m.address, options...)
}

// CheckMirror says why a mirror cannot serve the registry of a host name; nil if it
// can.
func CheckMirror(host, address string) error {
	served, err := servedRegistry(host, address)
	if err != nil {
		return err
	}
	return mirror{address: address}.check(served)
}

// CheckInsecure says why a text is not the host of a registry; nil if it is.
func CheckInsecure(host string) error {
	place, err := registry.Parse(host, name.Insecure)
	if err != nil || place.Path != "" {
		return fmt.Errorf("insecure registry %q: want HOST:PORT or HOST.DOMAIN, without a path", host)
	}
	return nil
}

func servedRegistry(host, address string) (name.Registry, error) {
	served, err := name.NewRegistry(host, name.StrictValidation)
	if err != nil || !strings.ContainsAny(host, ".:") {
		return name.Registry{}, fmt.Errorf("mirror %q: %q is not the host name of a registry, such as docker.io or registry.k8s.io", address, host)
	}
	return served, nil
}

func readInsecure(hosts []string) ([]string, error) {
	var insecure []string
	var problems []error
	for _, host := range hosts {
		if err := CheckInsecure(host); err != nil {
			problems = append(problems, err)
			continue
		}
		insecure = append(insecure, host)
	}
	return insecure, errors.Join(problems...)
}

// readMirrors sorts the mirrors by the canonical names of the registries that
// they serve.
func (a *Access) readMirrors(settings map[string]string, engine []string) (map[string][]mirror, error) {
	mirrors := map[string][]mirror{}
	var problems []error
	for _, host := range slices.Sorted(maps.Keys(settings)) {
		served, err := servedRegistry(host, settings[host])
		if err != nil {
			problems = append(problems, err)
			continue
		}
		m := mirror{address: settings[host]}
		m.insecure = a.isInsecure(m)
		if err := m.check(served); err != nil {
			problems = append(problems, err)
			continue
		}
		mirrors[served.Name()] = append(mirrors[served.Name()], m)
	}
	for _, text := range engine {
		m, err := engineMirror(text)
		if err != nil {
			continue // the engine itself reports errors of its settings
		}
		if !slices.Contains(mirrors[name.DefaultRegistry], m) {
			mirrors[name.DefaultRegistry] = append(mirrors[name.DefaultRegistry], m)
		}
	}
	return mirrors, errors.Join(problems...)
}

func (a *Access) isInsecure(m mirror) bool {
	place, err := m.place()
	return err == nil && slices.Contains(a.insecure, place.Registry.Name())
}

func (m mirror) check(served name.Registry) error {
	place, err := m.place()
	if err != nil {
		return fmt.Errorf("mirror of %s: %w", served.Name(), err)
	}
	if place.Registry.Name() == served.Name() && place.Path == "" {
		return fmt.Errorf("mirror of %s: it names the registry itself", served.Name())
	}
	return nil
}

// engineMirror reads an entry of the engine's registry-mirrors, a URL.
func engineMirror(text string) (mirror, error) {
	address, err := url.Parse(text)
	if err != nil {
		return mirror{}, err
	}
	m := mirror{address: strings.Trim(address.Host+address.Path, "/"), insecure: address.Scheme == "http"}
	_, err = m.place()
	return m, err
}

// Candidates returns the references under which an image may be had, in the
// order in which they are tried: the mirrors of its registry, then the registry.
func (a *Access) Candidates(ref name.Reference) ([]name.Reference, error) {
	host := ref.Context().Registry.Name()
	sources := slices.Clone(a.mirrors[host])
	if slices.Contains(a.insecure, host) {
		sources = append(sources, mirror{address: host, insecure: true})
	}
	var all []name.Reference
	for _, source := range sources {
		place, err := source.place()
		if err != nil {
			return nil, err
		}
		repository, err := place.Repository(ref.Context().RepositoryStr())
		if err != nil {
			return nil, fmt.Errorf("image %q at %q: %w", ref, source.address, err)
		}
		if digest, ok := ref.(name.Digest); ok {
			all = append(all, repository.Digest(digest.DigestStr()))
		} else {
			all = append(all, repository.Tag(ref.Identifier()))
		}
	}
	if slices.Contains(a.insecure, host) {
		return all, nil
	}
	return append(all, ref), nil
}

// Mirrored returns the canonical names of the registries that have mirrors,
// sorted.
func (a *Access) Mirrored() []string { return slices.Sorted(maps.Keys(a.mirrors)) }

// isLoopback reports whether a host name is this machine's loopback interface.
func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
