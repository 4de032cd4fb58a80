package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/kubernetes"

	"todo-chatbot/mage/kube"
)

const defaultClassKey = "storageclass.kubernetes.io/is-default-class"

// look lists in words what of a part of the cluster is not ready yet.
type look func(ctx context.Context, client kubernetes.Interface, since time.Time) ([]string, error)

// installable is what a release can be installed on, and whole what it can also
// run on, once its pods ask for each other by name.
var (
	installable = []look{nodesNotReady, accountMissing, storageMissing}
	whole       = []look{nodesNotReady, dnsNotReady, accountMissing, storageMissing, podsStale, workloadsStale}
)

// permitted are looks by somebody who need not be the cluster's administrator:
// what they may not see is not waited for, and is its keeper's to see to.
func permitted(looks []look) []look {
	out := make([]look, len(looks))
	for i, one := range looks {
		out[i] = func(ctx context.Context, client kubernetes.Interface, since time.Time) ([]string, error) {
			words, err := one(ctx, client, since)
			if apierrors.IsForbidden(err) {
				return nil, nil
			}
			return words, err
		}
	}
	return out
}

// waitReady waits until nothing that looks see is missing: nodes ready, cluster DNS
// serving, the default service account and a default storage class there. What
// was last reported before since is not believed: after a restart of a node the
// API server still holds the state from before. A zero since believes all.
func waitReady(ctx context.Context, client kubernetes.Interface, since time.Time, bound time.Duration, looks []look, say func(format string, args ...any)) error {
	err := poll(bound).Until(ctx, func(ctx context.Context) error {
		missing := notReady(ctx, client, since, looks)
		if len(missing) == 0 {
			return nil
		}
		say("waiting: %s", missing[0])
		return errors.New(strings.Join(missing, "; "))
	})
	if err != nil {
		return fmt.Errorf("wait for the cluster to be ready: %w", err)
	}
	return nil
}

// notReady lists in words what is not ready yet.
func notReady(ctx context.Context, client kubernetes.Interface, since time.Time, looks []look) []string {
	var missing []string
	for _, look := range looks {
		words, err := look(ctx, client, since)
		if err != nil {
			return append(missing, err.Error())
		}
		missing = append(missing, words...)
	}
	return missing
}

func nodesNotReady(ctx context.Context, client kubernetes.Interface, since time.Time) ([]string, error) {
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	if len(nodes.Items) == 0 {
		return []string{"no node has registered"}, nil
	}
	var words []string
	for _, node := range nodes.Items {
		if why := nodeNotReady(&node); why != "" {
			words = append(words, fmt.Sprintf("node %q is not ready: %s", node.Name, why))
			continue
		}
		if since.IsZero() {
			continue
		}
		lease, err := client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(ctx, node.Name, metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("read the lease of node %q: %w", node.Name, err)
		}
		if err != nil || lease.Spec.RenewTime == nil || lease.Spec.RenewTime.Time.Before(since) {
			words = append(words, fmt.Sprintf("node %q has not reported since its restart", node.Name))
		}
	}
	return words, nil
}

func nodeNotReady(node *corev1.Node) string {
	for _, c := range node.Status.Conditions {
		if c.Type != corev1.NodeReady {
			continue
		}
		if c.Status == corev1.ConditionTrue {
			return ""
		}
		return strings.TrimSpace(c.Reason + " " + c.Message)
	}
	return "it has not said so yet"
}

func dnsNotReady(ctx context.Context, client kubernetes.Interface, since time.Time) ([]string, error) {
	pods, err := client.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{LabelSelector: "k8s-app=kube-dns"})
	if err != nil {
		return nil, fmt.Errorf("list the pods of CoreDNS: %w", err)
	}
	if len(pods.Items) == 0 {
		return []string{"CoreDNS has no pod yet"}, nil
	}
	why := ""
	for _, pod := range pods.Items {
		if why = podNotReady(&pod, since); why == "" {
			return nil, nil // one answers; the others are for the case that it stops
		}
	}
	return []string{"CoreDNS: " + why}, nil
}

// fitDNS fits CoreDNS to a cluster of one node: one pod, asked every second
// whether it is ready. By kubeadm's ten seconds, its first answer, which is
// always no, holds up a new cluster for ten.
func fitDNS(ctx context.Context, client kubernetes.Interface) error {
	patch := `{"spec":{"replicas":1,"template":{"spec":{"containers":[{"name":"coredns","readinessProbe":{"periodSeconds":1}}]}}}}`
	_, err := client.AppsV1().Deployments(metav1.NamespaceSystem).Patch(ctx, "coredns", types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: userAgent})
	if err != nil {
		return fmt.Errorf("fit CoreDNS to one node: %w", err)
	}
	return nil
}

// diskPressure is an error on a cluster whose node has nearly no disk left: it
// refuses pods and evicts those that it has.
type diskPressure struct {
	node  string
	cause error
}

func (p *diskPressure) Error() string {
	return fmt.Sprintf("%v: node %q is under disk pressure", p.cause, p.node)
}

func (p *diskPressure) Unwrap() error { return p.cause }

