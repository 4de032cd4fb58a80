package image

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func apiSource() Source {
	return Source{Name: "api", Context: "x", Platform: v1.Platform{OS: "linux", Architecture: "amd64"}}
}

// export writes an image as BuildKit does.
func export(t *testing.T, dir string) v1.Image {
	t.Helper()
	img, err := random.Image(100, 2)
	require.NoError(t, err)
	path, err := layout.Write(dir, empty.Index)
	require.NoError(t, err)
	require.NoError(t, path.AppendImage(img))
	return img
}

func TestFindReturnsImageOfKey(t *testing.T) {
	store, src := NewStore(t.TempDir()), apiSource()
	_, found := store.Find(src, Key{1})
	assert.False(t, found, "nothing was built")

	out, err := store.output(context.Background(), src)
	require.NoError(t, err)
	img := export(t, out.dir)
	out.close()
	_, found = store.Find(src, Key{1})
	assert.False(t, found, "the key is not recorded yet")

	require.NoError(t, store.Keep(src, Key{1}))
	got, found := store.Find(src, Key{1})
	require.True(t, found)
	assert.Equal(t, digestOf(t, img), digestOf(t, got))
	_, found = store.Find(src, Key{2})
	assert.False(t, found, "the sources changed")
	other := src
	other.Args = map[string]string{"VERSION": "2"}
	_, found = store.Find(other, Key{1})
	assert.False(t, found, "another variant of the source")

	layers, err := img.Layers()
	require.NoError(t, err)
	digest, err := layers[1].Digest()
	require.NoError(t, err)
	require.NoError(t, os.Truncate(filepath.Join(out.dir, "blobs", "sha256", digest.Hex), 10))
	_, found = store.Find(src, Key{1})
	assert.False(t, found, "a layer is damaged")
}

func TestNewBuildRemovesKeyOfEarlierImage(t *testing.T) {
	store, src := NewStore(t.TempDir()), apiSource()
	out, err := store.output(context.Background(), src)
	require.NoError(t, err)
	export(t, out.dir)
	out.close()
	require.NoError(t, store.Keep(src, Key{1}))
	again, err := store.output(context.Background(), src)
	require.NoError(t, err)
	defer again.close()
	export(t, again.dir) // the build is interrupted before its key is recorded
	_, found := store.Find(src, Key{1})
	assert.False(t, found)
}

func TestOutputRemovesEarlierImagesAndInterruptedExports(t *testing.T) {
	store := NewStore(t.TempDir())
	src := apiSource()
	out, err := store.output(context.Background(), src)
	require.NoError(t, err)
	export(t, out.dir)
	second := export(t, out.dir)
	put(t, out.dir, map[string]string{"ingest/x/data": "half a blob"})
	got, err := out.image(src.Platform)
	require.NoError(t, err)
	assert.Equal(t, digestOf(t, second), digestOf(t, got))
	blobs, err := filepath.Glob(filepath.Join(out.dir, "blobs", "sha256", "*"))
	require.NoError(t, err)
	assert.Len(t, blobs, 4)

	waiting, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = store.output(waiting, src)
	assert.ErrorIs(t, err, context.DeadlineExceeded, "another build holds the lock")
	out.close()

	old := filepath.Join(store.images(), "gone-12345678")
	put(t, old, map[string]string{"index.json": "{}"})
	require.NoError(t, os.Chtimes(old, time.Now().Add(-2*kept), time.Now().Add(-2*kept)))
	again, err := store.output(context.Background(), src)
	require.NoError(t, err)
	defer again.close()
	assert.NoDirExists(t, old)
	assert.NoDirExists(t, filepath.Join(again.dir, "ingest"))
	assert.NoFileExists(t, filepath.Join(again.dir, "index.json"))
}

func TestBaseIsWrittenOnceAndComplete(t *testing.T) {
	store, img := NewStore(t.TempDir()), sampleImage(t)
	put(t, filepath.Join(store.bases(), digestOf(t, img).Hex), map[string]string{"blobs/sha256/half": "left by an interrupted run"})
	errs := make(chan error)
	for range 3 {
		go func() {
			_, err := store.keepBase(context.Background(), img, digestOf(t, img))
			errs <- err
		}()
	}
	for range 3 {
		require.NoError(t, <-errs)
	}
	path, err := layout.FromPath(filepath.Join(store.bases(), digestOf(t, img).Hex))
	require.NoError(t, err)
	got, err := path.Image(digestOf(t, img))
	require.NoError(t, err)
	layers, err := got.Layers()
	require.NoError(t, err)
	assert.Len(t, layers, 3)
	partial, err := filepath.Glob(filepath.Join(store.bases(), "partial-*"))
	require.NoError(t, err)
	assert.Empty(t, partial)
}

func TestRecordedDigestBelongsToItsKey(t *testing.T) {
	store := NewStore(t.TempDir())
	src := Source{Name: "backend", Context: t.TempDir()}
	_, known := store.Digest(src, Key{1})
	assert.False(t, known)

	digest := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}
	require.NoError(t, store.Record(src, Key{1}, digest))
	got, known := store.Digest(src, Key{1})
	assert.True(t, known)
	assert.Equal(t, digest, got)
	_, known = store.Digest(src, Key{2})
	assert.False(t, known, "another key")
	_, known = store.Digest(Source{Name: "frontend", Context: src.Context}, Key{1})
	assert.False(t, known, "another source")

	old := time.Now().Add(-recorded - time.Hour)
	require.NoError(t, os.Chtimes(store.record(src, Key{1}), old, old))
	require.NoError(t, store.Record(src, Key{2}, digest))
	_, known = store.Digest(src, Key{1})
	assert.False(t, known, "the record was not used for half a year")
}
