package airgap

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/outside"
	"todo-chatbot/mage/progress"
)

// recipe makes an image without a network.
type recipe struct {
	ref, inputs string
	made        *atomic.Int32
	err         error
}

func (r recipe) Ref() string             { return r.ref }
func (r recipe) Inputs() (string, error) { return r.inputs, nil }
func (r recipe) Make(_ context.Context, scratch string, _ *progress.Step) (v1.Image, error) {
	r.made.Add(1)
	if r.err != nil {
		return nil, r.err
	}
	layer, err := layerOf(filepath.Join(scratch, "layer.tar"), []file{{Path: "etc/motd", Mode: 0o644, Body: []byte(r.inputs)}})
	if err != nil {
		return nil, err
	}
	return compose(v1.Config{Cmd: []string{"true"}}, layer)
}

func supply(t *testing.T, cache string, recipes ...recipe) *Supply {
	t.Helper()
	s := New(Options{Root: t.TempDir(), Cache: cache})
	for _, r := range recipes {
		s.recipes[r.ref] = r
	}
	return s
}

func TestResolvePullsImageWhenRegistryAnswers(t *testing.T) {
	var probes atomic.Int32
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("User-Agent") == userAgent {
			probes.Add(1)
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	ref := strings.TrimPrefix(server.URL, "http://") + "/library/base:1"
	tag, err := name.NewTag(ref)
	require.NoError(t, err)
	upstream, err := random.Image(64, 1)
	require.NoError(t, err)
	require.NoError(t, remote.Write(tag, upstream))

	made := &atomic.Int32{}
	s := supply(t, t.TempDir(), recipe{ref: ref, inputs: "a", made: made})
	image, err := s.Resolve(t.Context(), ref)
	require.NoError(t, err)
	wanted, err := upstream.Digest()
	require.NoError(t, err)
	assert.Equal(t, wanted, image.Digest)
	assert.False(t, image.Made())
	assert.Zero(t, made.Load(), "the recipe is not used")

	_, err = s.Resolve(t.Context(), ref)
	require.NoError(t, err)
	assert.EqualValues(t, 1, probes.Load(), "one probe for each registry")
}

func TestPulledImageKeepsItsDigestWhileOffline(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	ref := strings.TrimPrefix(server.URL, "http://") + "/library/base:1"
	tag, err := name.NewTag(ref)
	require.NoError(t, err)
	upstream, err := random.Image(64, 1)
	require.NoError(t, err)
	require.NoError(t, remote.Write(tag, upstream))
	cache, made := t.TempDir(), &atomic.Int32{}
	before, err := supply(t, cache, recipe{ref: ref, inputs: "a", made: made}).Resolve(t.Context(), ref)
	require.NoError(t, err)
	server.Close()

	s := supply(t, cache, recipe{ref: ref, inputs: "a", made: made})
	image, err := s.Resolve(t.Context(), ref)
	require.NoError(t, err)
	assert.Equal(t, before.Digest, image.Digest)
	assert.False(t, image.Made())
	assert.Zero(t, made.Load(), "an image of the recipe has other bytes and causes a build")
	there, err := s.CanPull(t.Context(), ref)
	require.NoError(t, err)
	assert.True(t, there)

	s = supply(t, cache, recipe{ref: ref, inputs: "a", made: made})
	s.opts.Offline = true
	image, err = s.Resolve(t.Context(), ref)
	require.NoError(t, err)
	assert.True(t, image.Made(), "offline, every image is made")
}

func TestPulledImageIsNotReplacedByRecipeWhenItsRegistryRefuses(t *testing.T) {
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	refuse := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse && r.URL.Path != "/v2/" {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	ref := strings.TrimPrefix(server.URL, "http://") + "/library/base:1"
	tag, err := name.NewTag(ref)
	require.NoError(t, err)
	upstream, err := random.Image(64, 1)
	require.NoError(t, err)
	require.NoError(t, remote.Write(tag, upstream))
	cache, made := t.TempDir(), &atomic.Int32{}
	before, err := supply(t, cache, recipe{ref: ref, inputs: "a", made: made}).Resolve(t.Context(), ref)
	require.NoError(t, err)

	refuse = true
	image, err := supply(t, cache, recipe{ref: ref, inputs: "a", made: made}).Resolve(t.Context(), ref)
	require.NoError(t, err)
	assert.Equal(t, before.Digest, image.Digest)
	assert.Zero(t, made.Load())
}

func TestMirrorIsAskedFirstAndRefusalsAreNamed(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	tag, err := name.NewTag(host + "/hub/library/base:1")
	require.NoError(t, err)
	upstream, err := random.Image(64, 1)
	require.NoError(t, err)
	require.NoError(t, remote.Write(tag, upstream))
	nobody := unreachable(t)
	access, err := outside.Read(outside.Options{
		Getenv: func(string) string { return "" }, Mirrors: map[string]string{nobody: host + "/hub"},
	})
	require.NoError(t, err)
	s := New(Options{Root: t.TempDir(), Cache: t.TempDir(), Access: access})
	image, err := s.Resolve(t.Context(), nobody+"/library/base:1")
	require.NoError(t, err)
	wanted, err := upstream.Digest()
	require.NoError(t, err)
	assert.Equal(t, wanted, image.Digest)
	there, err := s.CanPull(t.Context(), nobody+"/library/base:1")
	require.NoError(t, err)
	assert.True(t, there)

	_, err = s.Resolve(t.Context(), nobody+"/library/other:1")
	require.ErrorContains(t, err, host+"/hub/library/other:1")
	require.ErrorContains(t, err, "the registry does not have it")
	assert.ErrorContains(t, err, nobody+"/library/other:1", "the registry itself is named too")
}

func TestResolveMakesImageOnceWhenNoRegistryAnswers(t *testing.T) {
	cache, ref := t.TempDir(), unreachable(t)+"/base:1"
	made := &atomic.Int32{}
	var group sync.WaitGroup
	digests := make([]v1.Hash, 4)
	for i := range digests {
		group.Go(func() { // runs at the same time
			image, err := supply(t, cache, recipe{ref: ref, inputs: "a", made: made}).Resolve(t.Context(), ref)
			if assert.NoError(t, err) {
				assert.True(t, image.Made())
				digests[i] = image.Digest
			}
		})
	}
	group.Wait()
	assert.EqualValues(t, 1, made.Load())
	for _, digest := range digests {
		assert.Equal(t, digests[0], digest)
	}

	other, err := supply(t, cache, recipe{ref: ref, inputs: "b", made: made}).Resolve(t.Context(), ref)
	require.NoError(t, err)
	assert.NotEqual(t, digests[0], other.Digest, "other inputs give another image")
}

func TestKnownMakesNothing(t *testing.T) {
	cache, ref := t.TempDir(), unreachable(t)+"/base:1"
	made := &atomic.Int32{}
	s := supply(t, cache, recipe{ref: ref, inputs: "a", made: made})
	image, err := s.Known(t.Context(), ref)
	require.NoError(t, err)
	assert.Nil(t, image)
	assert.Zero(t, made.Load())

	wanted, err := s.Resolve(t.Context(), ref)
	require.NoError(t, err)
	image, err = s.Known(t.Context(), ref)
	require.NoError(t, err)
	require.NotNil(t, image)
	assert.Equal(t, wanted.Digest, image.Digest)

	_, err = s.Known(t.Context(), unreachable(t)+"/other:1")
	var nowhere *Unobtainable
	assert.ErrorAs(t, err, &nowhere)
}

func TestFailedRecipeLeavesNoResult(t *testing.T) {
	cache, ref := t.TempDir(), unreachable(t)+"/base:1"
	made := &atomic.Int32{}
	_, err := supply(t, cache, recipe{ref: ref, inputs: "a", made: made, err: errors.New("disk full")}).Resolve(t.Context(), ref)
	require.ErrorContains(t, err, "disk full")
	require.ErrorContains(t, err, ref)

	// A killed run leaves a partial folder.
	partial := filepath.Join(cache, "images", fileName(ref), "a.partial")
	require.NoError(t, os.MkdirAll(partial, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(partial, "index.json"), []byte("{"), 0o644))
	image, err := supply(t, cache, recipe{ref: ref, inputs: "a", made: made}).Resolve(t.Context(), ref)
	require.NoError(t, err)
	layers, err := image.Layers()
	require.NoError(t, err)
	assert.Len(t, layers, 1)
	assert.NoDirExists(t, partial)
}

func TestResolveNamesUnobtainableImage(t *testing.T) {
	ref := unreachable(t) + "/exotic:1"
	_, err := supply(t, t.TempDir()).Resolve(t.Context(), ref)
	var unobtainable *Unobtainable
	require.ErrorAs(t, err, &unobtainable)
	assert.Equal(t, ref, unobtainable.Ref)
	assert.ErrorContains(t, err, "let this machine reach its registry")
}

func TestRegistryIsReachableOnlyWith200Or401(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		there  bool
	}{
		"open":          {http.StatusOK, true},
		"wants a login": {http.StatusUnauthorized, true},
		"proxy refuses": {http.StatusForbidden, false},
		"error page":    {http.StatusBadGateway, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(c.status) }))
			t.Cleanup(server.Close)
			there, err := supply(t, t.TempDir()).CanPull(t.Context(), strings.TrimPrefix(server.URL, "http://")+"/a/b:1")
			require.NoError(t, err)
			assert.Equal(t, c.there, there)
		})
	}
}

