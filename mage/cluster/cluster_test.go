package cluster

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAutoChoosesMinikubeWhereInstalled(t *testing.T) {
	assert.Equal(t, "kind", Auto(notFound))
	assert.Equal(t, "minikube", Auto(func(file string) (string, error) {
		assert.Equal(t, "minikube", file)
		return "/usr/bin/minikube", nil
	}))
}

func TestCloseWithoutForwardDoesNothing(t *testing.T) {
	(&Cluster{}).Close()
	(*Cluster)(nil).Close()
}

func TestKubeContextUsesAnnouncedRegistry(t *testing.T) {
	api, path := newKubeAPI(t), filepath.Join(t.TempDir(), "config")
	api.makeReady(t, time.Now())
	server, _ := newRegistry(t)
	address := server.Listener.Addr().String()
	require.NoError(t, writeFile(path, api.kubeconfig(t, "theirs")))

	p, err := NewKubeContext(ContextOptions{Kubeconfig: path, Context: "theirs"})
	require.NoError(t, err)
	p.bound = time.Second
	_, err = p.Ensure(t.Context())
	require.ErrorContains(t, err, "announces no image registry")

	api.put(t, "/api/v1/namespaces/kube-public/configmaps/local-registry-hosting", map[string]any{
		"data": map[string]string{hostingKey: "host: \"" + address + "\"\nhostFromContainerRuntime: \"registry:5000\"\n"},
	})
	c, err := p.Ensure(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Registry{Push: address, Pull: "registry:5000"}, c.Registry)
	assert.Empty(t, api.applied, "the pipeline does not change it")

	removed, err := p.Delete(t.Context())
	require.NoError(t, err)
	assert.Empty(t, removed)

	s, err := p.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Running, s.State)

	api.Close()
	_, err = p.Find(t.Context())
	_, unreachable := errors.AsType[*Unreachable](err)
	assert.True(t, unreachable, "a cluster that does not answer is not absent: %v", err)
}

func TestKubeContextNamesMissingContext(t *testing.T) {
	api, path := newKubeAPI(t), filepath.Join(t.TempDir(), "config")
	require.NoError(t, writeFile(path, api.kubeconfig(t, "theirs")))
	p, err := NewKubeContext(ContextOptions{Kubeconfig: path, Context: "other"})
	require.NoError(t, err)
	_, err = p.Ensure(t.Context())
	require.ErrorContains(t, err, `has no context "other"`)

	_, err = NewKubeContext(ContextOptions{Registry: Registry{Push: "localhost:5000"}})
	for _, part := range []string{"path of the kubeconfig", "name of the kubeconfig context", "both addresses"} {
		assert.ErrorContains(t, err, part)
	}
}
