package cluster

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// enforcers are the DaemonSets of the network plugins that enforce NetworkPolicies.
// kindnet enforces them since kind 0.24; the bridge of a locally made node image
// and of Minikube does not.
var enforcers = []string{"antrea-agent", "calico-node", "canal", "cilium", "kindnet", "kube-network-policies", "kube-router", "weave-net"}

// policyEnforcer names the component that enforces NetworkPolicies, or returns ""
// where it finds none.
func policyEnforcer(ctx context.Context, client kubernetes.Interface) (string, error) {
	sets, err := client.AppsV1().DaemonSets(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", fmt.Errorf("list DaemonSets: %w", err)
	}
	for _, set := range sets.Items {
		if slices.Contains(enforcers, set.Name) {
			return set.Name, nil
		}
	}
	return "", nil
}
