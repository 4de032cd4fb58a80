package database

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// moveTime bounds the exchange of the volume, from the server's end to the new
// one's start. It is not cut short by Ctrl-C.
const moveTime = 5 * time.Minute

// Renew gives the server an empty volume of a size in the place of its own, which
// is kept with all data: first its reclaim policy becomes Retain, and nothing is
// deleted where that cannot be. Whoever calls has saved the data, ended what uses
// the database (Pause), and restores it afterwards. Renew returns when the new
// server takes connections.
func (d *Database) Renew(ctx context.Context, v Volume, size quantity.Quantity) error {
	if size.Cmp(v.Asked) < 0 {
		return &Smaller{Claim: v.Claim, From: v.Asked, To: size, Namespace: d.namespace}
	}
	if err := d.room(ctx, v, size); err != nil {
		return err
	}
	if err := d.retain(ctx, v); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	fresh, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), moveTime, fmt.Errorf("not done within %s", moveTime))
	defer cancel()
	if err := d.renew(fresh, v, size); err != nil {
		return fmt.Errorf("exchange the volume of the database: %w; the data is in persistent volume %q, which is kept", err, v.Bound)
	}
	return nil
}

// room asks, before anything is deleted, whether a claim of the size would be
// taken: a quota may have no room for it.
func (d *Database) room(ctx context.Context, v Volume, size quantity.Quantity) error {
	template := resized(v.set, v.index, size).Spec.VolumeClaimTemplates[v.index]
	trial := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: v.Claim + "-trial", Labels: template.Labels}, Spec: template.Spec}
	_, err := d.client.CoreV1().PersistentVolumeClaims(d.namespace).Create(ctx, trial, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return fmt.Errorf("ask whether a volume of %s can be claimed (nothing was changed): %w", &size, err)
	}
	return nil
}

// retain makes sure that the volume outlives its claim.
func (d *Database) retain(ctx context.Context, v Volume) error {
	fail := func(err error) error {
		return fmt.Errorf("keep persistent volume %q, which needs rights on the whole cluster (nothing was changed): %w", v.Bound, err)
	}
	if v.Bound == "" {
		return fail(errors.New("the claim has none"))
	}
	volumes := d.client.CoreV1().PersistentVolumes()
	const keep = `{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}`
	if _, err := volumes.Patch(ctx, v.Bound, types.MergePatchType, []byte(keep), metav1.PatchOptions{}); err != nil {
		return fail(err)
	}
	kept, err := volumes.Get(ctx, v.Bound, metav1.GetOptions{})
	if err == nil && kept.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimRetain {
		err = fmt.Errorf("its reclaim policy is still %s", kept.Spec.PersistentVolumeReclaimPolicy)
	}
	if err != nil {
		return fail(err)
	}
	return nil
}

func (d *Database) renew(ctx context.Context, v Volume, size quantity.Quantity) error {
	sets, pods := d.client.AppsV1().StatefulSets(d.namespace), d.client.CoreV1().Pods(d.namespace)
	claims := d.client.CoreV1().PersistentVolumeClaims(d.namespace)
	with := metav1.DeletePropagationForeground // the pod first: its volume is in use until then
	err := sets.Delete(ctx, v.set.Name, metav1.DeleteOptions{PropagationPolicy: &with, Preconditions: metav1.NewUIDPreconditions(string(v.set.UID))})
	if err != nil {
		return err
	}
	if err := d.gone(ctx, v.set.Name); err != nil {
		return err
	}
	if err := d.until(ctx, func() (bool, error) {
		_, err := pods.Get(ctx, v.set.Name+"-0", metav1.GetOptions{})
		return apierrors.IsNotFound(err), errors.Join(errors.New("the server's pod still ends"), err)
	}); err != nil {
		return err
	}
	if err := claims.Delete(ctx, v.Claim, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	if err := d.until(ctx, func() (bool, error) {
		_, err := claims.Get(ctx, v.Claim, metav1.GetOptions{})
		return apierrors.IsNotFound(err), errors.Join(fmt.Errorf("volume claim %q is still being deleted", v.Claim), err)
	}); err != nil {
		return err
	}
	if _, err := sets.Create(ctx, resized(v.set, v.index, size), metav1.CreateOptions{}); err != nil {
		return err
	}
	return d.until(ctx, func() (bool, error) {
		err := d.Ready(ctx)
		return err == nil, err
	})
}