// blamePressure looks, after an error, whether a node is under disk pressure.
func blamePressure(ctx context.Context, client kubernetes.Interface, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, pollTry)
	defer cancel()
	nodes, failed := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if failed != nil {
		return err
	}
	for _, node := range nodes.Items {
		for _, c := range node.Status.Conditions {
			if c.Type == corev1.NodeDiskPressure && c.Status == corev1.ConditionTrue {
				return &diskPressure{node: node.Name, cause: err}
			}
		}
	}
	return err
}

func accountMissing(ctx context.Context, client kubernetes.Interface, _ time.Time) ([]string, error) {
	_, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return []string{"the default service account is not there yet"}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the default service account: %w", err)
	}
	return nil, nil
}

func storageMissing(ctx context.Context, client kubernetes.Interface, _ time.Time) ([]string, error) {
	classes, err := client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list storage classes: %w", err)
	}
	for _, class := range classes.Items {
		if class.Annotations[defaultClassKey] == "true" {
			return nil, nil
		}
	}
	return []string{"there is no default storage class"}, nil
}

// podsStale names the pods that the API server still calls ready from before
// since: whoever asks for a workload's state now would be told a lie.
func podsStale(ctx context.Context, client kubernetes.Interface, since time.Time) ([]string, error) {
	if since.IsZero() {
		return nil, nil
	}
	pods, err := client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	since = since.Truncate(time.Second) // the API gives whole seconds
	var words []string
	for _, pod := range pods.Items {
		for _, c := range pod.Status.ContainerStatuses {
			dns := pod.Labels["k8s-app"] == "kube-dns" // has its own row
			if !dns && c.Ready && c.State.Running != nil && c.State.Running.StartedAt.Time.Before(since) {
				words = append(words, fmt.Sprintf("pod %q is reported as it was before the node's restart", pod.Namespace+"/"+pod.Name))
				break
			}
		}
	}
	return words, nil
}

// workloadsStale names the workloads that count more ready pods than there are.
// After a restart their controllers say nothing until one of them leads again,
// which takes as long as the lease of the last leader.
func workloadsStale(ctx context.Context, client kubernetes.Interface, since time.Time) ([]string, error) {
	if since.IsZero() {
		return nil, nil
	}
	pods, err := client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	deployments, err := client.AppsV1().Deployments(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list Deployments: %w", err)
	}
	sets, err := client.AppsV1().StatefulSets(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list StatefulSets: %w", err)
	}
	var words []string
	check := func(kind, namespace, name string, claimed int32, selector *metav1.LabelSelector) {
		if ready := readyPods(pods.Items, namespace, selector); claimed > ready {
			words = append(words, fmt.Sprintf("%s %q still counts %d ready pods where %d are", kind, namespace+"/"+name, claimed, ready))
		}
	}
	for _, d := range deployments.Items {
		check("Deployment", d.Namespace, d.Name, d.Status.ReadyReplicas, d.Spec.Selector)
	}
	for _, s := range sets.Items {
		check("StatefulSet", s.Namespace, s.Name, s.Status.ReadyReplicas, s.Spec.Selector)
	}
	return words, nil
}

func readyPods(pods []corev1.Pod, namespace string, wanted *metav1.LabelSelector) (n int32) {
	selector, err := metav1.LabelSelectorAsSelector(wanted)
	if err != nil {
		return 0 // the API server takes no such selector
	}
	for _, pod := range pods {
		if pod.Namespace == namespace && selector.Matches(labels.Set(pod.Labels)) && kube.PodReady(&pod) {
			n++
		}
	}
	return n
}

// podNotReady says why a pod is not ready, or "". A pod whose containers were
// started before since does not count as ready.
func podNotReady(pod *corev1.Pod, since time.Time) string {
	for _, c := range pod.Status.ContainerStatuses {
		if w := c.State.Waiting; w != nil && w.Reason != "" && w.Reason != "ContainerCreating" {
			return strings.TrimSpace(fmt.Sprintf("pod %q: %s %s", pod.Name, w.Reason, w.Message))
		}
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return strings.TrimSpace(fmt.Sprintf("pod %q: %s %s", pod.Name, c.Reason, c.Message))
		}
	}
	if !kube.PodReady(pod) || pod.DeletionTimestamp != nil {
		return fmt.Sprintf("pod %q is not ready (%s)", pod.Name, pod.Status.Phase)
	}
	if since.IsZero() {
		return ""
	}
	since = since.Truncate(time.Second) // the API gives whole seconds
	for _, c := range pod.Status.ContainerStatuses {
		if c.State.Running == nil || c.State.Running.StartedAt.Time.Before(since) {
			return fmt.Sprintf("pod %q has not started again since the node's restart", pod.Name)
		}
	}
	return ""
}

// serverVersion asks the API server for its version.
func serverVersion(ctx context.Context, client kubernetes.Interface) (string, error) {
	body, err := client.Discovery().RESTClient().Get().AbsPath("/version").DoRaw(ctx)
	if err != nil {
		return "", fmt.Errorf("ask the API server for its version: %w", err)
	}
	var info version.Info
	if err := json.Unmarshal(body, &info); err != nil {
		return "", fmt.Errorf("ask the API server for its version: %w", err)
	}
	return info.GitVersion, nil
}
