package airgap

import (
	"context"
	_ "embed"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"todo-chatbot/mage/progress"
)

// registryImage makes registry:2.8.3 from Debian's package of the same program.
type registryImage struct{ s *Supply }

//go:embed recipes/registry/hook.sh
var registryHook string

func registryRootfs() rootfs {
	return rootfs{name: "registry", variant: "extract", packages: []string{"docker-registry", "libc6"}, hook: registryHook}
}

func registryConfig() v1.Config {
	return v1.Config{
		Env:          []string{searchPath},
		Entrypoint:   []string{"registry"},
		Cmd:          []string{"serve", "/etc/docker/registry/config.yml"},
		ExposedPorts: map[string]struct{}{"5000/tcp": {}},
	}
}

// Ref implements Recipe.
func (registryImage) Ref() string { return RegistryRef }

// Inputs implements Recipe.
func (r registryImage) Inputs() (string, error) {
	return r.s.key(ingredients{version: registryVersion, config: registryConfig(), rootfs: []rootfs{registryRootfs()}})
}

// Make implements Recipe.
func (r registryImage) Make(ctx context.Context, _ string, step *progress.Step) (v1.Image, error) {
	root, err := r.s.rootfs(ctx, registryRootfs(), step)
	if err != nil {
		return nil, err
	}
	layer, err := plainLayer(root)
	if err != nil {
		return nil, err
	}
	return compose(registryConfig(), layer)
}

// runtimePrograms are containerd for the node, its CNI plugins, and BuildKit,
// which shares most of containerd's packages.
func runtimePrograms() program {
	return program{
		module: "runtime", packages: []string{"tool", "./cmd/..."},
		// Leaves out snapshotters that neither the node nor BuildKit uses.
		tags: "no_aufs no_zfs no_btrfs no_devmapper",
	}
}

// buildKitImage makes moby/buildkit.
type buildKitImage struct{ s *Supply }

func buildKitRootfs() rootfs {
	return rootfs{
		name: "buildkit", variant: "extract",
		packages: []string{"runc", "libc6", "libseccomp2", "ca-certificates", "coreutils", "libacl1", "libattr1", "libselinux1", "mount", "netbase"},
	}
}

func buildKitConfig() v1.Config {
	return v1.Config{Env: []string{searchPath}, Entrypoint: []string{"buildkitd"}}
}

// Ref implements Recipe.
func (buildKitImage) Ref() string { return BuildKitRef }

// Inputs implements Recipe.
func (b buildKitImage) Inputs() (string, error) {
	return b.s.key(ingredients{
		version: buildKitVersion, config: buildKitConfig(), rootfs: []rootfs{buildKitRootfs()}, programs: []program{runtimePrograms()},
	})
}

// Make implements Recipe.
func (b buildKitImage) Make(ctx context.Context, scratch string, step *progress.Step) (v1.Image, error) {
	root, err := b.s.rootfs(ctx, buildKitRootfs(), step)
	if err != nil {
		return nil, err
	}
	bin, err := b.s.compile(ctx, runtimePrograms(), step)
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
	return compose(buildKitConfig(), base, programs)
}
