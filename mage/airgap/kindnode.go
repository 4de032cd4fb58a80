package airgap

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"todo-chatbot/mage/host"
	"todo-chatbot/mage/progress"
)

// kindNode stands in for kindest/node. It is a Debian with systemd and kind's
// own base files, the Kubernetes and containerd programs, and an archive of
// every image that a fresh control plane runs, which a systemd unit imports
// before the node calls itself up: kind then finds them as in its own images.
type kindNode struct{ s *Supply }

const kindModule = "sigs.k8s.io/kind"

// kubernetesModule is the folder below modules/ that the programs are built in.
const kubernetesModule = "kubernetes"

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

// localPathProvisioner is a build of its own in the same module: it spells a
// library's import path in capitals, which one build together with the rest refuses.
var localPathProvisioner = program{
	module: kubernetesModule, packages: []string{"github.com/rancher/local-path-provisioner"},
}

var nodeRootfs = rootfs{
	name: "kind-node", variant: "minbase",
	packages: []string{
		"systemd", "systemd-sysv", "dbus", "conntrack", "iptables", "nftables", "iproute2", "ethtool", "util-linux",
		"mount", "kmod", "libseccomp2", "pigz", "e2fsprogs", "bash", "ca-certificates", "curl", "jq", "procps",
		"runc", "hostname", "socat",
	},
	// A container has no hardware to set up and no console to log in at.
	hooks: []string{
		`find "$1"/lib/systemd/system/sysinit.target.wants/ -name systemd-tmpfiles-setup.service -delete`,
		`rm -f "$1"/lib/systemd/system/multi-user.target.wants/* "$1"/etc/systemd/system/*.wants/* "$1"/lib/systemd/system/local-fs.target.wants/*`,
		`rm -f "$1"/lib/systemd/system/sockets.target.wants/*udev* "$1"/lib/systemd/system/sockets.target.wants/*initctl* "$1"/lib/systemd/system/basic.target.wants/*`,
		`echo ReadKMsg=no >> "$1"/etc/systemd/journald.conf`,
		`mkdir -p "$1"/etc/kubernetes/manifests "$1"/opt/cni/bin "$1"/kind "$1"/var/log/journal && rmdir "$1"/var/log/journal`,
	},
}

var proxyRootfs = rootfs{
	name: "kube-proxy", variant: "extract",
	packages: []string{"iptables", "conntrack", "nftables", "kmod", "libc6", "netbase", "dash", "coreutils"},
	hooks: []string{
		shell,
		`for n in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do ln -sf xtables-nft-multi "$1"/usr/sbin/$n; done`,
	},
}

// The code that puts the image together is one of its inputs.
var (
	//go:embed kindnode.go
	nodeCode string
	//go:embed kindfiles.go
	filesCode string
	//go:embed kindimages.go
	imagesCode string
)

func (kindNode) Ref() string { return KindNodeRef }

func (k kindNode) Inputs() (string, error) {
	runtimes, err := k.s.withModule("runtime", runtimePrograms)
	if err != nil {
		return "", err
	}
	sum, err := os.ReadFile(filepath.Join(k.s.opts.Root, "go.sum"))
	if err != nil {
		return "", err
	}
	return k.s.withModule("kind-node", kubernetesPrograms(), runtimes, nodeRootfs.digest(), proxyRootfs.digest(), registryRootfs.digest(),
		kindVersion(string(sum)), strconv.FormatBool(k.s.opts.Restricted), nodeCode, filesCode, imagesCode)
}

// kindVersion is kind's line in go.sum: the version and digest of its base files.
func kindVersion(sum string) string {
	for line := range strings.Lines(sum) {
		if strings.HasPrefix(line, kindModule+" ") && !strings.Contains(line, "/go.mod ") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

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
	system, err := k.systemFiles(ctx, parts, step)
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
	return compose(v1.Config{
		Env:        []string{searchPath, "container=docker"},
		Entrypoint: []string{"/usr/local/bin/entrypoint", "/sbin/init"},
		StopSignal: "SIGRTMIN+3",
	}, base, systemLayer, imagesLayer)
}

// nodeParts are the folders and tars that the node image is put together from.
type nodeParts struct {
	root, proxyRoot, registryRoot string
	kubernetes, runtime, storage  string // folders of programs
	wrapper                       string // runtime wrapper; empty when not needed
	kindFiles                     string
}

func (k kindNode) gather(ctx context.Context, step *progress.Step) (nodeParts, error) {
	var p nodeParts
	jobs := []struct {
		what string
		into *string
		do   func() (string, error)
	}{
		{"kind's base files", &p.kindFiles, func() (string, error) {
			dir, err := k.s.moduleDir(ctx, kindModule)
			return filepath.Join(dir, "images", "base", "files"), err
		}},
		{"node", &p.root, func() (string, error) { return k.s.rootfs(ctx, nodeRootfs, step) }},
		{"kube-proxy", &p.proxyRoot, func() (string, error) { return k.s.rootfs(ctx, proxyRootfs, step) }},
		{"registry", &p.registryRoot, func() (string, error) { return k.s.rootfs(ctx, registryRootfs, step) }},
		{"containerd", &p.runtime, func() (string, error) { return k.s.compile(ctx, runtimePrograms, step) }},
		{"kubernetes", &p.kubernetes, func() (string, error) { return k.s.compile(ctx, kubernetesPrograms(), step) }},
		{"storage", &p.storage, func() (string, error) { return k.s.compile(ctx, localPathProvisioner, step) }},
	}
	if k.s.opts.Restricted {
		jobs = append(jobs, struct {
			what string
			into *string
			do   func() (string, error)
		}{"runtime wrapper", &p.wrapper, func() (string, error) { return k.s.RuntimeWrapper(ctx) }})
	}
	err := inParallel(len(jobs), func(i int) error {
		var err error
		if *jobs[i].into, err = jobs[i].do(); err != nil {
			return fmt.Errorf("%s: %w", jobs[i].what, err)
		}
		return nil
	})
	return p, err
}

// RuntimeWrapper compiles the OCI runtime of scripts/runtime-wrapper and
// returns the program's path.
func (s *Supply) RuntimeWrapper(ctx context.Context) (string, error) {
	return host.BuildRuntimeWrapper(ctx, s.opts.Root, s.opts.Cache)
}
