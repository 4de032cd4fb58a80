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

// Mirror is a registry that serves the repositories of another one.
type Mirror struct {
	// Address is HOST[:PORT][/PATH]: the repository library/node of Docker Hub is
	// PATH/library/node there.
	Address string
	// Insecure allows plain HTTP. It is never assumed for a public name.
	Insecure bool
}

func (m Mirror) place() (registry.Place, error) {
	var options []name.Option
	if m.Insecure {
		options = append(options, name.Insecure)
	}
	return registry.Parse(m.Address, options...)
}

// readMirrors sorts the mirrors by the canonical names of the registries that
// they serve.
func readMirrors(settings map[string]Mirror, engine []string) (map[string][]Mirror, error) {
	mirrors := map[string][]Mirror{}
	var problems []error
	for _, host := range slices.Sorted(maps.Keys(settings)) {
		mirror := settings[host]
		served, err := name.NewRegistry(host, name.StrictValidation)
		if err != nil {
			problems = append(problems, fmt.Errorf("mirror %q: %q is not the host name of a registry, such as docker.io or registry.k8s.io", mirror.Address, host))
			continue
		}
		if err := mirror.check(served); err != nil {
			problems = append(problems, err)
			continue
		}
		mirrors[served.Name()] = append(mirrors[served.Name()], mirror)
	}
	for _, text := range engine {
		mirror, err := engineMirror(text)
		if err != nil {
			continue // the engine's settings are the engine's: it reports them itself
		}
		if !slices.Contains(mirrors[name.DefaultRegistry], mirror) {
			mirrors[name.DefaultRegistry] = append(mirrors[name.DefaultRegistry], mirror)
		}
	}
	return mirrors, errors.Join(problems...)
}

func (m Mirror) check(served name.Registry) error {
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
func engineMirror(text string) (Mirror, error) {
	address, err := url.Parse(text)
	if err != nil {
		return Mirror{}, err
	}
	mirror := Mirror{Address: strings.Trim(address.Host+address.Path, "/"), Insecure: address.Scheme == "http"}
	_, err = mirror.place()
	return mirror, err
}

// Candidates returns the references under which an image may be had, in the
// order in which they are tried: the mirrors of its registry, then the registry.
func (a *Access) Candidates(ref name.Reference) ([]name.Reference, error) {
	var all []name.Reference
	for _, mirror := range a.mirrors[ref.Context().Registry.Name()] {
		place, err := mirror.place()
		if err != nil {
			return nil, err
		}
		repository, err := place.Repository(ref.Context().RepositoryStr())
		if err != nil {
			return nil, fmt.Errorf("image %q at mirror %q: %w", ref, mirror.Address, err)
		}
		if digest, ok := ref.(name.Digest); ok {
			all = append(all, repository.Digest(digest.DigestStr()))
		} else {
			all = append(all, repository.Tag(ref.Identifier()))
		}
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
