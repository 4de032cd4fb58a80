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

// knock is a program that prints which servers of the release accept a connection.
const knock = `
import socket
for host, port in (("todo-backend", 8000), ("todo-postgresql", 5432)):
    try:
        socket.create_connection((host, port), timeout=3).close()
        print(host, "open")
    except OSError:
        print(host, "closed")
`

// policies tries staging's network policies with packets: a pod with the frontend's
// labels reaches the servers, another pod does not. Where cluster:status names no
// network plug-in that enforces policies, the other pod must reach them too:
// otherwise the pipeline's list of such plug-ins is incomplete.
func (f *fixture) policies(t *testing.T) {
	t.Helper()
	open := "todo-backend open\ntodo-postgresql open\n"
	closed := strings.ReplaceAll(open, "open", "closed")
	assert.Equal(t, open, f.reached(t, "looks-like-frontend", map[string]string{"app.kubernetes.io/name": "frontend", "app.kubernetes.io/instance": "todo"}))
	if len(f.mage(t, "cluster:status").Lines("network-policies")) == 0 {
		t.Log("nothing in this cluster enforces network policies: only test/render evaluates them")
		closed = open
	}
	assert.Equal(t, closed, f.reached(t, "stranger", nil))
}

// reached runs knock in a pod of staging and returns its output. The pod is never
// ready, so that no Service sends requests to it, whatever its labels are.
func (f *fixture) reached(t *testing.T, name string, labels map[string]string) string {
	t.Helper()
	api := f.client(t)
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
				Name: "knock", Image: container.Image, Command: []string{"python", "-c", knock}, SecurityContext: container.SecurityContext,
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