func TestOfflineSendsNoProbe(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked") }))
	t.Cleanup(server.Close)
	s := New(Options{Root: t.TempDir(), Cache: t.TempDir(), Offline: true})
	there, err := s.CanPull(t.Context(), strings.TrimPrefix(server.URL, "http://")+"/a/b:1")
	require.NoError(t, err)
	assert.False(t, there)
}

func TestLayerIsReproducibleInAnyOrderOfFiles(t *testing.T) {
	source := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(source, []byte("#!"), 0o700))
	files := []file{
		{Path: "usr/bin/program", Mode: 0o755, Source: source},
		{Path: "usr/bin/alias", Link: "program"},
		{Path: "etc/a/b", Mode: 0o600, Body: []byte("x")},
	}
	var first, second bytes.Buffer
	require.NoError(t, writeLayer(&first, files))
	require.NoError(t, os.Chtimes(source, time.Unix(1, 0), time.Unix(1, 0)))
	require.NoError(t, writeLayer(&second, []file{files[2], files[1], files[0]}))
	assert.Equal(t, first.Bytes(), second.Bytes())

	var names []string
	for reader := tar.NewReader(&first); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		names = append(names, header.Name)
	}
	assert.Equal(t, []string{"etc/", "etc/a/", "etc/a/b", "usr/", "usr/bin/", "usr/bin/alias", "usr/bin/program"}, names)
}

