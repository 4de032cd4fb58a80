package release

import (
	"context"
	"errors"
	"fmt"
	"testing"

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

// credentials are a Secret of a running installation.
func credentials(t *testing.T) *fake.Clientset {
	t.Helper()
	client := fake.NewClientset()
	_, err := EnsureCredentials(t.Context(), client, "ns", "todo-credentials", wantedKeys, map[string]string{"openai-api-key": "sk-1"})
	require.NoError(t, err)
	return client
}

func TestRotationChangesOnlyItsKeys(t *testing.T) {
	client := credentials(t)
	before := secretData(t, client)
	begun, err := BeginRotation(t.Context(), client, "ns", "todo-credentials", wantedKeys)
	require.NoError(t, err)
	after := secretData(t, client)
	for _, key := range wantedKeys {
		assert.NotEqual(t, before[key], after[key])
		assert.Len(t, after[key], 43, "32 random bytes")
		assert.Equal(t, string(after[key]), begun.Value(key))
	}
	assert.Equal(t, "sk-1", string(after["openai-api-key"]))
	assert.NotContains(t, fmt.Sprintf("%v %+v %s", begun, begun, begun), begun.Value("auth-secret"))
}

func TestUnfinishedRotationIsContinued(t *testing.T) {
	client := credentials(t)
	none, err := PendingRotation(t.Context(), client, "ns", "todo-credentials")
	require.NoError(t, err)
	assert.Nil(t, none)

	begun, err := BeginRotation(t.Context(), client, "ns", "todo-credentials", wantedKeys)
	require.NoError(t, err)
	pending, err := PendingRotation(t.Context(), client, "ns", "todo-credentials")
	require.NoError(t, err)
	assert.Equal(t, begun, pending)
	again, err := BeginRotation(t.Context(), client, "ns", "todo-credentials", wantedKeys)
	require.NoError(t, err)
	assert.Equal(t, begun, again, "some readers may know the values")

	require.NoError(t, EndRotation(t.Context(), client, "ns", "todo-credentials", begun))
	require.NoError(t, EndRotation(t.Context(), client, "ns", "todo-credentials", begun), "EndRotation is idempotent")
	none, err = PendingRotation(t.Context(), client, "ns", "todo-credentials")
	require.NoError(t, err)
	assert.Nil(t, none)
	next, err := BeginRotation(t.Context(), client, "ns", "todo-credentials", wantedKeys)
	require.NoError(t, err)
	assert.NotEqual(t, begun.ID, next.ID)
	assert.NotEqual(t, begun.Value("auth-secret"), next.Value("auth-secret"))
}

func TestRotationIsWrittenInOneRequest(t *testing.T) {
	client := credentials(t)
	before := secretData(t, client)
	client.PrependReactor("update", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("no route to host")
	})
	_, err := BeginRotation(t.Context(), client, "ns", "todo-credentials", wantedKeys)
	assert.EqualError(t, err, "begin a rotation of the credentials: no route to host")
	assert.Equal(t, before, secretData(t, client))
	none, err := PendingRotation(t.Context(), client, "ns", "todo-credentials")
	require.NoError(t, err)
	assert.Nil(t, none)
}

func TestRotationIsRetriedAfterAConflict(t *testing.T) {
	client := credentials(t)
	tries := 0
	client.PrependReactor("update", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		tries++
		return tries == 1, nil, apierrors.NewConflict(schema.GroupResource{Resource: "secrets"}, "todo-credentials", errors.New("changed"))
	})
	begun, err := BeginRotation(t.Context(), client, "ns", "todo-credentials", wantedKeys)
	require.NoError(t, err)
	assert.Equal(t, 2, tries)
	assert.Equal(t, begun.Value("auth-secret"), string(secretData(t, client)["auth-secret"]))
}

func TestForeignCredentialsAreNotRotated(t *testing.T) {
	client := fake.NewClientset(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "from-vault"}, Data: map[string][]byte{"auth-secret": []byte("theirs")}})
	_, err := BeginRotation(context.Background(), client, "ns", "from-vault", wantedKeys)
	foreign, is := errors.AsType[*ForeignCredentials](err)
	require.True(t, is, "%v", err)
	assert.Equal(t, &ForeignCredentials{Namespace: "ns", Name: "from-vault"}, foreign)
	none, err := PendingRotation(t.Context(), client, "ns", "absent")
	require.NoError(t, err)
	assert.Nil(t, none)
}
