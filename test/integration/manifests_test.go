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
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// manifests puts what YAML describes into the cluster, and takes it out again,
// as kubectl does with a file.
type manifests struct {
	dynamic dynamic.Interface
	mapper  *restmapper.DeferredDiscoveryRESTMapper
}

func (l *life) manifests(t *testing.T) manifests {
	t.Helper()
	config := l.config(t)
	resources, err := dynamic.NewForConfig(config)
	require.NoError(t, err)
	found, err := discovery.NewDiscoveryClientForConfig(config)
	require.NoError(t, err)
	return manifests{resources, restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(found))}
}

// apply puts all of it there; what a definition in it defines may take a moment
// to be known.
func (m manifests) apply(t *testing.T, text []byte) {
	t.Helper()
	for _, one := range objects(t, text) {
		var client dynamic.ResourceInterface
		var err error
		require.Eventually(t, func() bool {
			client, err = m.client(one)
			return err == nil
		}, 30*time.Second, 200*time.Millisecond, "%s: %v", one.GetKind(), err)
		_, err = client.Apply(t.Context(), one.GetName(), one, metav1.ApplyOptions{FieldManager: "integration", Force: true})
		require.NoError(t, err, "%s %s", one.GetKind(), one.GetName())
	}
}

// remove takes it all out, the last first, and waits until it is gone.
func (m manifests) remove(t *testing.T, text []byte) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	behind := metav1.DeletePropagationForeground
	all := objects(t, text)
	slices.Reverse(all)
	for _, one := range all {
		client, err := m.client(one)
		require.NoError(t, err, "%s %s", one.GetKind(), one.GetName())
		err = client.Delete(ctx, one.GetName(), metav1.DeleteOptions{PropagationPolicy: &behind})
		require.True(t, err == nil || apierrors.IsNotFound(err), "%s %s: %v", one.GetKind(), one.GetName(), err)
	}
	for _, one := range all {
		require.Eventually(t, func() bool { return !m.there(ctx, one) }, 2*time.Minute, 200*time.Millisecond,
			"%s %s does not go away", one.GetKind(), one.GetName())
	}
}

func (m manifests) there(ctx context.Context, one *unstructured.Unstructured) bool {
	client, err := m.client(one)
	if err == nil {
		_, err = client.Get(ctx, one.GetName(), metav1.GetOptions{})
	}
	return !apierrors.IsNotFound(err) && !meta.IsNoMatchError(err)
}

// client is for objects of one's kind, in its namespace if it has one.
func (m manifests) client(one *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	kind := one.GroupVersionKind()
	mapping, err := m.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		m.mapper.Reset() // it may be known by the next time
		return nil, err
	}
	if one.GetNamespace() == "" {
		return m.dynamic.Resource(mapping.Resource), nil
	}
	return m.dynamic.Resource(mapping.Resource).Namespace(one.GetNamespace()), nil
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
