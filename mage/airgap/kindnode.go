package airgap

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"todo-chatbot/mage/host"
	"todo-chatbot/mage/progress"
)

// kindNode makes kindest/node: a Debian with systemd and kind's own base files,
// the programs of Kubernetes and containerd, and an archive with every image of a
// new control plane. A systemd unit imports the archive before the node reports
// that it is up, so kind finds the images as in its own node image.
type kindNode struct {
	s     *Supply
	files fs.FS // with the files below nodeFolder, which the node gets
}

const nodeFolder = "recipes/kind-node/root/"

//go:embed recipes/kind-node/root
var embeddedNode embed.FS

//go:embed recipes/kind-node/hook.sh
var nodeHook string

//go:embed recipes/kube-proxy/hook.sh
var proxyHook string

const (
	kindModule = "sigs.k8s.io/kind"
	// kubernetesModule is the folder below modulesDir with Kubernetes.
	kubernetesModule = "kubernetes"
)

func kubernetesPrograms() program {
	major, minor, _ := strings.Cut(strings.TrimPrefix(Kubernetes, "v"), ".")
	minor, _, _ = strings.Cut(minor, ".")
	return program{
		module: kubernetesModule, packages: []string{"./cmd/..."},
		variables: map[string]string{
			"k8s.io/component-base/version.gitVersion":   Kubernetes,
			"k8s.io/component-base/version.gitMajor":     major,
			"k8s.io/component-base/version.gitMinor":     minor,
			"k8s.io/component-base/version.gitTreeState": "clean",
			"k8s.io/client-go/pkg/version.gitVersion":    Kubernetes,
		},
	}
}

// localPathProvisioner is a separate build of the same module. It writes the
// import path of a library in capitals, and one build with both spellings fails.
func localPathProvisioner() program {
	return program{module: kubernetesModule, packages: []string{"github.com/rancher/local-path-provisioner"}}
}

func nodeRootfs() rootfs {
	return rootfs{
		name: "kind-node", variant: "minbase", hook: nodeHook,
		packages: []string{
			"systemd", "systemd-sysv", "dbus", "conntrack", "iptables", "nftables", "iproute2", "ethtool", "util-linux",
			"mount", "kmod", "libseccomp2", "pigz", "e2fsprogs", "bash", "ca-certificates", "curl", "jq", "procps",
			"runc", "hostname", "socat",
		},
	}
}

func proxyRootfs() rootfs {
	return rootfs{
		name: "kube-proxy", variant: "extract", hook: proxyHook,
		packages: []string{"iptables", "conntrack", "nftables", "kmod", "libc6", "netbase", "dash", "coreutils"},
	}
}

func nodeConfig() v1.Config {
	return v1.Config{
		Env:        []string{searchPath, "container=docker"},
		Entrypoint: []string{"/usr/local/bin/entrypoint", "/sbin/init"},
		StopSignal: "SIGRTMIN+3",
	}
}

// wrapperSources are the folders of the runtime wrapper's Go packages, below the
// project's root.
func wrapperSources() []string { return []string{"scripts/runtime-wrapper", "mage/engine/ocispec"} }

// Ref implements Recipe.
func (kindNode) Ref() string { return KindNodeRef }

// Inputs implements Recipe.
func (k kindNode) Inputs() (string, error) {
	sum, err := os.ReadFile(filepath.Join(k.s.opts.Root, "go.sum"))
	if err != nil {
		return "", fmt.Errorf("read kind's checksum: %w", err)
	}
	of := ingredients{
		version: kindNodeVersion, config: nodeConfig(), files: k.files,
		rootfs:   []rootfs{nodeRootfs(), proxyRootfs(), registryRootfs()},
		programs: []program{runtimePrograms(), kubernetesPrograms(), localPathProvisioner()},
		more:     []string{kindSum(string(sum)), strconv.FormatBool(k.s.opts.Restricted)},
	}
	if k.s.opts.Restricted {
		of.sources = wrapperSources()
	}
	return k.s.key(of)
}

// kindSum is the line of go.sum with version and digest of kind's sources, which
// hold its base files.
func kindSum(sum string) string {
	for line := range strings.Lines(sum) {
		if strings.HasPrefix(line, kindModule+" ") && !strings.Contains(line, "/go.mod ") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// Make implements Recipe.
func (k kindNode) Make(ctx context.Context, scratch string, step *progress.Step) (v1.Image, error) {
	parts, err := k.gather(ctx, step)
	if err != nil {
		return nil, err
	}
	step.Update("put together")
	base, err := plainLayer(parts.root)
	if err != nil {
		return nil, err
	}
	system, err := k.systemFiles(ctx, parts)
	if err != nil {
		return nil, err
	}
	systemLayer, err := layerOf(filepath.Join(scratch, "system.tar"), append(system, k.programFiles(parts)...))
	if err != nil {
		return nil, err
	}
	archive := filepath.Join(scratch, "images.tar")
	if err := k.writeImages(ctx, archive, scratch, parts); err != nil {
		return nil, err
	}
	imagesLayer, err := layerOf(filepath.Join(scratch, "archive.tar"), []file{{Path: "kind/images/control-plane.tar", Mode: 0o644, Source: archive}})
	if err != nil {
		return nil, err
	}
	return compose(nodeConfig(), base, systemLayer, imagesLayer)
}

// nodeParts are the folders and tars of a node image.
type nodeParts struct {
	root, proxyRoot, registryRoot string
	kubernetes, runtime, storage  string // folders of programs
	wrapper                       string // runtime wrapper; empty when not needed
	kindFiles                     string
}

// job makes one part of a node.
type job struct {
	part string
	into *string
	do   func() (string, error)
}

// gather makes the parts of a node at the same time.
func (k kindNode) gather(ctx context.Context, step *progress.Step) (nodeParts, error) {
	var p nodeParts
	jobs := []job{
		{"kind's base files", &p.kindFiles, func() (string, error) {
			dir, err := k.s.moduleDir(ctx, kindModule)
			return filepath.Join(dir, "images", "base", "files"), err
		}},
		{"node", &p.root, func() (string, error) { return k.s.rootfs(ctx, nodeRootfs(), step) }},
		{"kube-proxy", &p.proxyRoot, func() (string, error) { return k.s.rootfs(ctx, proxyRootfs(), step) }},
		{"registry", &p.registryRoot, func() (string, error) { return k.s.rootfs(ctx, registryRootfs(), step) }},
		{"containerd", &p.runtime, func() (string, error) { return k.s.compile(ctx, runtimePrograms(), step) }},
		{"kubernetes", &p.kubernetes, func() (string, error) { return k.s.compile(ctx, kubernetesPrograms(), step) }},
		{"storage", &p.storage, func() (string, error) { return k.s.compile(ctx, localPathProvisioner(), step) }},
	}
	if k.s.opts.Restricted {
		jobs = append(jobs, job{"runtime wrapper", &p.wrapper, func() (string, error) {
			return host.BuildRuntimeWrapper(ctx, k.s.opts.Root, k.s.opts.Cache)
		}})
	}
	var group errgroup.Group
	for _, j := range jobs {
		group.Go(func() (err error) {
			if *j.into, err = j.do(); err != nil {
				return fmt.Errorf("%s: %w", j.part, err)
			}
			return nil
		})
	}
	err := group.Wait()
	return p, err
}
