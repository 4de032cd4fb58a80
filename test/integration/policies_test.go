package integration

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// knocks tries to reach the two servers of the release, and prints what it found.
const knocks = `
import socket
for host, port in (("todo-backend", 8000), ("todo-postgresql", 5432)):
    try:
        socket.create_connection((host, port), timeout=3).close()
        print(host, "open")
    except OSError:
        print(host, "closed")
`

// policies sends packets against staging's network policies: a pod with the
// frontend's labels gets through, a stranger does not. Where nothing enforces
// them the stranger must get through too; otherwise the list of what enforces
// lacks somebody, and doctor tells its users less than is true.
func (l *life) policies(t *testing.T) {
	t.Helper()
	open := "todo-backend open\ntodo-postgresql open\n"
	closed := strings.ReplaceAll(open, "open", "closed")
	assert.Equal(t, open, l.knock(t, "looks-like-frontend", map[string]string{"app.kubernetes.io/name": "frontend", "app.kubernetes.io/instance": "todo"}))
	enforcer := l.mage(t, "cluster:status").Lines("network-policies")
	if len(enforcer) == 0 {
		t.Log("nothing in this cluster enforces network policies: what they say was evaluated by test/render, and is not tried with packets")
		closed = open
	}
	assert.Equal(t, closed, l.knock(t, "stranger", nil))
}

// knock runs knocks in a pod of staging. It is never ready, so that no Service
// leads to it, whatever its labels are.
func (l *life) knock(t *testing.T, name string, labels map[string]string) string {
	t.Helper()
	api := l.client(t)
	backend, err := api.AppsV1().Deployments(stagingNamespace).Get(t.Context(), "todo-backend", metav1.GetOptions{})
	require.NoError(t, err)
	model := backend.Spec.Template.Spec
	container := model.Containers[0]
	pods := api.CoreV1().Pods(stagingNamespace)
	_, err = pods.Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, AutomountServiceAccountToken: new(bool), SecurityContext: model.SecurityContext,
			Containers: []corev1.Container{{
				Name: "knock", Image: container.Image, Command: []string{"python", "-c", knocks}, SecurityContext: container.SecurityContext,
				ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"false"}}}},
			}},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	defer func() { assert.NoError(t, pods.Delete(t.Context(), name, metav1.DeleteOptions{})) }()
	require.Eventually(t, func() bool {
		pod, err := pods.Get(t.Context(), name, metav1.GetOptions{})
		return err == nil && pod.Status.Phase == corev1.PodSucceeded
	}, time.Minute, time.Second, "%s ends", name)
	stream, err := pods.GetLogs(name, &corev1.PodLogOptions{}).Stream(t.Context())
	require.NoError(t, err)
	defer stream.Close()
	said, err := io.ReadAll(stream)
	require.NoError(t, err)
	return string(said)
}
