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

// check returns a message for each part of the cluster that is not ready. It does
// not trust reports from before since.
type check func(ctx context.Context, client kubernetes.Interface, since time.Time) ([]string, error)

// installable are the checks that a release needs to be installed, and complete
// those that it needs to run: its pods find each other through DNS.
var (
	installable = []check{nodesNotReady, accountMissing, storageMissing}
	complete    = []check{nodesNotReady, dnsNotReady, accountMissing, storageMissing, podsStale, workloadsStale}
)

// existing returns the checks of a cluster that somebody else operates. It need not
// have a default storage class, because the values can name another class.
func existing() []check {
	return permitted([]check{nodesNotReady, dnsNotReady, accountMissing, allStorageMissing, podsStale, workloadsStale})
}

// permitted returns checks that ignore what this user may not read, because the
// user of an existing cluster need not be its administrator.
func permitted(checks []check) []check {
	out := make([]check, len(checks))
	for i, one := range checks {
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

// waitReady waits until all checks pass. It does not trust reports from before
// since: after a restart of a node, the API server still has the state from before
// the restart. A zero since trusts all reports.
func waitReady(ctx context.Context, client kubernetes.Interface, since time.Time, bound time.Duration, checks []check, say func(format string, args ...any)) error {
	err := poll(bound).Until(ctx, func(ctx context.Context) error {
		missing := notReady(ctx, client, since, checks)
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

// notReady returns the messages of the checks, up to the first error.
func notReady(ctx context.Context, client kubernetes.Interface, since time.Time, checks []check) []string {
	var missing []string
	for _, check := range checks {
		words, err := check(ctx, client, since)
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
	return "it has not reported its state yet"
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
			return nil, nil // one ready pod is enough; the others are replicas
		}
	}
	return []string{"CoreDNS: " + why}, nil
}

// tuneDNS gives CoreDNS one pod, with a readiness probe every second. The first
// probe always fails, so that kubeadm's interval of ten seconds delays a new
// cluster by ten seconds.
func tuneDNS(ctx context.Context, client kubernetes.Interface) error {
	patch := `{"spec":{"replicas":1,"template":{"spec":{"containers":[{"name":"coredns","readinessProbe":{"periodSeconds":1}}]}}}}`
	_, err := client.AppsV1().Deployments(metav1.NamespaceSystem).Patch(ctx, "coredns", types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: userAgent})
	if err != nil {
		return fmt.Errorf("change the Deployment of CoreDNS: %w", err)
	}
	return nil
}

// diskPressure is an error on a cluster whose node has little free disk, so that it
// refuses and evicts pods.
type diskPressure struct {
	node  string
	cause error
}

func (p *diskPressure) Error() string {
	return fmt.Sprintf("%v: node %q is under disk pressure", p.cause, p.node)
}

func (p *diskPressure) Unwrap() error { return p.cause }

// explainPressure returns err as a diskPressure if a node is under disk pressure.
func explainPressure(ctx context.Context, client kubernetes.Interface, err error) error {
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
		return []string{"the default service account does not exist yet"}, nil
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

func allStorageMissing(ctx context.Context, client kubernetes.Interface, _ time.Time) ([]string, error) {
	classes, err := client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return nil, fmt.Errorf("list storage classes: %w", err)
	}
	if len(classes.Items) == 0 {
		return []string{"there is no storage class"}, nil
	}
	return nil, nil
}

// podsStale reports pods whose readiness is from before since. Until the kubelet
// reports again, the state of their workloads is wrong.
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
			dns := pod.Labels["k8s-app"] == "kube-dns" // dnsNotReady reports it
			if !dns && c.Ready && c.State.Running != nil && c.State.Running.StartedAt.Time.Before(since) {
				words = append(words, fmt.Sprintf("the reported state of pod %q is from before the node's restart", pod.Namespace+"/"+pod.Name))
				break
			}
		}
	}
	return words, nil
}

// workloadsStale reports workloads whose status counts more ready pods than exist.
// After a restart, the status stays until the controller manager is leader again,
// which waits for the old lease to expire.
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
	compare := func(kind, namespace, name string, claimed int32, selector *metav1.LabelSelector) {
		if ready := readyPods(pods.Items, namespace, selector); claimed > ready {
			words = append(words, fmt.Sprintf("the status of %s %q still counts %d ready pods, but %d are ready", kind, namespace+"/"+name, claimed, ready))
		}
	}
	for _, d := range deployments.Items {
		compare("Deployment", d.Namespace, d.Name, d.Status.ReadyReplicas, d.Spec.Selector)
	}
	for _, s := range sets.Items {
		compare("StatefulSet", s.Namespace, s.Name, s.Status.ReadyReplicas, s.Spec.Selector)
	}
	return words, nil
}

func readyPods(pods []corev1.Pod, namespace string, wanted *metav1.LabelSelector) (n int32) {
	selector, err := metav1.LabelSelectorAsSelector(wanted)
	if err != nil {
		return 0 // the API server accepts valid selectors only
	}
	for _, pod := range pods {
		if pod.Namespace == namespace && selector.Matches(labels.Set(pod.Labels)) && kube.PodReady(&pod) {
			n++
		}
	}
	return n
}

// podNotReady returns the reason why a pod is not ready, or "". A pod with a
// container that started before since is not ready.
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
