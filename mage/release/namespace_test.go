package release

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
)

func namespaceLabels(t *testing.T, client *fake.Clientset) map[string]string {
	ns, err := client.CoreV1().Namespaces().Get(context.Background(), "todo-dev", metav1.GetOptions{})
	require.NoError(t, err)
	return ns.Labels
}

func TestNamespaceIsMadeWithItsLabels(t *testing.T) {
	client := fake.NewClientset()
	created, err := EnsureNamespace(context.Background(), client, "todo-dev", map[string]string{"environment": "dev"})
	require.NoError(t, err)
	assert.True(t, created)
	assert.Equal(t, map[string]string{podSecurityLabel: "restricted", managedByLabel: managedBy, "environment": "dev"}, namespaceLabels(t, client))
	created, err = EnsureNamespace(context.Background(), client, "todo-dev", nil)
	require.NoError(t, err)
	assert.False(t, created)
}

func TestNamespaceOfAnotherKeepsItsLabelsAndOwner(t *testing.T) {
	client := fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "todo-dev", Labels: map[string]string{"environment": "theirs"}}})
	created, err := EnsureNamespace(context.Background(), client, "todo-dev", map[string]string{"environment": "dev"})
	require.NoError(t, err)
	assert.False(t, created)
	assert.Equal(t, map[string]string{podSecurityLabel: "restricted", "environment": "theirs"}, namespaceLabels(t, client))
}

func TestNamespaceThatIsBeingDeletedIsWaitedFor(t *testing.T) {
	ending := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "todo-dev"}, Status: corev1.NamespaceStatus{Phase: corev1.NamespaceTerminating}}
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset(ending.DeepCopy())
		gone := schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
		time.AfterFunc(10*time.Second, func() { assert.NoError(t, client.Tracker().Delete(gone, "", "todo-dev")) })
		created, err := EnsureNamespace(context.Background(), client, "todo-dev", nil)
		require.NoError(t, err)
		assert.True(t, created)
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, err := EnsureNamespace(ctx, fake.NewClientset(ending.DeepCopy()), "todo-dev", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "still being deleted")
	})
}
