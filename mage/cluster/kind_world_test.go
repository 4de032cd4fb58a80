package cluster

import (
	"context"
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/registry"
)

// world is a fake engine whose nodes publish a fake API server and a fake registry.
type world struct {
	*engine
	*stage
	api  *kubeAPI
	kind *Kind
	opts KindOptions
}

func newWorld(t *testing.T, change func(*KindOptions)) *world {
	t.Helper()
	e, docker := newEngine(t)
	api := newKubeAPI(t)
	api.makeReady(t, time.Now().Add(time.Hour)) // after each start of a node
	images := httptest.NewServer(guarded(api))
	t.Cleanup(images.Close)
	_, imagesPort, err := net.SplitHostPort(images.Listener.Addr().String())
	require.NoError(t, err)
	e.publish["6443"] = strconv.Itoa(api.port(t))
	e.publish["5000"] = imagesPort
	e.adminConf = api.kubeconfig(t, "kubernetes-admin@todo")
	opts := KindOptions{
		Name:          "todo",
		Kubeconfig:    filepath.Join(t.TempDir(), "own", "kubeconfig"),
		NodeImage:     func(context.Context) (string, error) { return "node:test", nil },
		RegistryImage: "registry:test",
	}
	if change != nil {
		change(&opts)
	}
	kind, err := NewKind(docker, opts)
	require.NoError(t, err)
	kind.bound = 2 * time.Second
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "users-own")) // must stay absent
	return &world{engine: e, stage: newStage(t, e.command, "docker"), api: api, kind: kind, opts: opts}
}

// settle adds a complete cluster with this container status.
func (w *world) settle(status string) *box {
	port := func(p string) []map[string]string {
		return []map[string]string{{"HostIp": "127.0.0.1", "HostPort": w.publish[p]}}
	}
	b := &box{
		status: status, started: time.Now().Add(-time.Hour),
		labels: map[string]string{kindLabel: "todo"},
		ports: map[string][]map[string]string{
			"6443/tcp": port("6443"), "5000/tcp": port("5000"),
			"30080/tcp": {{"HostIp": "127.0.0.1", "HostPort": "18080"}},
		},
		files: map[string][]byte{
			adminConf: w.adminConf, completeMark: []byte("complete since yesterday\n"),
			hostsPath: []byte(hostsToml(registry.NewLogin("todo", "settled"))),
		},
	}
	w.containers["todo-control-plane"] = b
	w.api.putLogin("settled")
	return b
}

const (
	loginPath = "/api/v1/namespaces/kube-system/secrets/" + loginSecret
	hostsPath = containerdFolder + "/" + hostsFile
)

// putLogin adds the Secret of an existing registry's login.
func (k *kubeAPI) putLogin(password string) {
	text := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	k.mu.Lock()
	defer k.mu.Unlock()
	k.objects[loginPath] = map[string]any{
		"metadata": map[string]any{"name": loginSecret, "labels": map[string]any{networkLabel: userAgent}},
		"data":     map[string]any{userKey: text("todo"), passwordKey: text(password), htpasswdKey: text("todo:hash")},
	}
}

// guarded is the /v2/ of an image registry that requires the login in the cluster's
// Secret.
func guarded(api *kubeAPI) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password, given := r.BasicAuth()
		data, _ := digInto(api.get(loginPath), "data").(map[string]any)
		want := func(key string) string {
			encoded, _ := data[key].(string)
			text, _ := base64.StdEncoding.DecodeString(encoded)
			return string(text)
		}
		if !given || user == "" || user != want(userKey) || password != want(passwordKey) {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
}
