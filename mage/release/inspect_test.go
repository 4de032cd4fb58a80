package release

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"todo-chatbot/mage/diagnose"
	"todo-chatbot/mage/diagnose/diagnosetest"
)

func TestInspectShowsPodsEndpointsAndWarnings(t *testing.T) {
	c := newCluster(t)
	ctx := context.Background()
	_, err := c.manager.Inspect(ctx, testRelease)
	require.ErrorIs(t, err, ErrNotFound)

	c.mustDeploy(testSpec())
	c.brokenBackend(diagnosetest.Looping(3, "Error", 2))
	c.event(diagnosetest.PodUID, "BackOff", "Back-off restarting failed container")
	normal := diagnosetest.Warning(diagnosetest.PodUID, "Pulled", "already present")
	normal.Type = corev1.EventTypeNormal
	c.put(normal)
	old := diagnosetest.Warning(diagnosetest.PodUID, "Failed", "long ago")
	old.LastTimestamp = metav1.Unix(0, 0)
	c.put(old)
	port, ready, notReady := int32(8000), true, false
	c.put(&discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Name: "todo-backend-a", Labels: map[string]string{discoveryv1.LabelServiceName: "todo-backend"}},
		Ports:      []discoveryv1.EndpointPort{{Port: &port}},
		Endpoints: []discoveryv1.Endpoint{
			{Addresses: []string{"10.244.0.9"}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}},
			{Addresses: []string{"10.244.0.7"}},
			{Addresses: []string{"10.244.0.8"}, Conditions: discoveryv1.EndpointConditions{Ready: &notReady}},
		},
	})
	c.put(&discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Name: "other", Labels: map[string]string{discoveryv1.LabelServiceName: "other"}},
		Ports:      []discoveryv1.EndpointPort{{Port: &port}}, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.244.0.1"}}},
	})

	got, err := c.manager.Inspect(ctx, testRelease)
	require.NoError(t, err)
	assert.Equal(t, 1, got.Revision)
	assert.Len(t, got.Workloads, 2)
	assert.Equal(t, []diagnose.Pod{{Name: "todo-backend-1-x", Workload: "deployment/todo-backend", State: `pending: container "backend" waits: CrashLoopBackOff`, Wanted: 1, Restarts: 2}}, got.Pods)
	assert.Equal(t, []diagnose.Service{{Name: "todo-backend", Endpoints: []string{"10.244.0.7:8000", "10.244.0.9:8000"}}}, got.Services)
	require.Len(t, got.Warnings, 1)
	assert.Contains(t, got.Warnings[0], "Warning BackOff pod/todo-backend-1-x: Back-off restarting")
}
