package image

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tonistiigi/fsutil/types"
)

var digestOne = v1.Hash{Algorithm: "sha256", Hex: "1111111111111111111111111111111111111111111111111111111111111111"}
var digestTwo = v1.Hash{Algorithm: "sha256", Hex: "2222222222222222222222222222222222222222222222222222222222222222"}

func sampleFiles() map[string]string {
	return map[string]string{
		"Dockerfile":        "FROM python:3.11-slim\nCOPY . /\n",
		".dockerignore":     "node_modules\n**/*.log\n!keep.log\n",
		"app/main.py":       "print('hello')\n",
		"app/util.py":       "x = 1\n",
		"app/b.txt":         "ab",
		"keep.log":          "kept\n",
		"debug.log":         "ignored\n",
		"node_modules/a/b":  "ignored\n",
		"deep/down/x.log":   "ignored\n",
		"deep/down/x.plain": "seen\n",
	}
}

func sample(t *testing.T) Source {
	return Source{Name: "api", Context: put(t, t.TempDir(), sampleFiles()), Platform: v1.Platform{OS: "linux", Architecture: "amd64"}}
}

func sampleBases() map[string]v1.Hash { return map[string]v1.Hash{"python:3.11-slim": digestOne} }

// loadInput reads src with bases of these digests.
func loadInput(ctx context.Context, src Source, digests map[string]v1.Hash) (*Input, error) {
	in, err := Open(src)
	if err != nil {
		return nil, err
	}
	var bases []Base
	for ref, digest := range digests {
		bases = append(bases, Base{Ref: ref, Digest: digest})
	}
	return in, in.Load(ctx, bases)
}

func key(t *testing.T, src Source, digests map[string]v1.Hash) Key {
	t.Helper()
	in, err := loadInput(t.Context(), src, digests)
	require.NoError(t, err)
	return in.Key()
}

func TestKeyIsValidTag(t *testing.T) {
	k := key(t, sample(t), sampleBases())
	assert.Regexp(t, regexp.MustCompile(`^key-[0-9a-f]{32}$`), k.Tag())
	assert.Regexp(t, regexp.MustCompile(`^sha256:[0-9a-f]{64}$`), k.String())
}

func TestKeyDoesNotDependOnPlaceTimeAndOrder(t *testing.T) {
	want := key(t, sample(t), sampleBases())

	dir := filepath.Join(t.TempDir(), "some", "where else")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	files := sampleFiles()
	names := slices.Sorted(maps.Keys(files))
	slices.Reverse(names)
	for i, name := range names {
		put(t, dir, map[string]string{name: files[name]})
		stamp := time.Unix(int64(1e9+i*1e6), 0)
		require.NoError(t, os.Chtimes(filepath.Join(dir, filepath.FromSlash(name)), stamp, stamp))
		require.NoError(t, os.Chmod(filepath.Join(dir, filepath.FromSlash(name)), 0o600))
	}
	src := sample(t)
	src.Context = dir
	assert.Equal(t, want, key(t, src, sampleBases()))
}

func TestKeyChangesWithEachInput(t *testing.T) {
	src := sample(t)
	keys := map[Key]string{key(t, src, sampleBases()): "the first"}
	unlike := func(what string, k Key) {
		t.Helper()
		if other, ok := keys[k]; ok {
			t.Errorf("%s has the same key as %s", what, other)
		}
		keys[k] = what
	}
	unlike("another base", key(t, src, map[string]v1.Hash{"python:3.11-slim": digestTwo}))
	for what, change := range map[string]func(*Source){
		"another name":     func(s *Source) { s.Name = "web" },
		"an argument":      func(s *Source) { s.Args = map[string]string{"A": "1"} },
		"another value":    func(s *Source) { s.Args = map[string]string{"A": "2"} },
		"moved in args":    func(s *Source) { s.Args = map[string]string{"A1": ""} },
		"another platform": func(s *Source) { s.Platform.Architecture = "arm64" },
		"a variant":        func(s *Source) { s.Platform.Variant = "v3" },
	} {
		s := src
		change(&s)
		unlike(what, key(t, s, sampleBases()))
	}
	path := func(name string) string { return filepath.Join(src.Context, filepath.FromSlash(name)) }
	steps := []struct {
		what   string
		change func() error
	}{
		{"changed bytes", func() error { return os.WriteFile(path("app/main.py"), []byte("print('hellO')\n"), 0o644) }},
		{"a new file", func() error { return os.WriteFile(path("app/new.py"), nil, 0o644) }},
		{"a renamed file", func() error { return os.Rename(path("app/new.py"), path("app/newer.py")) }},
		{"a moved file", func() error { return os.Rename(path("app/newer.py"), path("newer.py")) }},
		{"a removed file", func() error { return os.Remove(path("app/util.py")) }},
		{"bytes moved from one file to the next", func() error {
			put(t, src.Context, map[string]string{"app/b.txt": "a", "app/main.py": "bprint('hellO')\n"})
			return nil
		}},
		{"an empty folder", func() error { return os.Mkdir(path("empty"), 0o755) }},
		{"a file where the folder was", func() error { os.Remove(path("empty")); return os.WriteFile(path("empty"), nil, 0o644) }},
		{"the Dockerfile", func() error {
			return os.WriteFile(path("Dockerfile"), []byte("FROM python:3.11-slim\nCOPY . /srv\n"), 0o644)
		}},
		{"the ignore file", func() error { return os.WriteFile(path(".dockerignore"), []byte("node_modules\n**/*.log\n"), 0o644) }},
	}
	if runtime.GOOS != "windows" {
		steps = append(steps, []struct {
			what   string
			change func() error
		}{
			{"an executable bit", func() error { return os.Chmod(path("app/main.py"), 0o755) }},
			{"a link", func() error { return os.Symlink("main.py", path("app/link")) }},
			{"another target", func() error { os.Remove(path("app/link")); return os.Symlink("util.py", path("app/link")) }},
			{"a copy instead of the link", func() error {
				os.Remove(path("app/link"))
				return os.WriteFile(path("app/link"), []byte("util.py"), 0o644)
			}},
		}...)
	}
	for _, step := range steps {
		require.NoError(t, step.change(), step.what)
		unlike(step.what, key(t, src, sampleBases()))
	}
}

