package kube

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

func TestConnectSendsNoRequestAndKeepsTheConfig(t *testing.T) {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests++
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(server.Close)
	cfg := &rest.Config{Host: server.URL}
	clients, err := Connect(cfg)
	require.NoError(t, err)
	assert.Zero(t, requests)
	assert.Equal(t, &rest.Config{Host: server.URL}, cfg)
	assert.Equal(t, float32(-1), clients.Config.QPS)

	_, _ = clients.Clientset.CoreV1().Pods("a").List(t.Context(), metav1.ListOptions{})
	_, _ = clients.Dynamic.Resource(podsV1).List(t.Context(), metav1.ListOptions{})
	_, _ = clients.Metadata.Resource(podsV1).List(t.Context(), metav1.ListOptions{})
	_, _ = clients.Discovery.ServerVersion()
	assert.Equal(t, 4, requests, "every client asks the cluster of the config")
	_, err = clients.Mapper.RESTMapping(schema.GroupKind{Kind: "Pod"}, "v1")
	require.Error(t, err)
	assert.Greater(t, requests, 4, "the mapper asks too")
}

var podsV1 = schema.GroupVersionResource{Version: "v1", Resource: "pods"}

// handler counts warnings.
type handler struct{ seen int }

func (h *handler) HandleWarningHeader(int, string, string) { h.seen++ }

func TestConnectKeepsTheWarningHandlerOfTheConfig(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Warning", `299 - "v1 Pods is deprecated"`)
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(server.Close)
	warnings := &handler{}
	clients, err := Connect(&rest.Config{Host: server.URL, WarningHandler: warnings})
	require.NoError(t, err)
	_, _ = clients.Clientset.CoreV1().Pods("a").List(t.Context(), metav1.ListOptions{})
	assert.Equal(t, 1, warnings.seen)
}

func TestConnectRefusesAnInvalidConfig(t *testing.T) {
	_, err := Connect(&rest.Config{Host: "https://cluster.example", TLSClientConfig: rest.TLSClientConfig{Insecure: true, CAData: []byte("x")}})
	assert.ErrorContains(t, err, `make clients for API server "https://cluster.example"`)
}
