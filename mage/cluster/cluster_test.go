package cluster

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/progress"
)

func TestAutoPrefersExistingClusterToInstalledProgram(t *testing.T) {
	found := func(file string) (string, error) {
		assert.Equal(t, "minikube", file)
		return "/usr/bin/minikube", nil
	}
	for name, c := range map[string]struct {
		lookPath       func(string) (string, error)
		kind, minikube bool // its kubeconfig exists
		want           Choice
	}{
		"nothing exists, nothing installed":  {notFound, false, false, Choice{"kind", "minikube is not installed"}},
		"nothing exists, minikube installed": {found, false, false, Choice{"minikube", "minikube is installed"}},
		"kind cluster, minikube installed":   {found, true, false, Choice{"kind", "existing cluster"}},
		"kind cluster":                       {notFound, true, false, Choice{"kind", "existing cluster"}},
		"profile, minikube removed":          {notFound, false, true, Choice{"minikube", "existing cluster"}},
		"both clusters, minikube installed":  {found, true, true, Choice{"minikube", "minikube is installed"}},
		"both clusters, minikube removed":    {notFound, true, true, Choice{"kind", "minikube is not installed"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := AutoOptions{LookPath: c.lookPath, Kind: filepath.Join(t.TempDir(), "kind"), Minikube: filepath.Join(t.TempDir(), "minikube")}
			if c.kind {
				require.NoError(t, writeFile(o.Kind, nil))
			}
			if c.minikube {
				require.NoError(t, writeFile(o.Minikube, nil))
			}
			assert.Equal(t, c.want, Auto(o))
		})
	}
}

func TestProgressNamesReasonOfAuto(t *testing.T) {
	var out strings.Builder
	w := newWorld(t, func(o *KindOptions) {
		o.Reason, o.Progress = "existing cluster", progress.New(&out, progress.Options{})
	})
	w.settle("running")
	_, err := w.kind.Ensure(t.Context())
	require.NoError(t, err)
	assert.Contains(t, out.String(), "30080; auto: existing cluster")
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
