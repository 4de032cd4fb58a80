package release

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"todo-chatbot/mage/kube"
)

func connected(t *testing.T, host string) *kube.Clients {
	t.Helper()
	clients, err := kube.Connect(&rest.Config{Host: host})
	require.NoError(t, err)
	return clients
}

func TestNewNeedsANamespaceAndAConfig(t *testing.T) {
	_, err := New(connected(t, "http://127.0.0.1:1"), "", Options{})
	require.ErrorContains(t, err, "no namespace")
	_, err = New(&kube.Clients{}, testNamespace, Options{})
	assert.ErrorContains(t, err, "no config")
}

func TestRequestEndsWithTheContextOfItsAction(t *testing.T) {
	arrived := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		select {
		case <-r.Context().Done():
		case <-time.After(10 * time.Second):
		}
	}))
	defer server.Close()
	m, err := New(connected(t, server.URL), testNamespace, Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-arrived; cancel() }()
	cfg, err := m.configuration(ctx, func(string, ...any) {})
	require.NoError(t, err)
	assert.Error(t, cfg.KubeClient.IsReachable())
	began := time.Now()
	assert.ErrorIs(t, cfg.KubeClient.IsReachable(), context.Canceled, "no further request is sent")
	assert.Less(t, time.Since(began), time.Second)
}

func TestResponseBodyEndsWithTheContextOfItsAction(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(10 * time.Second):
		}
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	resp, err := bound{ctx, http.DefaultTransport}.RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	time.AfterFunc(10*time.Millisecond, cancel)
	_, err = io.ReadAll(resp.Body)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestKubeconfigAndHelmVariablesOfTheUserAreIgnored(t *testing.T) {
	var wrong atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { wrong.Store(true) }))
	defer other.Close()
	right := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"major":"1","minor":"36","gitVersion":"v1.36.3"}`)
	}))
	defer right.Close()
	kubeconfig := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(kubeconfig, []byte(`{apiVersion: v1, kind: Config, current-context: x,
contexts: [{name: x, context: {cluster: x, namespace: elsewhere}}], clusters: [{name: x, cluster: {server: "`+other.URL+`"}}]}`), 0o600))
	t.Setenv("KUBECONFIG", kubeconfig)
	t.Setenv("HELM_NAMESPACE", "elsewhere")

	m, err := New(connected(t, right.URL), testNamespace, Options{})
	require.NoError(t, err)
	cfg, err := m.configuration(context.Background(), func(string, ...any) {})
	require.NoError(t, err)
	require.NoError(t, cfg.KubeClient.IsReachable())
	namespace, _, err := getter{m.clients, testNamespace}.ToRawKubeConfigLoader().Namespace()
	require.NoError(t, err)
	assert.Equal(t, testNamespace, namespace)
	assert.False(t, wrong.Load())
}
