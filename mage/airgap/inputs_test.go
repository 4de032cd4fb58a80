package airgap

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"todo-chatbot/mage/host"
)

// copyInputs copies the files of the project that recipes read.
func copyInputs(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	project := os.DirFS(filepath.Join("..", ".."))
	for _, folder := range append(wrapperSources(), strings.TrimSuffix(modulesDir, "/")) {
		sources, err := fs.Sub(project, folder)
		require.NoError(t, err)
		require.NoError(t, os.CopyFS(filepath.Join(root, filepath.FromSlash(folder)), sources))
	}
	sum, err := fs.ReadFile(project, "go.sum")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.sum"), sum, 0o644))
	return root
}

// keys are the keys of all recipes for a restricted host, by reference.
func keys(t *testing.T, root string) map[string]string {
	t.Helper()
	s := New(Options{Root: root, Cache: t.TempDir(), Restricted: true})
	all := map[string]string{}
	for _, ref := range Makeable() {
		key, err := s.recipes[ref].Inputs()
		require.NoError(t, err, ref)
		all[ref] = key
	}
	return all
}

func edit(t *testing.T, root, path, old, new string) {
	t.Helper()
	path = filepath.Join(root, filepath.FromSlash(path))
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	changed := strings.Replace(string(content), old, new, 1)
	require.NotEqual(t, string(content), changed, "%s: has no %q", path, old)
	require.NoError(t, os.WriteFile(path, []byte(changed), 0o644))
}

func TestKeyStaysTheSameAfterRewordedComment(t *testing.T) {
	root := copyInputs(t)
	before := keys(t, root)
	for _, path := range []string{
		"mage/airgap/modules/kubernetes/cmd/kubernetes/main.go", "mage/airgap/modules/runtime/cmd/buildkit/main.go",
		"mage/airgap/modules/traefik/lego/lego/lego.go", "scripts/runtime-wrapper/main.go",
	} {
		edit(t, root, path, "package ", "// Another comment.\n\npackage ")
	}
	assert.Equal(t, before, keys(t, root))
}

func TestKeyChangesWithModulesPackagesAndCode(t *testing.T) {
	root := copyInputs(t)
	before := keys(t, root)
	for name, c := range map[string]struct {
		path, old, new string
		changed        []string
	}{
		"go.sum of Kubernetes": {"mage/airgap/modules/kubernetes/go.sum", "h1:", "h1:x", []string{KindNodeRef}},
		"go.mod of Traefik":    {"mage/airgap/modules/traefik/go.mod", "v3.7.13", "v3.7.14", []string{TraefikRef}},
		"containerd":           {"mage/airgap/modules/runtime/go.sum", "h1:", "h1:x", []string{KindNodeRef, BuildKitRef}},
		"npm's lock":           {"mage/airgap/modules/node/package-lock.json", "sha512-", "sha512-x", []string{NodeJSRef}},
		"kind's base files":    {"go.sum", kindModule + " v", kindModule + " v9", []string{KindNodeRef}},
		"code of a program":    {"mage/airgap/modules/kubernetes/cmd/pause/main.go", "func main() {", "func main() {\n\tprintln()", []string{KindNodeRef}},
		"runtime wrapper":      {"scripts/runtime-wrapper/main.go", "/usr/sbin/runc", "/sbin/runc", []string{KindNodeRef}},
	} {
		t.Run(name, func(t *testing.T) {
			edit(t, root, c.path, c.old, c.new)
			defer edit(t, root, c.path, c.new, c.old)
			for ref, key := range keys(t, root) {
				assert.Equal(t, slices.Contains(c.changed, ref), key != before[ref], ref)
			}
		})
	}
	assert.Equal(t, before, keys(t, root))
}

func TestKeyChangesWithEmbeddedFilesAndVersion(t *testing.T) {
	s := New(Options{Root: filepath.Join("..", ".."), Cache: t.TempDir()})
	node := kindNode{s, embeddedNode}
	before, err := node.Inputs()
	require.NoError(t, err)
	files := fstest.MapFS{}
	require.NoError(t, fs.WalkDir(embeddedNode, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := embeddedNode.ReadFile(path)
		files[path] = &fstest.MapFile{Data: content}
		return err
	}))
	require.Len(t, files, 6)
	same, err := kindNode{s, files}.Inputs()
	require.NoError(t, err)
	assert.Equal(t, before, same)
	for path, file := range files {
		content := file.Data
		file.Data = append(slices.Clone(content), '\n')
		changed, err := kindNode{s, files}.Inputs()
		require.NoError(t, err)
		assert.NotEqual(t, before, changed, path)
		file.Data = content
	}

	python := ingredients{version: pythonVersion, config: pythonConfig(), rootfs: []rootfs{pythonRootfs()}}
	key := func(change func(*ingredients)) string {
		of := python
		of.rootfs = slices.Clone(python.rootfs)
		change(&of)
		key, err := s.key(of)
		require.NoError(t, err)
		return key
	}
	before = key(func(*ingredients) {})
	assert.NotEqual(t, before, key(func(of *ingredients) { of.rootfs[0].hook += "true" }), "hook")
	assert.NotEqual(t, before, key(func(of *ingredients) { of.rootfs[0].packages = []string{"python3"} }), "packages")
	assert.NotEqual(t, before, key(func(of *ingredients) { of.version = "python/0" }), "version")
	assert.NotEqual(t, before, key(func(of *ingredients) { of.config.User = "1" }), "configuration")
}