func TestInputsKeepPartsApart(t *testing.T) {
	assert.NotEqual(t, inputs("ab", "c"), inputs("a", "bc"))
	assert.NotEqual(t, inputs("a"), inputs("a", ""))
	assert.Equal(t, inputs("a", "b"), inputs("a", "b"))
}

func TestEveryReferenceHasRecipeWithStableInputs(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	s := New(Options{Root: root, Cache: t.TempDir()})
	for _, ref := range Makeable() {
		r, ok := s.recipes[ref]
		require.True(t, ok, ref)
		digest, err := r.Inputs()
		require.NoError(t, err, ref)
		again, err := r.Inputs()
		require.NoError(t, err, ref)
		assert.Equal(t, digest, again, ref)
	}
	assert.Len(t, s.recipes, len(Makeable()), "Makeable lists every recipe")
	restricted := New(Options{Root: root, Cache: t.TempDir(), Restricted: true})
	plain, err := s.recipes[KindNodeRef].Inputs()
	require.NoError(t, err)
	wrapped, err := restricted.recipes[KindNodeRef].Inputs()
	require.NoError(t, err)
	assert.NotEqual(t, plain, wrapped, "the runtime wrapper changes the node")
}

func TestContainerdConfigHasPauseImageAndRestriction(t *testing.T) {
	config := []byte("version = 2\n  sandbox_image = \"registry.k8s.io/pause:3.10\"\n  restrict_oom_score_adj = false\n")
	assert.Equal(t, "version = 2\n  sandbox_image = \"p:1\"\n  restrict_oom_score_adj = true\n", string(containerdConfig(config, containerdSettings{pause: "p:1", restricted: true})))
	assert.Contains(t, string(containerdConfig(config, containerdSettings{pause: "p:1"})), "restrict_oom_score_adj = false")
}

// unreachable returns the address of a registry that does not run.
func unreachable(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	address := strings.TrimPrefix(server.URL, "http://")
	server.Close()
	return address
}

func TestResolveAllNamesAllUnobtainableImagesAndMakesNone(t *testing.T) {
	host, made := unreachable(t), &atomic.Int32{}
	s := supply(t, t.TempDir(), recipe{ref: host + "/made:1", inputs: "a", made: made})
	for name, ask := range map[string]func() error{
		"asked": func() error { return s.Obtainable(t.Context(), host+"/b:1", host+"/made:1", host+"/a:1", host+"/b:1") },
		"resolved": func() error {
			_, err := s.ResolveAll(t.Context(), host+"/b:1", host+"/made:1", host+"/a:1", host+"/b:1")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := ask()
			require.Error(t, err)
			lines := strings.Split(err.Error(), "\n")
			require.Len(t, lines, 2, "each image once")
			assert.Contains(t, lines[0], host+"/b:1")
			assert.Contains(t, lines[1], host+"/a:1")
			assert.Zero(t, made.Load(), "no image is made")
		})
	}
	require.NoError(t, s.Obtainable(t.Context(), host+"/made:1"))
}

func TestSupplyKeepsOneDigestForEachReference(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	ref := strings.TrimPrefix(server.URL, "http://") + "/library/base:1"
	tag, err := name.NewTag(ref)
	require.NoError(t, err)
	s := supply(t, t.TempDir())
	var digests []v1.Hash
	for range 2 { // another image is pushed between two calls
		upstream, err := random.Image(64, 1)
		require.NoError(t, err)
		require.NoError(t, remote.Write(tag, upstream))
		image, err := s.Resolve(t.Context(), ref)
		require.NoError(t, err)
		digests = append(digests, image.Digest)
	}
	assert.Equal(t, digests[0], digests[1])
}
