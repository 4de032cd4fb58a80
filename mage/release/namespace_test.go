package release

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func namespaceLabels(t *testing.T, client *fake.Clientset) map[string]string {
	ns, err := client.CoreV1().Namespaces().Get(context.Background(), "todo-dev", metav1.GetOptions{})
	require.NoError(t, err)
	return ns.Labels
}

func TestNamespaceIsCreatedWithItsLabels(t *testing.T) {
	client := fake.NewClientset()
	found, err := EnsureNamespace(context.Background(), client, "todo-dev", map[string]string{"environment": "dev"})
	require.NoError(t, err)
	assert.True(t, found.Created)
	assert.Equal(t, map[string]string{podSecurityLabel: "restricted", managedByLabel: managedBy, "environment": "dev"}, namespaceLabels(t, client))
	found, err = EnsureNamespace(context.Background(), client, "todo-dev", map[string]string{"later": "added"})
	require.NoError(t, err)
	assert.Equal(t, Namespace{Name: "todo-dev"}, found)
	assert.Equal(t, "added", namespaceLabels(t, client)["later"], "a later version adds its labels")
}

func TestForeignNamespaceIsNotChangedAndItsMissingLabelsAreReported(t *testing.T) {
	client := fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "todo-dev", Labels: map[string]string{"environment": "theirs"}}})
	found, err := EnsureNamespace(context.Background(), client, "todo-dev", map[string]string{"environment": "dev", podSecurityLabel + "-version": "latest"})
	require.NoError(t, err)
	assert.False(t, found.Created)
	assert.Equal(t, "kubectl label namespace todo-dev pod-security.kubernetes.io/enforce=restricted pod-security.kubernetes.io/enforce-version=latest", found.LabelCommand())
	assert.Equal(t, map[string]string{"environment": "theirs"}, namespaceLabels(t, client))
}

func TestNamespaceNeedsNoRightsOfTheCluster(t *testing.T) {
	forbid := func(client *fake.Clientset, verb string) *fake.Clientset {
		client.PrependReactor(verb, "namespaces", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "namespaces"}, "todo-dev", errors.New("no"))
		})
		return client
	}
	found, err := EnsureNamespace(context.Background(), forbid(fake.NewClientset(), "get"), "todo-dev", nil)
	require.NoError(t, err)
	assert.Equal(t, "todo-dev", found.Name)
	assert.True(t, apierrors.IsForbidden(found.Unseen))

	_, err = EnsureNamespace(context.Background(), forbid(fake.NewClientset(), "create"), "todo-dev", nil)
	require.ErrorContains(t, err, "it does not exist, and you are not permitted to create it")
	assert.ErrorContains(t, err, "kubectl create namespace todo-dev")
}

func TestEnsureNamespaceWaitsForADeletedNamespace(t *testing.T) {
	ending := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "todo-dev"}, Status: corev1.NamespaceStatus{Phase: corev1.NamespaceTerminating}}
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset(ending.DeepCopy())
		gone := schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
		time.AfterFunc(10*time.Second, func() { assert.NoError(t, client.Tracker().Delete(gone, "", "todo-dev")) })
		found, err := EnsureNamespace(context.Background(), client, "todo-dev", nil)
		require.NoError(t, err)
		assert.True(t, found.Created)
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, err := EnsureNamespace(ctx, fake.NewClientset(ending.DeepCopy()), "todo-dev", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "still being deleted")
	})
}
