package cluster

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"todo-chatbot/mage/registry"
)

func TestRegistryHasFormOfMinikubeAddon(t *testing.T) {
	server, _ := newRegistry(t)
	push := server.Listener.Addr().String()
	client := fake.NewClientset()
	assert.False(t, registryExists(t.Context(), client))
	login := registry.NewLogin("todo", "very-secret")
	require.NoError(t, applyRegistry(t.Context(), client, "registry:test", login))
	require.NoError(t, applyRegistry(t.Context(), client, "registry:test", login), "the second call")
	assert.True(t, registryExists(t.Context(), client))
	require.NoError(t, waitRegistry(t.Context(), client, time.Second, func(ctx context.Context) error { return answers(ctx, push) }))

	d, err := client.AppsV1().Deployments("kube-system").Get(t.Context(), "registry", metav1.GetOptions{})
	require.NoError(t, err)
	labels := map[string]string{"actual-registry": "true", "kubernetes.io/minikube-addons": "registry"}
	assert.Equal(t, labels, d.Labels)
	assert.Equal(t, labels, d.Spec.Selector.MatchLabels)
	assert.Equal(t, labels, d.Spec.Template.Labels)
	assert.Equal(t, appsv1.RecreateDeploymentStrategyType, d.Spec.Strategy.Type, "two pods cannot share the node's port")

	pod := d.Spec.Template.Spec
	assert.True(t, pod.HostNetwork)
	require.NotNil(t, pod.EnableServiceLinks)
	assert.False(t, *pod.EnableServiceLinks, "the registry would read REGISTRY_PORT as a setting")
	require.Len(t, pod.Containers, 1)
	c := pod.Containers[0]
	assert.Equal(t, "registry:test", c.Image)
	assert.Equal(t, []corev1.ContainerPort{{Name: "registry", ContainerPort: 5000, HostPort: 5000, Protocol: corev1.ProtocolTCP}}, c.Ports)
	for name, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
		require.NotNil(t, probe, name)
		assert.Equal(t, "/", probe.HTTPGet.Path, "%s: /v2/ answers 401 without a login", name)
	}
	assert.Equal(t, []corev1.Capability{"ALL"}, c.SecurityContext.Capabilities.Drop)
	assert.Contains(t, c.Env, corev1.EnvVar{Name: "REGISTRY_STORAGE_DELETE_ENABLED", Value: "true"})
	assert.Equal(t, "/var/lib/registry", pod.Volumes[0].HostPath.Path)
	assert.Equal(t, c.VolumeMounts[0].Name, pod.Volumes[0].Name)
	assert.Contains(t, c.Env, corev1.EnvVar{Name: "REGISTRY_AUTH", Value: "htpasswd"})
	assert.Contains(t, c.Env, corev1.EnvVar{Name: "REGISTRY_AUTH_HTPASSWD_PATH", Value: c.VolumeMounts[1].MountPath + "/htpasswd"})
	assert.Equal(t, c.VolumeMounts[1].Name, pod.Volumes[1].Name)
	assert.Equal(t, loginSecret, pod.Volumes[1].Secret.SecretName)
	assert.Equal(t, []corev1.KeyToPath{{Key: "htpasswd", Path: "htpasswd"}}, pod.Volumes[1].Secret.Items, "the pod does not get the password")
	text, err := json.Marshal(d)
	require.NoError(t, err)
	assert.NotContains(t, string(text), "very-secret")
	changed := registryDeployment("registry:test", registry.NewLogin("todo", "another"))
	assert.NotEqual(t, d.Spec.Template.Annotations, changed.Spec.Template.Annotations, "a new login replaces the pod")

	s, err := client.CoreV1().Services("kube-system").Get(t.Context(), "registry", metav1.GetOptions{})
	require.NoError(t, err)
	assert.Equal(t, labels, s.Spec.Selector)
	assert.EqualValues(t, 80, s.Spec.Ports[0].Port)
	assert.EqualValues(t, 5000, s.Spec.Ports[0].TargetPort.IntVal)
}

func TestWaitRegistryReportsStateOfPod(t *testing.T) {
	client := fake.NewClientset(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "registry-1", Namespace: "kube-system", Labels: registryLabels()},
		Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{State: corev1.ContainerState{
			Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: `pulling "registry:test"`},
		}}}},
	})
	err := waitRegistry(t.Context(), client, 300*time.Millisecond, func(ctx context.Context) error { return answers(ctx, "127.0.0.1:1") })
	require.ErrorContains(t, err, "ImagePullBackOff")
	assert.ErrorContains(t, err, `"127.0.0.1:1"`)
}

func TestAnnouncedRegistryIsReadBack(t *testing.T) {
	client := fake.NewClientset()
	none, err := announcedRegistry(t.Context(), client)
	require.NoError(t, err)
	assert.Empty(t, none)
	registry := Registry{Push: "127.0.0.1:32775", Pull: "localhost:5000"}
	require.NoError(t, announceRegistry(t.Context(), client, registry))
	announced, err := announcedRegistry(t.Context(), client)
	require.NoError(t, err)
	assert.Equal(t, registry, announced)
}

func TestAnnouncementOfAnotherToolIsKept(t *testing.T) {
	client := fake.NewClientset()
	_, err := client.CoreV1().ConfigMaps("kube-public").Create(t.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: hostingName, Namespace: "kube-public"},
		Data:       map[string]string{hostingKey: "host: \"localhost:5001\"\n"},
	}, metav1.CreateOptions{FieldManager: "another-tool"})
	require.NoError(t, err)
	require.NoError(t, announceRegistry(t.Context(), client, Registry{Push: "127.0.0.1:1", Pull: "localhost:5000"}))
	got, err := announcedRegistry(t.Context(), client)
	require.NoError(t, err)
	assert.Equal(t, Registry{Push: "localhost:5001", Pull: "localhost:5001"}, got)
}

func TestRegistryAnswersWith200Or401(t *testing.T) {
	for name, c := range map[string]struct {
		code int
		ok   bool
		path string
	}{
		"200":                  {http.StatusOK, true, ""},
		"401, wants a login":   {http.StatusUnauthorized, true, ""},
		"200, name has a path": {http.StatusOK, true, "/team"},
		"403, as AirPlay":      {http.StatusForbidden, false, ""},
		"404":                  {http.StatusNotFound, false, ""},
		"502":                  {http.StatusBadGateway, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			agent := make(chan string, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, "/v2/", r.URL.Path)
				agent <- r.UserAgent()
				w.WriteHeader(c.code)
			}))
			defer server.Close()
			err := answers(t.Context(), server.Listener.Addr().String()+c.path)
			assert.Equal(t, c.ok, err == nil, "%v", err)
			assert.True(t, strings.HasPrefix(<-agent, userAgent), "Minikube's proxy answers 404 to an agent that starts with Go")
		})
	}
}
