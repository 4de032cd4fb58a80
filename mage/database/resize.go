package database

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// noResize is what the API server's admission (PersistentVolumeClaimResize) says
	// of a storage class without allowVolumeExpansion. The class itself can be read
	// with rights on the whole cluster alone.
	noResize = "must support resize"

	dataClaim = "data" // template of the volume's claim in the server's StatefulSet

	// replaceTime bounds the exchange of a StatefulSet by one of another claim
	// template. It is not cut short by Ctrl-C, so that one of the two is there.
	replaceTime = time.Minute
)

// Volume is where the database's files are.
type Volume struct {
	Claim string            // name of the PersistentVolumeClaim
	Bound string            // name of the PersistentVolume
	Asked quantity.Quantity // by the claim
	Has   quantity.Quantity // what the volume has become
	set   *appsv1.StatefulSet
	index int // of the claim's template in set
}

// Holds says whether nothing is left to do for a size.
func (v Volume) Holds(size quantity.Quantity) bool {
	template := v.set.Spec.VolumeClaimTemplates[v.index].Spec.Resources.Requests.Storage()
	return v.Asked.Cmp(size) == 0 && template.Cmp(size) == 0 && v.Has.Cmp(size) >= 0
}

// Smaller says that a volume would lose room, which no volume can.
type Smaller struct {
	Claim     string
	From, To  quantity.Quantity
	Namespace string
}

func (s *Smaller) Error() string {
	return fmt.Sprintf("volume claim %q of namespace %q has %s, and a volume cannot become smaller: set postgresql.persistence.size to %s or more; nothing was changed",
		s.Claim, s.Namespace, &s.From, &s.From)
}

// Fixed says that a volume's storage class does not let it grow. Nothing was changed.
type Fixed struct {
	Volume Volume
	Cause  error // in the API server's words
}

func (f *Fixed) Error() string {
	return fmt.Sprintf("the storage class of volume claim %q does not let it grow: %v", f.Volume.Claim, f.Cause)
}

// Unwrap gives the API server's error.
func (f *Fixed) Unwrap() error { return f.Cause }

// Data finds the volume of the release's server.
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

// Enlarge asks for more room in the volume, and exchanges the StatefulSet by one
// that asks for as much. The server runs on meanwhile: its pod is not touched,
// and the new StatefulSet adopts it. It changes nothing where the volume cannot
// grow (*Fixed), or would become smaller (*Smaller), and goes on where an earlier
// run was stopped. Grown tells when the room is there.
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

// claim asks for room in the volume, or only whether it may be asked for.
func (d *Database) claim(ctx context.Context, v Volume, size quantity.Quantity, dryRun ...string) error {
	patch := fmt.Appendf(nil, `{"spec":{"resources":{"requests":{"storage":%q}}}}`, size.String())
	_, err := d.client.CoreV1().PersistentVolumeClaims(d.namespace).Patch(ctx, v.Claim, types.MergePatchType, patch, metav1.PatchOptions{DryRun: dryRun})
	if apierrors.IsForbidden(err) && strings.Contains(err.Error(), noResize) {
		return &Fixed{Volume: v, Cause: err}
	}
	if err != nil {
		return fmt.Errorf("ask for %s in volume claim %q: %w", &size, v.Claim, err)
	}
	return nil
}

// exchange replaces the StatefulSet, whose claim templates cannot be changed. Its
// pod stays, as an orphan for a moment.
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
		return fmt.Errorf("exchange statefulset %q for one with a volume of %s (its pod and its data stay; a deploy makes it too): %w", v.set.Name, &size, err)
	}
	return nil
}

// resized is a StatefulSet to be made in the place of another.
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
	return d.until(ctx, func() (bool, error) {
		_, err := d.client.AppsV1().StatefulSets(d.namespace).Get(ctx, set, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		return false, errors.Join(errors.New("it is still being deleted"), err)
	})
}

// Grown waits until the volume has the room that was asked for.
func (d *Database) Grown(ctx context.Context, v Volume, size quantity.Quantity) error {
	err := d.until(ctx, func() (bool, error) {
		claim, err := d.client.CoreV1().PersistentVolumeClaims(d.namespace).Get(ctx, v.Claim, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		has := claim.Status.Capacity.Storage()
		if has.Cmp(size) >= 0 {
			return true, nil
		}
		for _, c := range claim.Status.Conditions {
			if c.Type == corev1.PersistentVolumeClaimFileSystemResizePending {
				return false, fmt.Errorf("it has %s, and its file system grows when the server's pod starts again: `kubectl -n %s delete pod %s-0` does that", has, d.namespace, v.set.Name)
			}
		}
		return false, fmt.Errorf("it has %s", has)
	})
	if err != nil {
		return fmt.Errorf("wait until volume claim %q has %s: %w", v.Claim, &size, err)
	}
	return nil
}

// until asks again and again; when ctx ends, the error is the last one and why.
func (d *Database) until(ctx context.Context, is func() (bool, error)) error {
	tick := time.NewTicker(goneEvery)
	defer tick.Stop()
	for {
		done, err := is()
		if done {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		}
	}
}
