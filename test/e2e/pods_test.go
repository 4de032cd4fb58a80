package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/clientcmd"

	"todo-chatbot/mage/kube"
)

// comeback is how long new pods may take until they are ready: they are scheduled,
// migrate and start on a machine that also runs the browser.
const comeback = 3 * time.Minute

// release is the application in its cluster.
type release struct {
	client          kubernetes.Interface
	namespace, name string
}

// findRelease skips the test if no release is named.
func findRelease(t *testing.T) release {
	t.Helper()
	kubeconfig, namespace, name := os.Getenv("TODO_TEST_KUBECONFIG"), os.Getenv("TODO_TEST_NAMESPACE"), os.Getenv("TODO_TEST_RELEASE")
	if kubeconfig == "" || namespace == "" || name == "" {
		t.Skip("TODO_TEST_KUBECONFIG, TODO_TEST_NAMESPACE and TODO_TEST_RELEASE are not set: no pods to restart")
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{Precedence: filepath.SplitList(kubeconfig)},
		&clientcmd.ConfigOverrides{CurrentContext: os.Getenv("TODO_TEST_CONTEXT")}, // the file's current context can be another cluster
	).ClientConfig()
	require.NoError(t, err)
	client, err := kubernetes.NewForConfig(config)
	require.NoError(t, err)
	return release{client: client, namespace: namespace, name: name}
}

func (r release) component(name string) pods { return pods{release: r, component: name} }

// pods are the pods of one component.
type pods struct {
	release
	component string
}

func (c pods) list(ctx context.Context) ([]corev1.Pod, error) {
	labels := "app.kubernetes.io/instance=" + c.name + ",app.kubernetes.io/name=" + c.component
	found, err := c.client.CoreV1().Pods(c.namespace).List(ctx, metav1.ListOptions{LabelSelector: labels})
	if err != nil {
		return nil, fmt.Errorf("list the pods of %q in %q: %w", c.component, c.namespace, err)
	}
	return found.Items, nil
}

// remove deletes all of them and returns their UIDs.
func (c pods) remove(ctx context.Context) ([]types.UID, error) {
	found, err := c.list(ctx)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("restart %q of release %q in %q: it has no pods", c.component, c.name, c.namespace)
	}
	var gone []types.UID
	for _, pod := range found {
		if err := c.client.CoreV1().Pods(c.namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{}); err != nil {
			return nil, fmt.Errorf("delete pod %q: %w", pod.Name, err)
		}
		gone = append(gone, pod.UID)
	}
	return gone, nil
}

// replaced returns nil when as many new pods are ready as were removed.
func (c pods) replaced(ctx context.Context, gone []types.UID) error {
	found, err := c.list(ctx)
	if err != nil {
		return err
	}
	fresh := 0
	for _, pod := range found {
		switch {
		case slices.Contains(gone, pod.UID):
			return fmt.Errorf("pod %q has not ended", pod.Name)
		case kube.PodReady(&pod):
			fresh++
		}
	}
	if fresh < len(gone) {
		return fmt.Errorf("%d of %d new pods of %q are ready", fresh, len(gone), c.component)
	}
	return nil
}

func TestPodsAreReplaced(t *testing.T) {
	pod := func(name, component, uid string, is corev1.ConditionStatus) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "todo-dev", Name: name, UID: types.UID(uid),
				Labels: map[string]string{"app.kubernetes.io/instance": "todo", "app.kubernetes.io/name": component},
			},
			Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: is}}},
		}
	}
	database := pod("todo-postgresql-0", "postgresql", "d1", corev1.ConditionTrue)
	client := fake.NewClientset(pod("todo-backend-x", "backend", "b1", corev1.ConditionTrue), database)
	r := release{client: client, namespace: "todo-dev", name: "todo"}
	backend := r.component("backend")

	gone, err := backend.remove(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []types.UID{"b1"}, gone)
	assert.ErrorContains(t, backend.replaced(t.Context(), gone), "0 of 1 new pods")
	require.NoError(t, client.Tracker().Add(pod("todo-backend-y", "backend", "b2", corev1.ConditionFalse)))
	assert.ErrorContains(t, backend.replaced(t.Context(), gone), "0 of 1 new pods")
	require.NoError(t, client.Tracker().Add(pod("todo-backend-z", "backend", "b3", corev1.ConditionTrue)))
	assert.NoError(t, backend.replaced(t.Context(), gone))

	assert.ErrorContains(t, r.component("postgresql").replaced(t.Context(), []types.UID{"d1"}), `"todo-postgresql-0" has not ended`)
	_, err = r.component("worker").remove(t.Context())
	assert.ErrorContains(t, err, "it has no pods")
}
