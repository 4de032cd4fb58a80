// Package house holds the rules of the project's own files that no linter knows,
// such as the length of files and the hosts that no file names; .golangci.yml
// holds the others. Each rule is a function from a file tree to violations, tried
// on the project and on a tree that breaks it.
package house

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rule returns its violations, each as "file[:line]: sentence".
type rule func(t *testing.T, project fs.FS) []string

// keeps tries a rule on the project.
func keeps(t *testing.T, r rule) {
	t.Helper()
	for _, violation := range r(t, os.DirFS("../..")) {
		t.Error(violation)
	}
}

// refuses tries a rule on a small tree and demands exactly these violations.
func refuses(t *testing.T, r rule, files map[string]string, want ...string) {
	t.Helper()
	tree := fstest.MapFS{}
	for name, content := range files {
		tree[name] = &fstest.MapFile{Data: []byte(content)}
	}
	assert.ElementsMatch(t, want, r(t, tree))
}

// notOurs are folders of tools and of their output. Hidden folders are not ours either,
// except CI's.
var notOurs = []string{"node_modules", "build", "__pycache__", "coverage", "dist"}

// files lists the project's own files whose name ends in one of the suffixes;
// without any, all of them.
func files(t *testing.T, project fs.FS, suffixes ...string) []string {
	t.Helper()
	var found []string
	err := fs.WalkDir(project, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		switch {
		case entry.IsDir() && name != "." && (slices.Contains(notOurs, base) || strings.HasPrefix(base, ".") && base != ".ci"):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		if len(suffixes) == 0 || slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(base, s) }) {
			found = append(found, name)
		}
		return nil
	})
	require.NoError(t, err)
	return found
}

func read(t *testing.T, project fs.FS, name string) string {
	t.Helper()
	content, err := fs.ReadFile(project, name)
	require.NoError(t, err)
	return string(content)
}

func TestProjectIsFound(t *testing.T) {
	found := files(t, os.DirFS("../.."))
	assert.Contains(t, found, "go.mod", "the rules would check no file")
	assert.Contains(t, found, "mage/progress/progress.go")
	assert.Contains(t, found, "test/house/house_test.go")
}

func TestFilesOmitToolsAndTheirOutput(t *testing.T) {
	tree := fstest.MapFS{}
	for _, name := range []string{".git/config", "images/frontend/node_modules/x/index.js", "images/frontend/.next/a.js", "build/a.go", ".ci/run", ".gitignore", "a.go"} {
		tree[name] = &fstest.MapFile{}
	}
	assert.ElementsMatch(t, []string{".ci/run", ".gitignore", "a.go"}, files(t, tree))
}