func TestNoKeyDependsOnSourcesOfThisPackage(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, path := range sources {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		for line := range bytes.Lines(content) {
			assert.False(t, bytes.HasPrefix(line, []byte("//go:embed")) && bytes.Contains(line, []byte(".go")), "%s: %s", path, line)
		}
	}
}

func TestGoCodeKeepsDirectivesAndDropsLayout(t *testing.T) {
	code := string(goCode([]byte("//go:build unix\n\n// Package a is a comment.\npackage a\n\nvar b = `// c` // d\n")))
	assert.Equal(t, code, string(goCode([]byte("//go:build unix\npackage a\n/* e */\nvar   b = `// c`\n"))))
	assert.NotEqual(t, code, string(goCode([]byte("package a\nvar b = `// c`\n"))))
	assert.NotEqual(t, code, string(goCode([]byte("//go:build unix\npackage a\nvar b = `// C`\n"))))
	assert.Equal(t, "\"not Go", string(goCode([]byte("\"not Go"))))
}

func TestWrapperSourcesAreAllPackagesOfTheRuntimeWrapper(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{with .Module}}{{if .Main}}{{$.ImportPath}}{{end}}{{end}}{{end}}", "./scripts/runtime-wrapper")
	list.Dir = filepath.Join("..", "..")
	out, err := list.Output()
	require.NoError(t, err)
	var packages []string
	for _, folder := range wrapperSources() {
		packages = append(packages, "todo-chatbot/"+folder)
	}
	assert.ElementsMatch(t, packages, strings.Fields(string(out)))
}

func TestModuleDirIsTheFolderOfKindsSources(t *testing.T) {
	s := New(Options{Root: filepath.Join("..", ".."), Cache: t.TempDir()})
	dir, err := s.moduleDir(t.Context(), kindModule)
	require.NoError(t, err)
	assert.FileExists(t, filepath.Join(dir, "images", "base", "files", "usr", "local", "bin", "entrypoint"))

	_, err = s.moduleDir(t.Context(), "example.invalid/absent")
	assert.ErrorContains(t, err, `download module "example.invalid/absent": `)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.moduleDir(ctx, kindModule)
	assert.Error(t, err)
}

func TestHooksAreValidShell(t *testing.T) {
	for _, hook := range []string{leanHook, pythonHook, nodeJSHook, registryHook, nodeHook, proxyHook} {
		require.NotEmpty(t, hook)
		check := exec.CommandContext(t.Context(), "sh", "-n", "-c", hook)
		assert.NoError(t, host.Run(check, &bytes.Buffer{}), hook)
	}
}

func TestStorageManifestRunsTheImagesOfTheArchive(t *testing.T) {
	content, err := embeddedNode.ReadFile(nodeFolder + "kind/manifests/default-storage.yaml")
	require.NoError(t, err)
	var kinds []string
	for document := range strings.SplitSeq(string(content), "\n---\n") {
		var object struct{ Kind string }
		require.NoError(t, yaml.Unmarshal([]byte(document), &object))
		kinds = append(kinds, object.Kind)
	}
	assert.Equal(t, []string{"Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ConfigMap", "Deployment", "StorageClass"}, kinds)
	assert.Contains(t, string(content), "image: "+storageImage+"\n")
	assert.Contains(t, string(content), `--helper-image, "`+storageHelperImage+`"`)
	assert.Contains(t, string(content), `image: "`+storageHelperImage+`"`)
}

func TestNodeGetsEmbeddedFilesUnderTheirPaths(t *testing.T) {
	files, err := filesOf(embeddedNode, nodeFolder)
	require.NoError(t, err)
	var paths []string
	for _, f := range files {
		paths = append(paths, f.Path)
		assert.NotEmpty(t, f.Body, f.Path)
	}
	assert.ElementsMatch(t, []string{
		"etc/cni/net.d/10-pods.conflist", "etc/systemd/system/kind-images.service", "etc/systemd/system/kubelet.service.d/12-cgroups.conf", "kind/bin/create-kubelet-cgroups-v1.sh",
		"etc/systemd/system/service-fence.service", "kind/manifests/default-storage.yaml",
	}, paths)
}
