package outside

import (
	"fmt"
	"path"
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
			addresses = append(addresses, quoted(mirror.Address))
		}
		fmt.Fprintf(&config, "[registry.%s]\n  mirrors = [%s]\n", quoted(shortRegistry(served)), strings.Join(addresses, ", "))
	}
	hosts := map[string]bool{}
	for _, served := range a.Mirrored() {
		for _, mirror := range a.mirrors[served] {
			place, err := mirror.place()
			if err != nil {
				return nil, err
			}
			host := place.Registry.RegistryStr()
			if hosts[host] || place.Registry.Scheme() != "http" {
				continue
			}
			hosts[host] = true
			fmt.Fprintf(&config, "[registry.%s]\n  http = true\n", quoted(host))
		}
	}
	if config.Len() > 0 {
		files["/etc/buildkit/buildkitd.toml"] = []byte(config.String())
	}
	if a.Bundle != nil {
		files[BundleFile] = a.Bundle
	}
	return files, nil
}

// Node returns the files from which a node's containerd reads the mirrors, one
// for each registry, and the certificates. folder is containerd's folder of
// registries, such as /etc/containerd/certs.d.
func (a *Access) Node(folder string) (Files, error) {
	files := Files{}
	for _, served := range a.Mirrored() {
		upstream, err := name.NewRegistry(served)
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
