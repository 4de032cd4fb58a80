package database

import (
	"context"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"todo-chatbot/mage/kube"
)

const (
	// noResize is part of the API server's message (admission
	// PersistentVolumeClaimResize) about a storage class without
	// allowVolumeExpansion. Reading the class itself needs rights on the whole cluster.
	noResize = "must support resize"

	dataClaim = "data" // claim template of the volume in the server's StatefulSet

	// replaceTime bounds the replacement of a StatefulSet whose claim template changes.
	// Ctrl-C does not interrupt it, so that a StatefulSet exists afterwards.
	replaceTime = time.Minute
)

// Volume is the volume with the database's files.
type Volume struct {
	Claim string            // name of the PersistentVolumeClaim
	Bound string            // name of the PersistentVolume
	Asked quantity.Quantity // the size that the claim requests
	Has   quantity.Quantity // the present size of the volume
	set   *appsv1.StatefulSet
	index int // of the claim template in set
}

// Holds reports whether claim, template and volume all have a size.
func (v Volume) Holds(size quantity.Quantity) bool {
	template := v.set.Spec.VolumeClaimTemplates[v.index].Spec.Resources.Requests.Storage()
	return v.Asked.Cmp(size) == 0 && template.Cmp(size) == 0 && v.Has.Cmp(size) >= 0
}

// Smaller is the error for a size below the present one.
type Smaller struct {
	Claim     string
	From, To  quantity.Quantity
	Namespace string
}

func (s *Smaller) Error() string {
	return fmt.Sprintf("resize volume claim %q of namespace %q (nothing was changed): it has %s, and a volume cannot become smaller; set postgresql.persistence.size to %s or more",
		s.Claim, s.Namespace, &s.From, &s.From)
}

// Fixed is the error for a storage class that does not allow expansion. Nothing was
// changed.
type Fixed struct {
	Volume Volume
	Cause  error // the API server's error
}

func (f *Fixed) Error() string {
	return fmt.Sprintf("enlarge volume claim %q: its storage class does not allow expansion: %v", f.Volume.Claim, f.Cause)
}

// Unwrap returns the API server's error.
func (f *Fixed) Unwrap() error { return f.Cause }

// Data finds the volume of the server.
func (d *Database) Data(ctx context.Context) (Volume, error) {
	sets, err := d.client.AppsV1().StatefulSets(d.namespace).List(ctx, metav1.ListOptions{LabelSelector: d.selector(serverName)})
	if err != nil {
		return Volume{}, fmt.Errorf("look for the database of release %q: %w", d.release, err)
	}
	for i := range sets.Items {
		set := &sets.Items[i]
		for index, template := range set.Spec.VolumeClaimTemplates {
			if template.Name != dataClaim {
				continue
			}
			v := Volume{Claim: template.Name + "-" + set.Name + "-0", set: set, index: index}
			claim, err := d.client.CoreV1().PersistentVolumeClaims(d.namespace).Get(ctx, v.Claim, metav1.GetOptions{})
			if err != nil {
				return Volume{}, fmt.Errorf("look for the database's volume: %w", err)
			}
			v.Bound, v.Asked, v.Has = claim.Spec.VolumeName, *claim.Spec.Resources.Requests.Storage(), *claim.Status.Capacity.Storage()
			return v, nil
		}
	}
	return Volume{}, &Absent{Namespace: d.namespace, Release: d.release}
}

// Enlarge requests a larger size for the volume claim, and replaces the StatefulSet
// with one that requests the same size. The server keeps running: the new
// StatefulSet adopts its pod. Enlarge changes nothing if the volume cannot grow
// (*Fixed) or would become smaller (*Smaller), and it continues after an earlier run
// that was stopped. Grown waits for the new size.
func (d *Database) Enlarge(ctx context.Context, v Volume, size quantity.Quantity) error {
	if size.Cmp(v.Asked) < 0 {
		return &Smaller{Claim: v.Claim, From: v.Asked, To: size, Namespace: d.namespace}
	}
	if size.Cmp(v.Asked) > 0 {
		if err := d.claim(ctx, v, size, metav1.DryRunAll); err != nil {
			return err
		}
		if err := d.claim(ctx, v, size); err != nil {
			return err
		}
	}
	return d.exchange(ctx, v, size)
}

