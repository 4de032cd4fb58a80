package release

import (
	"context"
	"encoding/base64"
	"errors"
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

var wantedKeys = []string{"database-password", "auth-secret"}

func secretData(t *testing.T, client *fake.Clientset) map[string][]byte {
	s, err := client.CoreV1().Secrets("ns").Get(context.Background(), "todo-credentials", metav1.GetOptions{})
	require.NoError(t, err)
	return s.Data
}

func TestCredentialsAreCreatedOnce(t *testing.T) {
	client := fake.NewClientset()
	ctx := context.Background()
	stale, err := EnsureCredentials(ctx, client, "ns", "todo-credentials", wantedKeys, map[string]string{"openai-api-key": ""})
	require.NoError(t, err)
	assert.True(t, stale)
	first := secretData(t, client)
	require.Len(t, first, 2, "an empty extra value adds no key")
	for _, key := range wantedKeys {
		raw, err := base64.RawURLEncoding.DecodeString(string(first[key]))
		require.NoError(t, err)
		assert.Len(t, raw, 32)
	}
	assert.NotEqual(t, first["database-password"], first["auth-secret"])

	stale, err = EnsureCredentials(ctx, client, "ns", "todo-credentials", wantedKeys, nil)
	require.NoError(t, err)
	assert.False(t, stale)
	assert.Equal(t, first, secretData(t, client))
}

func TestExistingCredentialsAreKept(t *testing.T) {
	client := fake.NewClientset(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "todo-credentials", Labels: map[string]string{managedByLabel: managedBy}},
		Data:       map[string][]byte{"database-password": []byte("known to the database"), "auth-secret": nil, "other": []byte("kept")},
	})
	stale, err := EnsureCredentials(context.Background(), client, "ns", "todo-credentials", wantedKeys, map[string]string{"openai-api-key": "sk-1"})
	require.NoError(t, err)
	assert.True(t, stale)
	data := secretData(t, client)
	assert.Equal(t, "known to the database", string(data["database-password"]))
	assert.Equal(t, "kept", string(data["other"]))
	assert.Equal(t, "sk-1", string(data["openai-api-key"]))
	assert.Len(t, data["auth-secret"], 43)

	stale, err = EnsureCredentials(context.Background(), client, "ns", "todo-credentials", wantedKeys, map[string]string{"openai-api-key": "sk-2"})
	require.NoError(t, err)
	assert.True(t, stale)
	assert.Equal(t, "sk-2", string(secretData(t, client)["openai-api-key"]))
}

func TestCredentialsAreRetriedAfterAConflict(t *testing.T) {
	client := fake.NewClientset()
	tries := 0
	client.PrependReactor("create", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		tries++
		return tries == 1, nil, apierrors.NewAlreadyExists(schema.GroupResource{Resource: "secrets"}, "todo-credentials")
	})
	_, err := EnsureCredentials(context.Background(), client, "ns", "todo-credentials", wantedKeys, nil)
	require.NoError(t, err)
	assert.Equal(t, 2, tries)
}

func TestErrorsDoNotContainCredentials(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("create", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("forbidden")
	})
	_, err := EnsureCredentials(context.Background(), client, "ns", "todo-credentials", wantedKeys, map[string]string{"openai-api-key": "sk-1"})
	assert.EqualError(t, err, `complete the credentials in secret "todo-credentials" of namespace "ns": forbidden`)
}

