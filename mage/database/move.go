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

	"todo-chatbot/mage/kube"
)

// moveTime bounds the replacement of the volume, including the restart of the server.
// Ctrl-C does not interrupt it.
const moveTime = 5 * time.Minute

// Renew replaces the server's volume with an empty one of a size. The old volume is
// kept with all data: Renew first sets its reclaim policy to Retain, and deletes
// nothing if that fails. The caller saves the data and calls Pause before, and
// restores the data afterwards. Renew returns when the new server is ready.
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
		return fmt.Errorf("replace the volume of the database: %w; persistent volume %q is kept with the data", err, v.Bound)
	}
	return nil
}

// room checks with a dry run, before anything is deleted, that the API server accepts
// a claim of the size: a quota may refuse it.
func (d *Database) room(ctx context.Context, v Volume, size quantity.Quantity) error {
	template := resized(v.set, v.index, size).Spec.VolumeClaimTemplates[v.index]
	trial := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: v.Claim + "-trial", Labels: template.Labels}, Spec: template.Spec}
	_, err := d.client.CoreV1().PersistentVolumeClaims(d.namespace).Create(ctx, trial, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return fmt.Errorf("claim a volume of %s in a dry run (nothing was changed): %w", &size, err)
	}
	return nil
}

// retain makes the volume outlive its claim.
func (d *Database) retain(ctx context.Context, v Volume) error {
	fail := func(err error) error {
		return fmt.Errorf("keep persistent volume %q, which needs rights on the whole cluster (nothing was changed): %w", v.Bound, err)
	}
	if v.Bound == "" {
		return fail(errors.New("the claim is not bound to a volume"))
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
	with := metav1.DeletePropagationForeground // deletes the pod first, which uses the volume
	err := sets.Delete(ctx, v.set.Name, metav1.DeleteOptions{PropagationPolicy: &with, Preconditions: metav1.NewUIDPreconditions(string(v.set.UID))})
	if err != nil {
		return err
	}
	if err := d.gone(ctx, v.set.Name); err != nil {
		return err
	}
	err = kube.Poll{}.Until(ctx, func(ctx context.Context) error {
		_, err := pods.Get(ctx, v.set.Name+"-0", metav1.GetOptions{})
		return deleted(err, "pod", v.set.Name+"-0")
	})
	if err != nil {
		return err
	}
	if err := claims.Delete(ctx, v.Claim, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	err = kube.Poll{}.Until(ctx, func(ctx context.Context) error {
		_, err := claims.Get(ctx, v.Claim, metav1.GetOptions{})
		return deleted(err, "volume claim", v.Claim)
	})
	if err != nil {
		return err
	}
	if _, err := sets.Create(ctx, resized(v.set, v.index, size), metav1.CreateOptions{}); err != nil {
		return err
	}
	return kube.Poll{}.Until(ctx, d.Ready)
}