func TestKeyIgnoresExcludedFilesAndUnusedBases(t *testing.T) {
	src := sample(t)
	want := key(t, src, sampleBases())
	put(t, src.Context, map[string]string{"debug.log": "other", "node_modules/c": "more", "deep/other.log": "new"})
	assert.Equal(t, want, key(t, src, sampleBases()), "ignored files")
	put(t, src.Context, map[string]string{"keep.log": "other"})
	assert.NotEqual(t, want, key(t, src, sampleBases()), "a file named after '!' is not ignored")

	bases := sampleBases()
	want = key(t, src, bases)
	bases["node:24-alpine"] = digestTwo
	assert.Equal(t, want, key(t, src, bases), "the base of another image")
}

func TestIgnoreFileOfDockerfileComesFirst(t *testing.T) {
	src := sample(t)
	src.Dockerfile = filepath.Join(put(t, t.TempDir(), map[string]string{
		"prod":              "FROM scratch\n",
		"prod.dockerignore": "app/util.py\n",
	}), "prod")
	want := key(t, src, nil)
	put(t, src.Context, map[string]string{"app/util.py": "ignored now"})
	assert.Equal(t, want, key(t, src, nil))
	put(t, src.Context, map[string]string{"debug.log": "no longer ignored"})
	assert.NotEqual(t, want, key(t, src, nil))
}

func TestLoadNamesBasesWithoutDigest(t *testing.T) {
	_, err := loadInput(t.Context(), sample(t), nil)
	assert.ErrorContains(t, err, `key of image "api": no digest is given for base "python:3.11-slim"`)
}

func TestLoadReportsMissingContext(t *testing.T) {
	src := sample(t)
	src.Dockerfile = filepath.Join(src.Context, "Dockerfile")
	src.Context = filepath.Join(src.Context, "absent")
	_, err := loadInput(t.Context(), src, sampleBases())
	assert.ErrorContains(t, err, "absent")
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

func TestLoadEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := loadInput(ctx, sample(t), sampleBases())
	assert.ErrorIs(t, err, context.Canceled)
}

func TestBuildKitGetsTheFilesOfTheKey(t *testing.T) {
	src := sample(t)
	require.NoError(t, os.Chmod(filepath.Join(src.Context, "app", "main.py"), 0o700))
	require.NoError(t, os.Link(filepath.Join(src.Context, "app", "main.py"), filepath.Join(src.Context, "app", "same.py")))
	seen, err := scan(context.Background(), src)
	require.NoError(t, err)
	put(t, src.Context, map[string]string{"late.txt": "added after the scan"})
	files, err := seen.fs()
	require.NoError(t, err)

	got := map[string]*types.Stat{}
	require.NoError(t, files.Walk(context.Background(), "/", func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		got[filepath.ToSlash(path)] = info.Sys().(*types.Stat)
		return nil
	}))
	assert.Equal(t, []string{".dockerignore", "Dockerfile", "app", "app/b.txt", "app/main.py", "app/same.py", "app/util.py", "deep", "deep/down", "deep/down/x.plain", "keep.log"},
		slices.Sorted(maps.Keys(got)))
	if runtime.GOOS != "windows" {
		assert.Equal(t, fs.FileMode(0o755), fs.FileMode(got["app/main.py"].Mode))
		assert.Equal(t, fs.FileMode(0o644), fs.FileMode(got["app/util.py"].Mode))
	}
	assert.Empty(t, got["app/same.py"].Linkname, "a hard link is sent as a separate file")
	assert.Equal(t, got["app/main.py"].ModTime, got["app/same.py"].ModTime, "same bytes, same time")
	assert.NotEqual(t, got["app/main.py"].ModTime, got["app/util.py"].ModTime, "other bytes, other time")
	assert.Greater(t, got["app/util.py"].ModTime, int64(Epoch)*1e9)
	f, err := files.Open("app/util.py")
	require.NoError(t, err)
	defer f.Close()
	text, err := io.ReadAll(f)
	require.NoError(t, err)
	assert.Equal(t, "x = 1\n", string(text))
}

func BenchmarkKey(b *testing.B) {
	dir := b.TempDir()
	require.NoError(b, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o644))
	for i := range 1000 {
		path := filepath.Join(dir, fmt.Sprint(i%20), fmt.Sprint(i))
		require.NoError(b, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(b, os.WriteFile(path, make([]byte, 8<<10), 0o644))
	}
	for b.Loop() {
		if _, err := loadInput(b.Context(), Source{Name: "x", Context: dir}, nil); err != nil {
			b.Fatal(err)
		}
	}
}
