package airgap

import (
	"context"
	_ "embed"
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

// debianBase makes debian:bookworm-slim.
type debianBase struct{ s *Supply }

func debianRootfs() rootfs {
	return rootfs{name: "debian", variant: "minbase", packages: []string{"ca-certificates"}}
}

func debianConfig() v1.Config { return v1.Config{Env: []string{searchPath}, Cmd: []string{"bash"}} }

// Ref implements Recipe.
func (debianBase) Ref() string { return DebianRef }

// Inputs implements Recipe.
func (b debianBase) Inputs() (string, error) {
	return b.s.key(ingredients{version: debianVersion, config: debianConfig(), rootfs: []rootfs{debianRootfs()}, more: []string{string(pushed)}})
}

// Make implements Recipe.
func (b debianBase) Make(ctx context.Context, _ string, step *progress.Step) (v1.Image, error) {
	return b.s.base(ctx, debianRootfs(), debianConfig(), step)
}

// pythonBase makes python:3.11-slim from Debian's Python, under the names of the
// upstream image.
type pythonBase struct{ s *Supply }

//go:embed recipes/python/hook.sh
var pythonHook string

func pythonRootfs() rootfs {
	return rootfs{
		name: "python", variant: "minbase", hook: pythonHook,
		packages: []string{"ca-certificates", "python3", "python3-venv", "libpython3-stdlib"},
	}
}

func pythonConfig() v1.Config {
	return v1.Config{Env: []string{searchPath, "LANG=C.UTF-8"}, Cmd: []string{"python3"}}
}

// Ref implements Recipe.
func (pythonBase) Ref() string { return PythonRef }

// Inputs implements Recipe.
func (b pythonBase) Inputs() (string, error) {
	return b.s.key(ingredients{version: pythonVersion, config: pythonConfig(), rootfs: []rootfs{pythonRootfs()}, more: []string{string(pushed)}})
}

// Make implements Recipe.
func (b pythonBase) Make(ctx context.Context, _ string, step *progress.Step) (v1.Image, error) {
	return b.s.base(ctx, pythonRootfs(), pythonConfig(), step)
}

// nodeJSBase makes node:24-alpine from Node's own Linux binary, which the npm
// registry serves, and the few Debian libraries that the binary needs.
type nodeJSBase struct{ s *Supply }

//go:embed recipes/nodejs/hook.sh
var nodeJSHook string

func nodeJSRootfs() rootfs {
	return rootfs{
		name: "nodejs", variant: "extract", hook: nodeJSHook,
		packages: []string{"base-files", "base-passwd", "libc6", "libc-bin", "libgcc-s1", "libstdc++6", "dash", "coreutils", "sed", "grep", "findutils", "netbase"},
	}
}

func nodeJSConfig() v1.Config { return v1.Config{Env: []string{searchPath}, Cmd: []string{"node"}} }

// npmPackages is the folder of the pinned npm packages, below the project's root.
const npmPackages = modulesDir + "node"

// Ref implements Recipe.
func (nodeJSBase) Ref() string { return NodeJSRef }

// Inputs implements Recipe.
func (b nodeJSBase) Inputs() (string, error) {
	return b.s.key(ingredients{
		version: nodeJSVersion, config: nodeJSConfig(), rootfs: []rootfs{nodeJSRootfs()},
		sources: []string{npmPackages}, more: []string{string(pushed)},
	})
}

// Make implements Recipe.
func (b nodeJSBase) Make(ctx context.Context, scratch string, step *progress.Step) (v1.Image, error) {
	root, err := b.s.rootfs(ctx, nodeJSRootfs(), step)
	if err != nil {
		return nil, err
	}
	base, err := pushedLayer(root)
	if err != nil {
		return nil, err
	}
	packages := filepath.Join(scratch, "npm")
	defer os.RemoveAll(packages)
	if err := b.s.npmInstall(ctx, packages, step); err != nil {
		return nil, err
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
	return compose(nodeJSConfig(), base, layer)
}

// npmInstall installs the pinned npm packages into a new folder.
func (s *Supply) npmInstall(ctx context.Context, folder string, step *progress.Step) error {
	step.Update("install npm")
	if _, err := s.opts.Apt.Need(ctx, step, map[string]string{"npm": "npm"}); err != nil {
		return err
	}
	step.Update("fetch Node.js from the npm registry")
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(s.opts.Root, filepath.FromSlash(npmPackages)))); err != nil {
		return fmt.Errorf("copy the list of npm packages: %w", err)
	}
	install := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=dev")
	install.Dir = folder
	if err := host.Run(install, step); err != nil {
		return fmt.Errorf("npm ci: %w", err)
	}
	return nil
}

// nodeFiles places the node binary and npm as in the upstream image.
func nodeFiles(packages string) ([]file, error) {
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = "x64"
	}
	files := []file{
		{Path: "usr/local/bin/node", Mode: 0o755, Source: filepath.Join(packages, "node_modules", "node-linux-"+arch, "bin", "node")},
		{Path: "usr/local/bin/npm", Link: "../lib/node_modules/npm/bin/npm-cli.js"},
		{Path: "usr/local/bin/npx", Link: "../lib/node_modules/npm/bin/npx-cli.js"},
	}
	npm, err := filesBelow(filepath.Join(packages, "node_modules", "npm"), "usr/local/lib/node_modules/npm")
	return append(files, npm...), err
}

// base returns an image of one file system. Its layer is compressed, because the
// application's images are pushed with it.
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
