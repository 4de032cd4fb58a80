package image

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// countingDisk counts how often sources are read.
type countingDisk struct {
	files
	parsed, scanned int
}

func (c *countingDisk) parse(path string) (*dockerfile, error) {
	c.parsed++
	return c.files.parse(path)
}

func (c *countingDisk) scan(ctx context.Context, src Source) (*tree, error) {
	c.scanned++
	return c.files.scan(ctx, src)
}

func TestInputParsesDockerfileOnceAndScansTreeTwice(t *testing.T) {
	disk := &countingDisk{}
	in, err := open(sample(t), disk)
	require.NoError(t, err)
	assert.Equal(t, []string{"python:3.11-slim"}, in.Refs())
	assert.Equal(t, []int{1, 0}, []int{disk.parsed, disk.scanned}, "the references need the Dockerfile alone")

	require.NoError(t, in.Load(t.Context(), []Base{{Ref: "python:3.11-slim", Digest: digestOne}}))
	in.Key()
	assert.Equal(t, []int{1, 1}, []int{disk.parsed, disk.scanned}, "the key needs the tree")

	store := NewStore(t.TempDir())
	_, err = NewBuilder(noBuildKit, store, BuilderOptions{}).Build(t.Context(), in, nil)
	require.ErrorContains(t, err, errRefused.Error(), "the build reads its files before it connects")
	assert.Equal(t, []int{1, 1}, []int{disk.parsed, disk.scanned}, "a build reads nothing again")

	require.NoError(t, in.Unchanged(t.Context()))
	assert.Equal(t, []int{1, 2}, []int{disk.parsed, disk.scanned}, "the comparison after the build scans the tree")
}

func TestBuildUsesDockerfileAndTreeOfInput(t *testing.T) {
	src := sample(t)
	in, err := Open(src)
	require.NoError(t, err)
	put(t, src.Context, map[string]string{"Dockerfile": "not a Dockerfile"})
	require.NoError(t, in.Load(t.Context(), []Base{{Ref: "python:3.11-slim", Digest: digestOne}}))
	require.NoError(t, os.RemoveAll(filepath.Join(src.Context, "app")))
	put(t, src.Context, map[string]string{"late.txt": "added after Load"})

	opt, err := NewBuilder(noBuildKit, NewStore(t.TempDir()), BuilderOptions{}).solveOpt(in, nil, t.TempDir())
	require.NoError(t, err)
	var sent []string
	require.NoError(t, opt.LocalMounts["context"].Walk(t.Context(), "/", func(path string, _ fs.DirEntry, err error) error {
		sent = append(sent, filepath.ToSlash(path))
		return err
	}))
	assert.NotContains(t, sent, "late.txt")
	assert.Contains(t, sent, "keep.log")
}

func TestUnchangedReportsSourcesThatChangedDuringTheBuild(t *testing.T) {
	for what, change := range map[string]func(dir string) error{
		"file":     func(dir string) error { return os.WriteFile(filepath.Join(dir, "app/main.py"), nil, 0o644) },
		"new file": func(dir string) error { return os.WriteFile(filepath.Join(dir, "new.py"), nil, 0o644) },
		"Dockerfile": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o644)
		},
		"ignore file": func(dir string) error { return os.Remove(filepath.Join(dir, ".dockerignore")) },
	} {
		t.Run(what, func(t *testing.T) {
			src := sample(t)
			in, err := loadInput(t.Context(), src, sampleBases())
			require.NoError(t, err)
			require.NoError(t, in.Unchanged(t.Context()))
			require.NoError(t, change(src.Context))
			assert.EqualError(t, in.Unchanged(t.Context()), `the sources of image "api" changed during its build: run again`)
		})
	}
}

func TestUnchangedReportsDockerfileThatWasRemoved(t *testing.T) {
	src := sample(t)
	in, err := loadInput(t.Context(), src, sampleBases())
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(src.Context, "Dockerfile")))
	err = in.Unchanged(t.Context())
	assert.ErrorContains(t, err, `read image "api" again`)
	assert.True(t, errors.Is(err, fs.ErrNotExist))
}

func TestLoadReportsEveryBadBase(t *testing.T) {
	src := Source{Name: "api", Context: put(t, t.TempDir(), map[string]string{"Dockerfile": "FROM a\nCOPY --from=b / /\nCOPY --from=c / /\nCOPY --from=d / /\n"})}
	in, err := Open(src)
	require.NoError(t, err)
	img := sampleImage(t)
	err = in.Load(t.Context(), []Base{{Ref: "a", Image: img, Digest: digestOne}, {Ref: "b"}, {Ref: "c", Image: img}})
	for _, want := range []string{`base "a": the image has digest sha256:`, `base "b": neither an image nor a digest`, `no digest is given for base "d"`} {
		assert.ErrorContains(t, err, want)
	}
}

func TestBuildRefusesInputBeforeLoad(t *testing.T) {
	in, err := Open(sample(t))
	require.NoError(t, err)
	_, err = NewBuilder(noBuildKit, NewStore(t.TempDir()), BuilderOptions{}).Build(t.Context(), in, nil)
	assert.ErrorContains(t, err, "call Load first")
}

func TestNamesListsImagesWithoutParsingThem(t *testing.T) {
	dir := put(t, t.TempDir(), map[string]string{"web/Dockerfile": "not a Dockerfile", "api/Dockerfile": "FROM scratch\n"})
	names, err := Names(dir)
	require.NoError(t, err)
	assert.Equal(t, []string{"api", "web"}, names)
}
