package airgap

import (
	"context"
	"fmt"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"todo-chatbot/mage/progress"
)

// registryImage stands in for registry:2.8.3 with Debian's package of the same
// program.
type registryImage struct{ s *Supply }

var registryRootfs = rootfs{
	name: "registry", variant: "extract", packages: []string{"docker-registry", "libc6"},
	// Debian's configuration asks for a password, upstream's does not.
	hooks: []string{
		`ln -s docker-registry "$1"/usr/bin/registry`, `mkdir -p "$1"/var/lib/registry "$1"/etc/docker/registry`,
		`printf '%s\n' 'version: 0.1' 'storage: {filesystem: {rootdirectory: /var/lib/registry}, delete: {enabled: true}}' 'http: {addr: ":5000"}' > "$1"/etc/docker/registry/config.yml`,
	},
}

// shell is the name that the absent set-up script of dash would give it.
const shell = `[ -e "$1"/bin/sh ] || ln -s dash "$1"/bin/sh`

func (registryImage) Ref() string { return RegistryRef }
func (registryImage) Inputs() (string, error) {
	return inputs("registry", registryRootfs.digest()), nil
}

func (r registryImage) Make(ctx context.Context, _ string, step *progress.Step) (v1.Image, error) {
	root, err := r.s.rootfs(ctx, registryRootfs, step)
	if err != nil {
		return nil, err
	}
	layer, err := plainLayer(root)
	if err != nil {
		return nil, err
	}
	return compose(registryConfig, layer)
}

var registryConfig = v1.Config{
	Env:          []string{searchPath},
	Entrypoint:   []string{"registry"},
	Cmd:          []string{"serve", "/etc/docker/registry/config.yml"},
	ExposedPorts: map[string]struct{}{"5000/tcp": {}},
}

// runtimePrograms are containerd for the node, its CNI plugins, and BuildKit,
// which shares most of containerd's packages.
var runtimePrograms = program{
	module: "runtime", packages: []string{"tool", "./cmd/..."},
	// Snapshotters that neither the node nor BuildKit is configured for.
	tags: "no_aufs no_zfs no_btrfs no_devmapper",
}

// buildKitImage stands in for moby/buildkit.
type buildKitImage struct{ s *Supply }

var buildKitRootfs = rootfs{
	name: "buildkit", variant: "extract",
	packages: []string{"runc", "libc6", "libseccomp2", "ca-certificates", "coreutils", "libacl1", "libattr1", "libselinux1", "mount", "netbase"},
}

func (buildKitImage) Ref() string { return BuildKitRef }

func (b buildKitImage) Inputs() (string, error) {
	return b.s.withModule("buildkit", runtimePrograms, buildKitRootfs.digest())
}

func (b buildKitImage) Make(ctx context.Context, scratch string, step *progress.Step) (v1.Image, error) {
	root, err := b.s.rootfs(ctx, buildKitRootfs, step)
	if err != nil {
		return nil, err
	}
	bin, err := b.s.compile(ctx, runtimePrograms, step)
	if err != nil {
		return nil, err
	}
	base, err := plainLayer(root)
	if err != nil {
		return nil, err
	}
	programs, err := layerOf(filepath.Join(scratch, "buildkit.tar"), []file{
		{Path: "usr/bin/buildkitd", Mode: 0o755, Source: filepath.Join(bin, "buildkit")},
		{Path: "usr/bin/buildctl", Link: "buildkitd"},
	})
	if err != nil {
		return nil, err
	}
	return compose(v1.Config{Env: []string{searchPath}, Entrypoint: []string{"buildkitd"}}, base, programs)
}

// withModule digests the inputs of an image that holds compiled programs.
func (s *Supply) withModule(kind string, p program, more ...string) (string, error) {
	sources, err := readTree(filepath.Join(s.opts.Root, "mage", "airgap", "modules", p.module))
	if err != nil {
		return "", fmt.Errorf("read module %q: %w", p.module, err)
	}
	parts := append([]string{kind}, more...)
	return inputs(append(append(parts, p.arguments()...), sources...)...), nil
}
