package outside

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// BundleFile is where the builder and the nodes have the file of certificates.
// Go programs trust all files of that folder, next to those of the image.
const BundleFile = "/etc/ssl/certs/todo-chatbot-pipeline.pem"

// Files are files by their absolute paths.
type Files map[string][]byte

// Builder returns the files that a BuildKit daemon reads when it starts:
// its configuration with the mirrors, and the certificates.
func (a *Access) Builder() (Files, error) {
	files := Files{}
	var config strings.Builder
	for _, served := range a.Mirrored() {
		var addresses []string
		for _, mirror := range a.mirrors[served] {
			addresses = append(addresses, quoted(mirror.address))
		}
		fmt.Fprintf(&config, "[registry.%s]\n  mirrors = [%s]\n", quoted(shortRegistry(served)), strings.Join(addresses, ", "))
	}
	plain, err := a.plainHTTP()
	if err != nil {
		return nil, err
	}
	for _, host := range plain {
		fmt.Fprintf(&config, "[registry.%s]\n  http = true\n", quoted(host))
	}
	if config.Len() > 0 {
		files["/etc/buildkit/buildkitd.toml"] = []byte(config.String())
	}
	if a.Bundle != nil {
		files[BundleFile] = a.Bundle
	}
	return files, nil
}

// plainHTTP returns the hosts that are reached by plain HTTP, sorted.
func (a *Access) plainHTTP() ([]string, error) {
	hosts := map[string]bool{}
	for _, host := range a.insecure {
		hosts[host] = true
	}
	for _, mirrors := range a.mirrors {
		for _, mirror := range mirrors {
			place, err := mirror.place()
			if err != nil {
				return nil, err
			}
			if place.Registry.Scheme() == "http" {
				hosts[place.Registry.RegistryStr()] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(hosts)), nil
}

// Node returns the files from which a node's containerd reads the mirrors, one
// for each registry, and the certificates. folder is containerd's folder of
// registries, such as /etc/containerd/certs.d.
func (a *Access) Node(folder string) (Files, error) {
	files := Files{}
	for _, host := range a.insecure {
		text := fmt.Sprintf("server = %s\n", quoted("http://"+host))
		files[path.Join(folder, host, "hosts.toml")] = []byte(text)
	}
	for _, served := range a.Mirrored() {
		upstream, err := name.NewRegistry(served, a.secure(served)...)
		if err != nil {
			return nil, fmt.Errorf("registry %q: %w", served, err)
		}
		var text strings.Builder
		fmt.Fprintf(&text, "server = %s\n", quoted(upstream.Scheme()+"://"+containerdHost(served)))
		for _, mirror := range a.mirrors[served] {
			place, err := mirror.place()
			if err != nil {
				return nil, err
			}
			address := place.Registry.Scheme() + "://" + place.Registry.RegistryStr()
			if place.Path != "" {
				address += "/v2/" + place.Path
			}
			fmt.Fprintf(&text, "\n[host.%s]\n  capabilities = [\"pull\", \"resolve\"]\n", quoted(address))
			if place.Path != "" {
				text.WriteString("  override_path = true\n")
			}
			if a.Bundle != nil && place.Registry.Scheme() == "https" {
				fmt.Fprintf(&text, "  ca = %s\n", quoted(BundleFile))
			}
		}
		files[path.Join(folder, shortRegistry(served), "hosts.toml")] = []byte(text.String())
	}
	if len(files) > 0 && a.Bundle != nil {
		files[BundleFile] = a.Bundle
	}
	return files, nil
}

func (a *Access) secure(host string) []name.Option {
	if slices.Contains(a.insecure, host) {
		return []name.Option{name.Insecure}
	}
	return nil
}

// shortRegistry is the name of a registry as people and containerd write it.
func shortRegistry(canonical string) string {
	if canonical == name.DefaultRegistry {
		return "docker.io"
	}
	return canonical
}

// containerdHost is where containerd finds a registry's API.
func containerdHost(canonical string) string {
	if canonical == name.DefaultRegistry {
		return "registry-1.docker.io"
	}
	return canonical
}

// quoted is a TOML string. Addresses are validated, so they need no escapes.
func quoted(text string) string { return `"` + text + `"` }
