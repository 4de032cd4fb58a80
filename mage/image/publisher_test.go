package image

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const repo = "todo-chatbot/backend"

// server is an in-memory registry that records its requests.
type server struct {
	mu      sync.Mutex
	asked   []string // "METHOD path"
	agents  map[string]bool
	blobs   atomic.Int32
	serving atomic.Int32
	most    atomic.Int32 // uploads served at once
	delay   time.Duration
	answer  func(w http.ResponseWriter, r *http.Request) bool // true: answered
}

func serve(t *testing.T) (*server, string) {
	s := &server{agents: map[string]bool{}}
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Method+" "+r.URL.Path)
		s.agents[r.UserAgent()+" "+r.Method+" "+r.URL.Path] = true
		s.mu.Unlock()
		if s.answer != nil && s.answer(w, r) {
			return
		}
		if r.Method == http.MethodPut && r.URL.Query().Get("digest") != "" {
			s.blobs.Add(1)
			now := s.serving.Add(1)
			for most := s.most.Load(); now > most && !s.most.CompareAndSwap(most, now); most = s.most.Load() {
			}
			time.Sleep(s.delay)
			defer s.serving.Add(-1)
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	return s, strings.TrimPrefix(web.URL, "http://")
}

func (s *server) count(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, asked := range s.asked {
		if strings.HasPrefix(asked, prefix) {
			n++
		}
	}
	return n
}

func publisher(t *testing.T, host string, transport http.RoundTripper) *Publisher {
	t.Helper()
	p, err := NewPublisher(host, "localhost:5000", PublisherOptions{
		Transport: transport,
		Backoff:   remote.Backoff{Duration: time.Millisecond, Factor: 1, Steps: 3},
	})
	require.NoError(t, err)
	return p
}

func sampleImage(t *testing.T) v1.Image {
	t.Helper()
	img, err := random.Image(1000, 3)
	require.NoError(t, err)
	return img
}

func digestOf(t *testing.T, img v1.Image) v1.Hash {
	t.Helper()
	d, err := img.Digest()
	require.NoError(t, err)
	return d
}

func TestLookupFindsPublishedImageByKey(t *testing.T) {
	s, host := serve(t)
	p, img := publisher(t, host, nil), sampleImage(t)
	k := Key{1, 2, 3}
	_, found, err := p.Lookup(context.Background(), repo, k)
	require.NoError(t, err)
	assert.False(t, found)

	done, err := p.Publish(context.Background(), repo, img, []string{"1.2.3", k.Tag()})
	require.NoError(t, err)
	assert.Equal(t, "localhost:5000/"+repo+"@"+digestOf(t, img).String(), done.Digest.String())
	assert.Equal(t, 3, done.Layers)
	assert.Equal(t, 3, done.NewLayers)
	assert.Equal(t, done.Bytes, done.NewBytes)
	assert.Greater(t, done.Bytes, int64(3000))

	got, found, err := p.Lookup(context.Background(), repo, k)
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, done.Digest, got)

	for agent := range s.agents { // before the test sends its own requests
		assert.True(t, strings.HasPrefix(agent, "todo-chatbot-pipeline"), agent)
	}
	here, err := name.ParseReference(host + "/" + repo + ":1.2.3")
	require.NoError(t, err)
	pulled, err := remote.Image(here)
	require.NoError(t, err)
	assert.Equal(t, digestOf(t, img), digestOf(t, pulled))
}