func TestAddedKeysDoNotMakeRunningPodsStale(t *testing.T) {
	own := metav1.ObjectMeta{Namespace: "ns", Name: "todo-credentials", Labels: map[string]string{managedByLabel: managedBy}}
	of := func(data map[string][]byte) *fake.Clientset {
		return fake.NewClientset(&corev1.Secret{ObjectMeta: own, Data: data})
	}
	for name, c := range map[string]struct {
		before map[string][]byte
		extra  map[string]string
		stale  bool
	}{
		"added key, as in the first upgrade from an earlier version": {map[string][]byte{"auth-secret": []byte("a")}, nil, false},
		"nothing to add":         {map[string][]byte{"auth-secret": []byte("a"), "database-password": []byte("b")}, nil, false},
		"empty value is filled":  {map[string][]byte{"auth-secret": []byte("a"), "database-password": nil}, nil, true},
		"optional key is added":  {map[string][]byte{"auth-secret": []byte("a")}, map[string]string{"key": "x"}, true},
		"optional key changes":   {map[string][]byte{"key": []byte("y")}, map[string]string{"key": "x"}, true},
		"optional key stays":     {map[string][]byte{"key": []byte("x")}, map[string]string{"key": "x"}, false},
		"optional key is absent": {map[string][]byte{"auth-secret": []byte("a")}, map[string]string{"key": ""}, false},
	} {
		t.Run(name, func(t *testing.T) {
			client := of(c.before)
			stale, err := EnsureCredentials(t.Context(), client, "ns", "todo-credentials", wantedKeys, c.extra)
			require.NoError(t, err)
			assert.Equal(t, c.stale, stale)
			for _, key := range wantedKeys {
				assert.NotEmpty(t, secretData(t, client)[key], key)
			}
		})
	}
}

func TestEmptyOptionalCredentialIsRemoved(t *testing.T) {
	client := fake.NewClientset()
	ctx := context.Background()
	ensure := func(key string) bool {
		stale, err := EnsureCredentials(ctx, client, "ns", "todo-credentials", wantedKeys, map[string]string{"openai-api-key": key})
		require.NoError(t, err)
		return stale
	}
	has := func() bool {
		there, err := HasCredential(ctx, client, "ns", "todo-credentials", "openai-api-key")
		require.NoError(t, err)
		return there
	}
	assert.False(t, has(), "there is no Secret")
	ensure("sk-1")
	assert.True(t, has())
	before := secretData(t, client)
	assert.True(t, ensure(""), "pods have read the key and must be replaced")
	assert.False(t, has())
	after := secretData(t, client)
	assert.NotContains(t, after, "openai-api-key")
	assert.Equal(t, before["database-password"], after["database-password"])
	assert.False(t, ensure(""), "the key is already removed")
}

func TestForeignSecretIsReadAndNotChanged(t *testing.T) {
	ctx := context.Background()
	theirs := func(data map[string][]byte) *fake.Clientset {
		return fake.NewClientset(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "todo-credentials"}, Data: data})
	}
	for name, c := range map[string]struct {
		has   map[string][]byte
		extra map[string]string
		wants string
	}{
		"missing keys":           {map[string][]byte{"theirs": []byte("kept"), "auth-secret": nil}, nil, "auth-secret, database-password"},
		"key with another value": {map[string][]byte{"auth-secret": []byte("a"), "database-password": []byte("b"), "key": []byte("x")}, map[string]string{"key": "y"}, "key"},
		"complete":               {map[string][]byte{"auth-secret": []byte("a"), "database-password": []byte("b")}, nil, ""},
		"key to remove":          {map[string][]byte{"auth-secret": []byte("a"), "database-password": []byte("b"), "key": []byte("x")}, map[string]string{"key": ""}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			client := theirs(c.has)
			stale, err := EnsureCredentials(ctx, client, "ns", "todo-credentials", wantedKeys, c.extra)
			assert.False(t, stale)
			for _, action := range client.Actions() {
				assert.Equal(t, "get", action.GetVerb())
			}
			if c.wants == "" {
				require.NoError(t, err)
				return
			}
			foreign, ok := errors.AsType[*ForeignCredentials](err)
			require.True(t, ok, "%v", err)
			assert.ErrorContains(t, err, "a deploy needs "+c.wants+" in it")
			assert.ErrorContains(t, foreign, "-adopt")

			require.NoError(t, AdoptCredentials(ctx, client, "ns", "todo-credentials"))
			stale, err = EnsureCredentials(ctx, client, "ns", "todo-credentials", wantedKeys, c.extra)
			require.NoError(t, err)
			assert.True(t, stale)
			for key, value := range c.has {
				if len(value) > 0 && c.extra[key] == "" {
					assert.Equal(t, value, secretData(t, client)[key])
				}
			}
		})
	}
	require.NoError(t, AdoptCredentials(ctx, fake.NewClientset(), "ns", "todo-credentials"), "a missing Secret is not an error")
}
