package airgap

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Images that recipes/kind-node/root/kind/manifests/default-storage.yaml runs.
const (
	storageImage       = "docker.io/rancher/local-path-provisioner:v0.0.30"
	storageHelperImage = "docker.io/library/local-path-helper:local"
)

// units is the folder of systemd's units in a node.
const units = "etc/systemd/system/"

// systemFiles are kind's base files, adapted, and the files that a made node adds.
func (k kindNode) systemFiles(ctx context.Context, p nodeParts) ([]file, error) {
	files, err := k.kindFiles(ctx, p)
	if err != nil {
		return nil, err
	}
	own, err := filesOf(k.files, nodeFolder)
	if err != nil {
		return nil, fmt.Errorf("read the files of the node: %w", err)
	}
	base, err := containerSpec(ctx, filepath.Join(p.runtime, "ctr"))
	if err != nil {
		return nil, err
	}
	for _, unit := range []string{"kind-images", "service-fence", "containerd", "kubelet", "undo-mount-hacks"} {
		own = append(own, file{Path: units + "multi-user.target.wants/" + unit + ".service", Link: "/" + units + unit + ".service"})
	}
	return slices.Concat(files, own, []file{
		{Path: "etc/containerd/cri-base.json", Mode: 0o644, Body: base},
		{Path: units + "systemd-binfmt.service", Link: "/dev/null"}, // it registers handlers in the host's kernel
		{Path: "kind/version", Mode: 0o644, Body: []byte(Kubernetes)},
	}), nil
}

// kindFiles are kind's base files, with the modes and the configuration of
// containerd that a node needs.
func (k kindNode) kindFiles(ctx context.Context, p nodeParts) ([]file, error) {
	files, err := filesBelow(p.kindFiles, "")
	if err != nil {
		return nil, fmt.Errorf("read kind's base files: %w", err)
	}
	pause, err := k.pauseImage(ctx, p)
	if err != nil {
		return nil, err
	}
	for i := range files {
		f := &files[i]
		if strings.HasPrefix(f.Path, "usr/local/bin/") || strings.HasPrefix(f.Path, "kind/bin/") {
			f.Mode = 0o755 // Go's module cache drops the executable bit
		}
		if f.Path == "etc/containerd/config.toml" {
			config, err := os.ReadFile(f.Source)
			if err != nil {
				return nil, err
			}
			f.Body, f.Source = containerdConfig(config, containerdSettings{pause: pause, restricted: k.s.opts.Restricted}), ""
		}
	}
	return files, nil
}

// filesOf lists the files of a folder as entries of a layer, without the prefix.
func filesOf(folder fs.FS, prefix string) ([]file, error) {
	var found []file
	err := fs.WalkDir(folder, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(folder, path)
		found = append(found, file{Path: strings.TrimPrefix(path, prefix), Mode: 0o644, Body: body})
		return err
	})
	return found, err
}

// containerdSettings are the settings that differ between nodes.
type containerdSettings struct {
	pause      string // reference of the pause image
	restricted bool   // the host withholds capabilities
}

// containerdConfig sets the pause image to the one in the archive. On a restricted
// host it also forbids containerd to lower oom_score_adj.
func containerdConfig(config []byte, set containerdSettings) []byte {
	lines := strings.Split(string(config), "\n")
	for i, line := range lines {
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "sandbox_image ="):
			lines[i] = fmt.Sprintf("  sandbox_image = %q", set.pause)
		case set.restricted && strings.HasPrefix(strings.TrimSpace(line), "restrict_oom_score_adj ="):
			lines[i] = "  restrict_oom_score_adj = true"
		}
	}
	return []byte(strings.Join(lines, "\n"))
}

// containerSpec is the base specification of every container: containerd's default
// with kind's hook, which hides the host's product id, and without resource limits,
// which some hosts do not allow to raise.
func containerSpec(ctx context.Context, ctr string) ([]byte, error) {
	out, err := exec.CommandContext(ctx, ctr, "oci", "spec").Output()
	if err != nil {
		return nil, fmt.Errorf("ask ctr for containerd's default specification: %w", err)
	}
	var spec map[string]any
	decoder := json.NewDecoder(bytes.NewReader(out))
	decoder.UseNumber()
	if err := decoder.Decode(&spec); err != nil {
		return nil, fmt.Errorf("parse containerd's default specification: %w", err)
	}
	if process, ok := spec["process"].(map[string]any); ok {
		delete(process, "rlimits")
	}
	spec["hooks"] = map[string]any{"createContainer": []any{map[string]any{"path": "/kind/bin/mount-product-files.sh"}}}
	return json.Marshal(spec)
}

// programFiles are the node's own programs. Unlike the images in the archive, the
// node has them in the folders of an installed system.
func (k kindNode) programFiles(p nodeParts) []file {
	files := []file{{Path: "usr/bin/kubernetes", Mode: 0o755, Source: filepath.Join(p.kubernetes, "kubernetes")}}
	for _, name := range []string{"kubelet", "kubeadm", "kubectl"} {
		files = append(files, file{Path: "usr/bin/" + name, Link: "kubernetes"})
	}
	for _, name := range []string{"containerd", "containerd-shim-runc-v2", "ctr"} {
		files = append(files, file{Path: "usr/local/bin/" + name, Mode: 0o755, Source: filepath.Join(p.runtime, name)})
	}
	for _, name := range []string{"host-local", "loopback", "ptp", "portmap"} {
		files = append(files, file{Path: "opt/cni/bin/" + name, Mode: 0o755, Source: filepath.Join(p.runtime, name)})
	}
	if p.wrapper != "" {
		files = append(files, file{Path: "usr/local/sbin/runc", Mode: 0o755, Source: p.wrapper})
	}
	return files
}
