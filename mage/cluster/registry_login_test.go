package cluster

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"todo-chatbot/mage/registry"
)

func TestRegistryLoginIsCreatedOnce(t *testing.T) {
	client := fake.NewClientset()
	none, err := findLogin(t.Context(), client)
	require.NoError(t, err)
	assert.Nil(t, none)
	made, err := ensureLogin(t.Context(), client)
	require.NoError(t, err)
	again, err := ensureLogin(t.Context(), client)
	require.NoError(t, err)
	assert.Equal(t, made.Password(), again.Password())
	other, err := ensureLogin(t.Context(), fake.NewClientset())
	require.NoError(t, err)
	assert.NotEqual(t, made.Password(), other.Password(), "each cluster has its own login")

	secret, err := client.CoreV1().Secrets("kube-system").Get(t.Context(), loginSecret, metav1.GetOptions{})
	require.NoError(t, err)
	user, hash, _ := strings.Cut(strings.TrimSpace(string(secret.Data["htpasswd"])), ":")
	assert.Equal(t, made.User, user)
	assert.NoError(t, bcrypt.CompareHashAndPassword([]byte(hash), []byte(made.Password())))
}

func TestSecretOfAnotherProgramIsNotUsedOrChanged(t *testing.T) {
	theirs := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: loginSecret, Namespace: "kube-system"},
		Data:       map[string][]byte{userKey: []byte("root"), passwordKey: []byte("theirs"), htpasswdKey: []byte("x")},
	}
	client := fake.NewClientset(theirs)
	_, err := ensureLogin(t.Context(), client)
	require.ErrorContains(t, err, "kubectl -n kube-system delete secret "+loginSecret)
	assert.NotContains(t, err.Error(), "theirs")
	have, err := client.CoreV1().Secrets("kube-system").Get(t.Context(), loginSecret, metav1.GetOptions{})
	require.NoError(t, err)
	assert.Equal(t, theirs.Data, have.Data)
}

func TestKindWritesLoginIntoNodeOnly(t *testing.T) {
	w := newWorld(t, nil)
	c, err := w.kind.Ensure(t.Context())
	require.NoError(t, err)
	text := string(w.containers["todo-control-plane"].files[hostsPath])
	assert.Equal(t, hostsToml(c.Registry.Login), text)
	assert.Contains(t, text, "server = \"http://localhost:5000\"")
	assert.Regexp(t, regexp.MustCompile(`(?m)^\[header\]\nAuthorization = \["Basic [A-Za-z0-9+/=]+"\]$`), text)
	for _, line := range w.lines("docker") {
		assert.NotContains(t, line, c.Registry.Login.Password())
	}
}

func TestKindFindReturnsRegistryLogin(t *testing.T) {
	w := newWorld(t, nil)
	made, err := w.kind.Ensure(t.Context())
	require.NoError(t, err)
	found, err := w.kind.Find(t.Context())
	require.NoError(t, err)
	require.NotNil(t, found)
	require.NotNil(t, found.Registry.Login)
	assert.Equal(t, made.Registry.Login.Password(), found.Registry.Login.Password())
}

func TestKindAddsLoginToOpenRegistry(t *testing.T) {
	w := newWorld(t, nil)
	var closed atomic.Bool // the Deployment has the login
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		login := digInto(w.api.get("/apis/apps/v1/namespaces/kube-system/deployments/registry"), "spec", "template", "spec", "volumes", 1, "secret", "secretName")
		if login == loginSecret {
			closed.Store(true)
			guarded(w.api)(rw, r)
		}
	}))
	t.Cleanup(server.Close)
	_, w.publish["5000"], _ = net.SplitHostPort(server.Listener.Addr().String())
	node := w.settle("running")
	w.api.remove(loginPath)
	delete(node.files, hostsPath)
	w.api.put(t, "/apis/apps/v1/namespaces/kube-system/deployments/registry", map[string]any{"metadata": map[string]any{"name": "registry"}})

	found, err := w.kind.Find(t.Context())
	require.NoError(t, err)
	assert.Empty(t, found.Registry, "an open registry is not used, so that a deploy calls Ensure")
	s, err := w.kind.Status(t.Context())
	require.NoError(t, err)
	assert.Contains(t, strings.Join(s.NotReady, "\n"), "accepts pushes without a login, also from pods: `mage cluster:up`")
	assert.False(t, closed.Load(), "Find and Status change nothing")

	began := time.Now()
	c, err := w.kind.Ensure(t.Context())
	require.NoError(t, err)
	assert.Less(t, time.Since(began), registryGrace/2, "Ensure does not wait for an open registry")
	assert.True(t, closed.Load())
	assert.Same(t, node, w.containers["todo-control-plane"], "the node is kept")
	assert.Equal(t, hostsToml(c.Registry.Login), string(node.files[hostsPath]))
	found, err = w.kind.Find(t.Context())
	require.NoError(t, err)
	assert.Equal(t, c.Registry.Push, found.Registry.Push)
}

func TestKindRepairsIncompleteLogin(t *testing.T) {
	for name, spoil := range map[string]func(*world, *box){
		"missing in the node":  func(_ *world, b *box) { delete(b.files, hostsPath) },
		"outdated in the node": func(_ *world, b *box) { b.files[hostsPath] = []byte(hostsToml(registry.NewLogin("todo", "old"))) },
		"Secret missing":       func(w *world, _ *box) { w.api.remove(loginPath) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			node := w.settle("running")
			spoil(w, node)
			found, err := w.kind.Find(t.Context())
			require.NoError(t, err)
			assert.Empty(t, found.Registry)
			c, err := w.kind.Ensure(t.Context())
			require.NoError(t, err)
			require.NotNil(t, c.Registry.Login)
			assert.Equal(t, hostsToml(c.Registry.Login), string(node.files[hostsPath]))
		})
	}
}

func TestKubeContextUsesLoginOfPipelineRegistry(t *testing.T) {
	client := fake.NewClientset()
	require.NoError(t, announceRegistry(context.Background(), client, Registry{Push: "127.0.0.1:1", Pull: "localhost:5000"}))
	k := &KubeContext{}
	found, err := k.registry(t.Context(), client)
	require.NoError(t, err)
	assert.Nil(t, found.Login)
	made, err := ensureLogin(t.Context(), client)
	require.NoError(t, err)
	found, err = k.registry(t.Context(), client)
	require.NoError(t, err)
	require.NotNil(t, found.Login)
	assert.Equal(t, made.Password(), found.Login.Password())
}