func TestPublishUploadsOnlyMissingBlobsInParallel(t *testing.T) {
	s, host := serve(t)
	s.delay = 20 * time.Millisecond
	p, first := publisher(t, host, nil), sampleImage(t)
	_, err := p.Publish(context.Background(), repo, first, []string{"1"})
	require.NoError(t, err)
	assert.Equal(t, int32(4), s.blobs.Load(), "three layers and the configuration")
	assert.Greater(t, s.most.Load(), int32(1))

	layer, err := random.Layer(500, "application/vnd.oci.image.layer.v1.tar+gzip")
	require.NoError(t, err)
	second, err := mutate.AppendLayers(first, layer)
	require.NoError(t, err)
	s.blobs.Store(0)
	done, err := p.Publish(context.Background(), repo, second, []string{"2"})
	require.NoError(t, err)
	assert.Equal(t, int32(2), s.blobs.Load(), "one layer and the configuration")
	assert.Equal(t, 4, done.Layers)
	assert.Equal(t, 1, done.NewLayers)
	size, err := layer.Size()
	require.NoError(t, err)
	assert.Equal(t, size, done.NewBytes)

	s.blobs.Store(0)
	again, err := p.Publish(context.Background(), repo, second, []string{"2", "3"})
	require.NoError(t, err)
	assert.Zero(t, s.blobs.Load())
	assert.Zero(t, again.NewLayers)
	assert.Equal(t, done.Digest, again.Digest)
}

func TestPublishRetriesAfterServiceUnavailable(t *testing.T) {
	s, host := serve(t)
	var refused atomic.Int32
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && refused.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	}
	done, err := publisher(t, host, nil).Publish(context.Background(), repo, sampleImage(t), []string{"1"})
	require.NoError(t, err)
	assert.Equal(t, 3, done.NewLayers)
}

func TestPublishDoesNotRetryAfterForbidden(t *testing.T) {
	s, host := serve(t)
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/manifests/") && r.Method == http.MethodPut {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	}
	_, err := publisher(t, host, nil).Publish(context.Background(), repo, sampleImage(t), []string{"1"})
	assert.ErrorContains(t, err, `publish image "todo-chatbot/backend": push `)
	assert.ErrorContains(t, err, "403")
	assert.Equal(t, 1, s.count("PUT /v2/"+repo+"/manifests/"))
}

// cutting resets the connection of the first upload.
type cutting struct {
	next http.RoundTripper
	cut  atomic.Int32
}

func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPatch && c.cut.Add(1) == 1 {
		return nil, &net.OpError{Op: "write", Err: syscall.ECONNRESET}
	}
	return c.next.RoundTrip(r)
}

func TestPublishRetriesAfterConnectionReset(t *testing.T) {
	_, host := serve(t)
	transport := &cutting{next: http.DefaultTransport}
	img := sampleImage(t)
	done, err := publisher(t, host, transport).Publish(context.Background(), repo, img, []string{"1"})
	require.NoError(t, err)
	assert.Equal(t, 3, done.NewLayers)
	assert.Greater(t, transport.cut.Load(), int32(4))
}

func TestPublishFailsIfRegistryDoesNotReturnDigest(t *testing.T) {
	s, host := serve(t)
	var put atomic.Bool
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		manifest := strings.Contains(r.URL.Path, "/manifests/")
		if manifest && r.Method == http.MethodPut {
			put.Store(true)
			w.WriteHeader(http.StatusCreated) // and does not store it
			return true
		}
		return false
	}
	_, err := publisher(t, host, nil).Publish(context.Background(), repo, sampleImage(t), []string{"1"})
	assert.True(t, put.Load())
	assert.ErrorContains(t, err, "does not have it")
}

func TestUnreachableRegistryIsReportedWithFix(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	host := free.Addr().String()
	require.NoError(t, free.Close())
	p := publisher(t, host, nil)

	_, _, err = p.Lookup(context.Background(), repo, Key{})
	assert.ErrorContains(t, err, `registry "`+host+`" is not reachable; `+"`mage cluster:up`")
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	_, err = p.Publish(context.Background(), repo, sampleImage(t), []string{"1"})
	assert.ErrorContains(t, err, "is not reachable")
}

func TestLookupFailsIfServerHasNoRegistryAPI(t *testing.T) {
	s, host := serve(t)
	s.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusNotFound) // the answer of a web server
		return true
	}
	_, _, err := publisher(t, host, nil).Lookup(context.Background(), repo, Key{})
	assert.Error(t, err)
}

