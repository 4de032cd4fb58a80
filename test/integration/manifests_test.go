package integration

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"

	"todo-chatbot/mage/kube"
)

// manifests applies and deletes YAML manifests, as kubectl apply -f and delete -f do.
type manifests struct{ clients *kube.Clients }

func (f *fixture) manifests(t *testing.T) manifests {
	t.Helper()
	return manifests{f.clients(t)}
}

// apply applies all objects of text. The API server knows the kinds of a new
// definition after a moment.
func (m manifests) apply(t *testing.T, text []byte) {
	t.Helper()
	for _, one := range objects(t, text) {
		var client dynamic.ResourceInterface
		eventually(t, 30*time.Second, func(context.Context) (err error) {
			client, err = m.client(one)
			return err
		})
		_, err := client.Apply(t.Context(), one.GetName(), one, metav1.ApplyOptions{FieldManager: "integration", Force: true})
		require.NoError(t, err, "%s %s", one.GetKind(), one.GetName())
	}
}

// remove deletes all objects of text, the last one first, and waits until they are gone.
func (m manifests) remove(t *testing.T, text []byte) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	foreground := metav1.DeletePropagationForeground
	all := objects(t, text)
	slices.Reverse(all)
	for _, one := range all {
		client, err := m.client(one)
		require.NoError(t, err, "%s %s", one.GetKind(), one.GetName())
		err = client.Delete(ctx, one.GetName(), metav1.DeleteOptions{PropagationPolicy: &foreground})
		require.True(t, err == nil || apierrors.IsNotFound(err), "%s %s: %v", one.GetKind(), one.GetName(), err)
	}
	for _, one := range all {
		require.Eventually(t, func() bool { return !m.exists(ctx, one) }, 2*time.Minute, 200*time.Millisecond,
			"%s %s does not go away", one.GetKind(), one.GetName())
	}
}

func (m manifests) exists(ctx context.Context, one *unstructured.Unstructured) bool {
	client, err := m.client(one)
	if err == nil {
		_, err = client.Get(ctx, one.GetName(), metav1.GetOptions{})
	}
	return !apierrors.IsNotFound(err) && !meta.IsNoMatchError(err)
}

// client returns the client for the kind and namespace of one.
func (m manifests) client(one *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	kind := one.GroupVersionKind()
	mapping, err := m.clients.Mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		meta.MaybeResetRESTMapper(m.clients.Mapper) // the next try asks the API server again
		return nil, err
	}
	if one.GetNamespace() == "" {
		return m.clients.Dynamic.Resource(mapping.Resource), nil
	}
	return m.clients.Dynamic.Resource(mapping.Resource).Namespace(one.GetNamespace()), nil
}

func objects(t *testing.T, text []byte) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	for decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096); ; {
		one := &unstructured.Unstructured{}
		err := decoder.Decode(one)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		if len(one.Object) > 0 {
			all = append(all, one)
		}
	}
}
