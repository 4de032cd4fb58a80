package cluster

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// enforcers are the DaemonSets of network plugins that hold pods to
// NetworkPolicies. kindnet does since kind 0.24; the plain bridge of a made node
// and of Minikube does not.
var enforcers = []string{"antrea-agent", "calico-node", "canal", "cilium", "kindnet", "kube-network-policies", "kube-router", "weave-net"}

// policyEnforcer names what holds pods to NetworkPolicies; "" where nothing does
// that is known.
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