// claim requests a size for the volume claim. With metav1.DryRunAll it only checks the
// request.
func (d *Database) claim(ctx context.Context, v Volume, size quantity.Quantity, dryRun ...string) error {
	patch := fmt.Appendf(nil, `{"spec":{"resources":{"requests":{"storage":%q}}}}`, size.String())
	_, err := d.client.CoreV1().PersistentVolumeClaims(d.namespace).Patch(ctx, v.Claim, types.MergePatchType, patch, metav1.PatchOptions{DryRun: dryRun})
	if apierrors.IsForbidden(err) && strings.Contains(err.Error(), noResize) {
		return &Fixed{Volume: v, Cause: err}
	}
	if err != nil {
		return fmt.Errorf("request %s for volume claim %q: %w", &size, v.Claim, err)
	}
	return nil
}

// exchange replaces the StatefulSet, because its claim templates cannot be changed.
// Its pod keeps running without an owner for a moment.
func (d *Database) exchange(ctx context.Context, v Volume, size quantity.Quantity) error {
	if v.set.Spec.VolumeClaimTemplates[v.index].Spec.Resources.Requests.Storage().Cmp(size) == 0 {
		return nil
	}
	fresh, cancel := context.WithTimeout(context.WithoutCancel(ctx), replaceTime)
	defer cancel()
	api := d.client.AppsV1().StatefulSets(d.namespace)
	orphans := metav1.DeletePropagationOrphan
	err := api.Delete(fresh, v.set.Name, metav1.DeleteOptions{PropagationPolicy: &orphans, Preconditions: metav1.NewUIDPreconditions(string(v.set.UID))})
	if err == nil {
		err = d.gone(fresh, v.set.Name)
	}
	if err == nil {
		_, err = api.Create(fresh, resized(v.set, v.index, size), metav1.CreateOptions{})
	}
	if err != nil {
		return fmt.Errorf("replace statefulset %q to request a volume of %s (its pod and data stay, and a deploy creates it too): %w", v.set.Name, &size, err)
	}
	return nil
}

// resized returns a copy of a StatefulSet to be created with another volume size.
func resized(set *appsv1.StatefulSet, index int, size quantity.Quantity) *appsv1.StatefulSet {
	fresh := set.DeepCopy()
	fresh.ObjectMeta = metav1.ObjectMeta{Name: set.Name, Namespace: set.Namespace, Labels: set.Labels, Annotations: set.Annotations}
	fresh.Status = appsv1.StatefulSetStatus{}
	requests := &fresh.Spec.VolumeClaimTemplates[index].Spec.Resources.Requests
	if *requests == nil {
		*requests = corev1.ResourceList{}
	}
	(*requests)[corev1.ResourceStorage] = size
	return fresh
}

// gone waits until a StatefulSet is deleted.
func (d *Database) gone(ctx context.Context, set string) error {
	return kube.Poll{}.Until(ctx, func(ctx context.Context) error {
		_, err := d.client.AppsV1().StatefulSets(d.namespace).Get(ctx, set, metav1.GetOptions{})
		return deleted(err, "statefulset", set)
	})
}

// deleted turns the error of a Get into nil if the object does not exist, and into an
// error if it still exists.
func deleted(err error, kind, name string) error {
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err == nil:
		return fmt.Errorf("%s %q is still being deleted", kind, name)
	}
	return err
}

// Grown waits until the volume has the requested size.
func (d *Database) Grown(ctx context.Context, v Volume, size quantity.Quantity) error {
	err := kube.Poll{}.Until(ctx, func(ctx context.Context) error {
		claim, err := d.client.CoreV1().PersistentVolumeClaims(d.namespace).Get(ctx, v.Claim, metav1.GetOptions{})
		if err != nil {
			return err
		}
		has := claim.Status.Capacity.Storage()
		if has.Cmp(size) >= 0 {
			return nil
		}
		for _, c := range claim.Status.Conditions {
			if c.Type == corev1.PersistentVolumeClaimFileSystemResizePending {
				return fmt.Errorf("it has %s, and its file system grows when the server's pod restarts: `kubectl -n %s delete pod %s-0`", has, d.namespace, v.set.Name)
			}
		}
		return fmt.Errorf("it has %s", has)
	})
	if err != nil {
		return fmt.Errorf("wait until volume claim %q has %s: %w", v.Claim, &size, err)
	}
	return nil
}
