package cluster

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"todo-chatbot/mage/kube"
)

const token = "a-token-of-this-test"

// kubeAPI is a fake API server with TLS and a token that stores objects by their
// path. It has no controllers.
type kubeAPI struct {
	*httptest.Server
	mu      sync.Mutex
	objects map[string]map[string]any
	applied []string
	special map[string]http.HandlerFunc
}

func newKubeAPI(t *testing.T) *kubeAPI {
	t.Helper()
	k := &kubeAPI{objects: map[string]map[string]any{}, special: map[string]http.HandlerFunc{}}
	k.Server = httptest.NewTLSServer(k)
	t.Cleanup(k.Close)
	k.put(t, "/version", map[string]any{"gitVersion": "v1.36.3"})
	k.put(t, "/api/v1/namespaces/kube-system", map[string]any{"metadata": map[string]any{"name": "kube-system"}})
	return k
}

func (k *kubeAPI) put(t *testing.T, path string, object any) {
	t.Helper()
	data, err := json.Marshal(object)
	require.NoError(t, err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(data, &fields))
	k.mu.Lock()
	defer k.mu.Unlock()
	k.objects[path] = fields
}

func (k *kubeAPI) remove(path string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.objects, path)
}

// get returns a stored object.
func (k *kubeAPI) get(path string) map[string]any {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.objects[path]
}

func (k *kubeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+token {
		status(w, http.StatusUnauthorized, metav1.StatusReasonUnauthorized)
		return
	}
	k.mu.Lock()
	special := k.special[r.URL.Path]
	k.mu.Unlock()
	if special != nil {
		special(w, r)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch r.Method {
	case http.MethodPatch:
		body, _ := io.ReadAll(r.Body)
		var object map[string]any
		if err := yaml.Unmarshal(body, &object); err != nil {
			status(w, http.StatusBadRequest, metav1.StatusReasonBadRequest)
			return
		}
		k.objects[r.URL.Path] = object
		k.applied = append(k.applied, r.URL.Path)
		_ = json.NewEncoder(w).Encode(object)
	case http.MethodPost:
		body, _ := io.ReadAll(r.Body)
		typed, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil) // client-go sends protobuf
		if err != nil {
			status(w, http.StatusBadRequest, metav1.StatusReasonBadRequest)
			return
		}
		encoded, _ := json.Marshal(typed)
		var object map[string]any
		_ = json.Unmarshal(encoded, &object)
		path := r.URL.Path + "/" + object["metadata"].(map[string]any)["name"].(string)
		if k.objects[path] != nil {
			status(w, http.StatusConflict, metav1.StatusReasonAlreadyExists)
			return
		}
		k.objects[path] = object
		_ = json.NewEncoder(w).Encode(object)
	case http.MethodGet:
		if object, ok := k.objects[r.URL.Path]; ok {
			_ = json.NewEncoder(w).Encode(object)
			return
		}
		last := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		items := []any{}
		for path, object := range k.objects {
			rest, ok := strings.CutPrefix(path, r.URL.Path+"/")
			if ok && !strings.Contains(rest, "/") && selected(object, r.URL.Query().Get("labelSelector")) {
				items = append(items, object)
			}
		}
		if len(items) == 0 && !strings.Contains("nodes pods storageclasses deployments statefulsets daemonsets", last) {
			status(w, http.StatusNotFound, metav1.StatusReasonNotFound)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"items": items})
	default:
		status(w, http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed)
	}
}

// selected tells whether a label selector matches an object.
func selected(object map[string]any, selector string) bool {
	want, err := labels.Parse(selector)
	if err != nil {
		return false
	}
	have := labels.Set{}
	m, _ := object["metadata"].(map[string]any)
	l, _ := m["labels"].(map[string]any)
	for key, value := range l {
		have[key] = fmt.Sprint(value)
	}
	return want.Matches(have)
}

func status(w http.ResponseWriter, code int, reason metav1.StatusReason) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure,
		Reason: reason, Code: int32(code), Message: string(reason),
	})
}

func (k *kubeAPI) port(t *testing.T) int {
	t.Helper()
	u, err := url.Parse(k.URL)
	require.NoError(t, err)
	port, err := strconv.Atoi(u.Port())
	require.NoError(t, err)
	return port
}

// kubeconfig returns a kubeconfig with one context of this name for this server.
func (k *kubeAPI) kubeconfig(t *testing.T, context string) []byte {
	t.Helper()
	cfg := api.NewConfig()
	cfg.Clusters[context] = &api.Cluster{
		Server:                   k.URL,
		CertificateAuthorityData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Certificate().Raw}),
	}
	cfg.AuthInfos[context] = &api.AuthInfo{Token: token}
	cfg.Contexts[context] = &api.Context{Cluster: context, AuthInfo: context}
	cfg.CurrentContext = context
	data, err := clientcmd.Write(*cfg)
	require.NoError(t, err)
	return data
}

func (k *kubeAPI) clients(t *testing.T) *kube.Clients {
	t.Helper()
	cfg, err := clientcmd.RESTConfigFromKubeConfig(k.kubeconfig(t, "test"))
	require.NoError(t, err)
	clients, err := kube.Connect(cfg)
	require.NoError(t, err)
	return clients
}

// makeReady adds the objects of a ready cluster, with reports of this time.
func (k *kubeAPI) makeReady(t *testing.T, at time.Time) {
	t.Helper()
	k.put(t, "/apis/storage.k8s.io/v1/storageclasses/standard", map[string]any{
		"metadata": map[string]any{"name": "standard", "annotations": map[string]string{defaultClassKey: "true"}},
	})
	k.put(t, "/api/v1/nodes/todo-control-plane", map[string]any{
		"metadata": map[string]any{"name": "todo-control-plane"},
		"status":   map[string]any{"conditions": []any{map[string]string{"type": "Ready", "status": "True"}}},
	})
	k.put(t, "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/todo-control-plane", map[string]any{
		"metadata": map[string]any{"name": "todo-control-plane"},
		"spec":     map[string]any{"renewTime": at.UTC().Format("2006-01-02T15:04:05.000000Z07:00")},
	})
	k.put(t, "/api/v1/namespaces/kube-system/pods/coredns-1", readyPod("coredns-1", at))
	k.put(t, "/api/v1/namespaces/default/serviceaccounts/default", map[string]any{"metadata": map[string]any{"name": "default"}})
}

// readyPod returns a ready pod of CoreDNS, of the registry, or of the app with
// which its name begins.
func readyPod(name string, at time.Time) *corev1.Pod {
	app, _, _ := strings.Cut(name, "-")
	own := map[string]string{"app": app}
	switch app {
	case "coredns":
		own = map[string]string{"k8s-app": "kube-dns"}
	case "registry":
		own = registryLabels()
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "kube-system", UID: types.UID("uid-of-" + name), Labels: own},
		Status: corev1.PodStatus{
			Phase:             corev1.PodRunning,
			Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "main", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(at)}}}},
		},
	}
}

// newRegistry serves the /v2/ of an image registry without a login. Like Minikube's
// proxy, it refuses Go's default user agent.
func newRegistry(t *testing.T) (server *httptest.Server, port int) {
	t.Helper()
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.UserAgent(), "Go ") || strings.HasPrefix(r.UserAgent(), "Go-") || r.URL.Path != "/v2/" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, "{}")
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	port, err = strconv.Atoi(u.Port())
	require.NoError(t, err)
	return server, port
}