func TestPublishEndsWithContext(t *testing.T) {
	s, host := serve(t)
	ctx, cancel := context.WithCancel(context.Background())
	s.answer = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPatch {
			_, _ = io.Copy(io.Discard, r.Body) // without it the server does not see that the client closes the connection
			cancel()
			<-r.Context().Done()
		}
		return false
	}
	began := time.Now()
	_, err := publisher(t, host, nil).Publish(ctx, repo, sampleImage(t), []string{"1"})
	assert.ErrorIs(t, err, context.Canceled)
	assert.NotContains(t, err.Error(), "cluster:up")
	assert.Less(t, time.Since(began), 5*time.Second)
}

func TestTagIsSetOnceAndCanMove(t *testing.T) {
	s, host := serve(t)
	p, first, second := publisher(t, host, nil), sampleImage(t), sampleImage(t)
	for _, img := range []v1.Image{first, second} {
		_, err := p.Publish(context.Background(), repo, img, nil)
		require.NoError(t, err)
	}
	puts := func() int { return s.count("PUT /v2/" + repo + "/manifests/1.0.0") }
	require.NoError(t, p.Tag(context.Background(), repo, digestOf(t, first), "1.0.0"))
	assert.Equal(t, 1, puts())
	require.NoError(t, p.Tag(context.Background(), repo, digestOf(t, first), "1.0.0"))
	assert.Equal(t, 1, puts(), "the tag is set already")
	require.NoError(t, p.Tag(context.Background(), repo, digestOf(t, second), "1.0.0"))
	assert.Equal(t, 2, puts())

	err := p.Tag(context.Background(), repo, digestOne, "1.0.0")
	assert.ErrorContains(t, err, digestOne.String())
	assert.ErrorContains(t, p.Tag(context.Background(), repo, digestOf(t, first), "not a tag"), "not a tag")
}

func TestHoldsComparesDigestOfTag(t *testing.T) {
	_, host := serve(t)
	p, first, second := publisher(t, host, nil), sampleImage(t), sampleImage(t)
	for _, img := range []v1.Image{first, second} {
		_, err := p.Publish(context.Background(), repo, img, []string{"1.0.0"})
		require.NoError(t, err)
	}
	holds := func(tag string, img v1.Image) bool {
		found, err := p.Holds(context.Background(), repo, tag, digestOf(t, img))
		require.NoError(t, err)
		return found
	}
	assert.True(t, holds("1.0.0", second))
	assert.False(t, holds("1.0.0", first), "the tag has another digest now")
	assert.False(t, holds("2.0.0", second))
}

func TestPublishIsSafeForConcurrentUse(t *testing.T) {
	_, host := serve(t)
	p := publisher(t, host, nil)
	var group sync.WaitGroup
	errs := make(chan error, 6)
	for i := range 6 {
		img := sampleImage(t)
		group.Go(func() {
			done, err := p.Publish(context.Background(), []string{"a", "b"}[i%2], img, []string{"latest"})
			if err == nil && done.NewLayers != 3 {
				err = errors.New("the result counts layers of another image")
			}
			errs <- err
		})
	}
	group.Wait()
	close(errs)
	for err := range errs {
		assert.NoError(t, err)
	}
}

func TestNewPublisherRefusesInvalidAddress(t *testing.T) {
	_, err := NewPublisher("", "local host:5000", PublisherOptions{})
	assert.ErrorContains(t, err, `registry "", "local host:5000" for pods`)
	p, err := NewPublisher("127.0.0.1:1", "localhost:5000", PublisherOptions{})
	require.NoError(t, err)
	_, _, err = p.Lookup(context.Background(), "Not/Valid", Key{})
	assert.ErrorContains(t, err, `image name "Not/Valid"`)
}
