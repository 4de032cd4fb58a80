package airgap

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"todo-chatbot/mage/host"
	"todo-chatbot/mage/progress"
)

const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// debianBase stands in for debian:bookworm-slim.
type debianBase struct{ s *Supply }

var debianRootfs = rootfs{name: "debian", variant: "minbase", packages: []string{"ca-certificates"}}

func (debianBase) Ref() string { return DebianRef }
func (debianBase) Inputs() (string, error) {
	return inputs("debian", string(pushed), debianRootfs.digest()), nil
}

func (b debianBase) Make(ctx context.Context, _ string, step *progress.Step) (v1.Image, error) {
	return b.s.base(ctx, debianRootfs, v1.Config{Env: []string{searchPath}, Cmd: []string{"bash"}}, step)
}

// pythonBase stands in for python:3.11-slim: Debian's Python, under the names
// that the upstream image gives it.
type pythonBase struct{ s *Supply }

var pythonRootfs = rootfs{
	name: "python", variant: "minbase",
	packages: []string{"ca-certificates", "python3", "python3-venv", "libpython3-stdlib"},
	hooks: []string{
		`for n in python python3 python3.11; do ln -s /usr/bin/python3.11 "$1"/usr/local/bin/$n; done`,
		// pip as upstream has it, from the wheel that venv needs anyway: Debian's
		// own package of it brings a compiler.
		`mkdir -p "$1"/usr/local/lib/python3.11/dist-packages && ls -d "$1"/usr/share/python-wheels/pip-*.whl | sed "s|^$1||" > "$1"/usr/local/lib/python3.11/dist-packages/pip.pth`,
	},
}

func (pythonBase) Ref() string { return PythonRef }
func (pythonBase) Inputs() (string, error) {
	return inputs("python", string(pushed), pythonRootfs.digest()), nil
}

func (b pythonBase) Make(ctx context.Context, _ string, step *progress.Step) (v1.Image, error) {
	return b.s.base(ctx, pythonRootfs, v1.Config{Env: []string{searchPath, "LANG=C.UTF-8"}, Cmd: []string{"python3"}}, step)
}

// nodeJSBase stands in for node:24-alpine: Node's own Linux binary, as the npm
// registry serves it, on the few Debian libraries that it is linked with.
type nodeJSBase struct{ s *Supply }

var nodeJSRootfs = rootfs{
	name: "nodejs", variant: "extract",
	packages: []string{"base-files", "base-passwd", "libc6", "libc-bin", "libgcc-s1", "libstdc++6", "dash", "coreutils", "sed", "grep", "findutils", "netbase"},
	hooks: []string{
		shell,
		`cp "$1"/usr/share/base-passwd/passwd.master "$1"/etc/passwd; cp "$1"/usr/share/base-passwd/group.master "$1"/etc/group`,
		`mkdir -p "$1"/root`,
	},
}

func (nodeJSBase) Ref() string { return NodeJSRef }

func (b nodeJSBase) Inputs() (string, error) {
	lock, err := os.ReadFile(filepath.Join(b.s.npmModule(), "package-lock.json"))
	if err != nil {
		return "", fmt.Errorf("read pinned npm packages: %w", err)
	}
	return inputs("nodejs", string(pushed), nodeJSRootfs.digest(), string(lock)), nil
}

func (s *Supply) npmModule() string {
	return filepath.Join(s.opts.Root, "mage", "airgap", "modules", "node")
}

func (b nodeJSBase) Make(ctx context.Context, scratch string, step *progress.Step) (v1.Image, error) {
	root, err := b.s.rootfs(ctx, nodeJSRootfs, step)
	if err != nil {
		return nil, err
	}
	base, err := pushedLayer(root)
	if err != nil {
		return nil, err
	}
	step.Update("install npm")
	if _, err := b.s.opts.Apt.Need(ctx, step, map[string]string{"npm": "npm"}); err != nil {
		return nil, err
	}
	step.Update("fetch Node.js from the npm registry")
	packages := filepath.Join(scratch, "npm")
	defer os.RemoveAll(packages)
	if err := copyFiles(b.s.npmModule(), packages, "package.json", "package-lock.json"); err != nil {
		return nil, err
	}
	install := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=dev")
	install.Dir = packages
	if err := host.Run(install, step); err != nil {
		return nil, fmt.Errorf("npm ci: %w", err)
	}
	files, err := nodeFiles(packages)
	if err != nil {
		return nil, err
	}
	tarPath := filepath.Join(scratch, "node.tar")
	if err := writeTar(tarPath, files); err != nil {
		return nil, err
	}
	layer, err := pushedLayer(tarPath)
	if err != nil {
		return nil, err
	}
	return compose(v1.Config{Env: []string{searchPath}, Cmd: []string{"node"}}, base, layer)
}

// nodeFiles places the node binary and npm as the upstream image has them.
func nodeFiles(packages string) ([]file, error) {
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	files := []file{
		{Path: "usr/local/bin/node", Mode: 0o755, Source: filepath.Join(packages, "node_modules", "node-linux-"+arch, "bin", "node")},
		{Path: "usr/local/bin/npm", Link: "../lib/node_modules/npm/bin/npm-cli.js"},
		{Path: "usr/local/bin/npx", Link: "../lib/node_modules/npm/bin/npx-cli.js"},
	}
	npm, err := filesBelow(filepath.Join(packages, "node_modules", "npm"), "usr/local/lib/node_modules/npm")
	return append(files, npm...), err
}

// base is an image of one file system, compressed since the application's
// images are pushed with it.
func (s *Supply) base(ctx context.Context, r rootfs, config v1.Config, step *progress.Step) (v1.Image, error) {
	root, err := s.rootfs(ctx, r, step)
	if err != nil {
		return nil, err
	}
	layer, err := pushedLayer(root)
	if err != nil {
		return nil, err
	}
	return compose(config, layer)
}

func copyFiles(from, to string, names ...string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
