package cluster

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"
)

func TestPolicyEnforcerIsFoundByItsDaemonSet(t *testing.T) {
	set := func(namespace, name string) runtime.Object {
		return &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	}
	for want, objects := range map[string][]runtime.Object{
		"":            {set("kube-system", "kube-proxy"), set("kube-system", "registry-proxy")},
		"kindnet":     {set("kube-system", "kube-proxy"), set("kube-system", "kindnet")},
		"calico-node": {set("calico-system", "calico-node")},
	} {
		got, err := policyEnforcer(t.Context(), fake.NewClientset(objects...))
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	refused := fake.NewClientset()
	refused.PrependReactor("list", "daemonsets", func(ktesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("forbidden") })
	_, err := policyEnforcer(t.Context(), refused)
	assert.EqualError(t, err, "list DaemonSets: forbidden")
}
