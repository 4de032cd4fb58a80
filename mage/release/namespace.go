package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"todo-chatbot/mage/kube"
)

const podSecurityLabel = "pod-security.kubernetes.io/enforce"

// Namespace is the result of EnsureNamespace.
type Namespace struct {
	Name    string
	Created bool
	// Missing are the wanted labels that a foreign namespace does not have. They were
	// not set.
	Missing map[string]string
	// Unseen says why the namespace could not be read: the user is not permitted to.
	// It is assumed to exist, and the next request shows whether it does.
	Unseen error
}

// LabelCommand is the command that sets the missing labels.
func (n Namespace) LabelCommand() string {
	words := []string{"kubectl", "label", "namespace", n.Name}
	for _, key := range slices.Sorted(maps.Keys(n.Missing)) {
		words = append(words, key+"="+n.Missing[key])
	}
	return strings.Join(words, " ")
}

// EnsureNamespace creates a namespace with Pod Security "restricted" and the label of
// this pipeline. If this pipeline created the namespace before, it gets the labels
// that are missing. A foreign namespace is not changed, since it may have pods that
// would not start again under "restricted". EnsureNamespace waits, until ctx ends,
// for a namespace that is being deleted.
func EnsureNamespace(ctx context.Context, client kubernetes.Interface, name string, labels map[string]string) (Namespace, error) {
	wanted := map[string]string{podSecurityLabel: "restricted"}
	for key, value := range labels {
		wanted[key] = value
	}
	var found Namespace
	err := kube.Poll{}.Until(ctx, func(ctx context.Context) (err error) {
		found, err = tryNamespace(ctx, client, name, wanted)
		if errors.Is(err, errTerminating) || apierrors.IsAlreadyExists(err) {
			return err
		}
		return kube.Stop(err)
	})
	if err != nil {
		return Namespace{}, fmt.Errorf("prepare namespace %q: %w", name, err)
	}
	return found, nil
}

var errTerminating = errors.New("it is still being deleted")

func tryNamespace(ctx context.Context, client kubernetes.Interface, name string, wanted map[string]string) (found Namespace, err error) {
	api := client.CoreV1().Namespaces()
	found.Name = name
	ns, err := api.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		made := map[string]string{managedByLabel: managedBy}
		maps.Copy(made, wanted)
		_, err = api.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: made}}, metav1.CreateOptions{})
		if apierrors.IsForbidden(err) {
			return found, fmt.Errorf("it does not exist, and you are not permitted to create it: ask for it (kubectl create namespace %s), or name an existing one in TODO_NAMESPACE: %w", name, err)
		}
		found.Created = err == nil
		return found, err
	case apierrors.IsForbidden(err):
		found.Unseen = err
		return found, nil
	case err != nil:
		return found, err
	case ns.DeletionTimestamp != nil || ns.Status.Phase == corev1.NamespaceTerminating:
		return found, errTerminating
	}
	missing := map[string]string{}
	for key, value := range wanted {
		if _, there := ns.Labels[key]; !there {
			missing[key] = value
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	if ns.Labels[managedByLabel] != managedBy {
		found.Missing = missing
		return found, nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": missing}})
	if err != nil {
		return found, err
	}
	_, err = api.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
	return found, err
}
