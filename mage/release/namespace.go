package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

const podSecurityLabel = "pod-security.kubernetes.io/enforce"

// EnsureNamespace makes a namespace whose pods must keep to Pod Security
// "restricted", labelled as this package's own. One that exists gets only the
// labels that it does not have, and is not taken as its own; one that is being
// deleted is waited for until ctx ends. created says whether it was made.
func EnsureNamespace(ctx context.Context, client kubernetes.Interface, name string, labels map[string]string) (created bool, err error) {
	wanted := map[string]string{podSecurityLabel: "restricted"}
	for key, value := range labels {
		wanted[key] = value
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		created, again, err := tryNamespace(ctx, client, name, wanted)
		if !again {
			if err != nil {
				return false, fmt.Errorf("namespace %q: %w", name, err)
			}
			return created, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false, fmt.Errorf("namespace %q: %w", name, errors.Join(context.Cause(ctx), err))
		}
	}
}

func tryNamespace(ctx context.Context, client kubernetes.Interface, name string, wanted map[string]string) (created, again bool, err error) {
	api := client.CoreV1().Namespaces()
	ns, err := api.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		made := map[string]string{managedByLabel: managedBy}
		for key, value := range wanted {
			made[key] = value
		}
		_, err = api.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: made}}, metav1.CreateOptions{})
		return err == nil, apierrors.IsAlreadyExists(err), err
	case err != nil:
		return false, false, err
	case ns.DeletionTimestamp != nil || ns.Status.Phase == corev1.NamespaceTerminating:
		return false, true, errors.New("it is still being deleted")
	}
	missing := map[string]string{}
	for key, value := range wanted {
		if _, there := ns.Labels[key]; !there {
			missing[key] = value
		}
	}
	if len(missing) == 0 {
		return false, false, nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": missing}})
	if err != nil {
		return false, false, err
	}
	_, err = api.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
	return false, false, err
}

// DeleteNamespace deletes a namespace that EnsureNamespace made, and no other.
// It does not wait until it is gone.
func DeleteNamespace(ctx context.Context, client kubernetes.Interface, name string) (removed bool, err error) {
	api := client.CoreV1().Namespaces()
	ns, err := api.Get(ctx, name, metav1.GetOptions{})
	if err == nil && ns.Labels[managedByLabel] != managedBy {
		return false, nil
	}
	if err == nil {
		err = api.Delete(ctx, name, *metav1.NewPreconditionDeleteOptions(string(ns.UID)))
	}
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("delete namespace %q: %w", name, err)
	}
	return true, nil
}
