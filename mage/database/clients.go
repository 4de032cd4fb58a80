package database

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"todo-chatbot/mage/kube"
)

const (
	frontendName = "frontend"

	// replicasAnnotation holds the former number of replicas of a paused Deployment.
	replicasAnnotation = "todo-chatbot/replicas"
	// credentialsAnnotation identifies the credentials that the pods have read. A new
	// value starts a rollout.
	credentialsAnnotation = "todo-chatbot/credentials"
)

// deployments returns the Deployments whose pods use the database.
func (d *Database) deployments(ctx context.Context) ([]appsv1.Deployment, error) {
	list, err := d.client.AppsV1().Deployments(d.namespace).List(ctx, metav1.ListOptions{LabelSelector: d.selector(backendName, frontendName)})
	if err != nil {
		return nil, fmt.Errorf("look for frontend and backend of release %q: %w", d.release, err)
	}
	return list.Items, nil
}

func (d *Database) patch(ctx context.Context, deployment string, change map[string]any) error {
	body, err := json.Marshal(change)
	if err != nil {
		return err
	}
	_, err = d.client.AppsV1().Deployments(d.namespace).Patch(ctx, deployment, types.MergePatchType, body, metav1.PatchOptions{})
	return err
}

// Pause scales frontend and backend to zero and waits until their pods have ended.
// The same patch stores the former number of replicas in an annotation, so that a
// later run can resume them if this one is killed.
func (d *Database) Pause(ctx context.Context) error {
	all, err := d.deployments(ctx)
	if err != nil {
		return err
	}
	for _, one := range all {
		had := replicas(one)
		if had == 0 {
			continue // an earlier run has stored the number, or a person has scaled it
		}
		err := d.patch(ctx, one.Name, map[string]any{
			"metadata": map[string]any{"annotations": map[string]any{replicasAnnotation: strconv.Itoa(had)}},
			"spec":     map[string]any{"replicas": 0},
		})
		if err != nil {
			return fmt.Errorf("scale deployment %q to 0: %w", one.Name, err)
		}
	}
	return d.ended(ctx, func(corev1.Pod) bool { return true })
}

// Replaced waits until pods that are being deleted have ended. The cluster still
// sends them requests for a second or two, and after a rotation they have the old
// password.
func (d *Database) Replaced(ctx context.Context) error {
	return d.ended(ctx, func(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil })
}

// ended waits until none of the chosen pods of frontend and backend runs.
func (d *Database) ended(ctx context.Context, chosen func(corev1.Pod) bool) error {
	err := kube.Poll{}.Until(ctx, func(ctx context.Context) error {
		pods, err := d.client.CoreV1().Pods(d.namespace).List(ctx, metav1.ListOptions{LabelSelector: d.selector(backendName, frontendName)})
		if err != nil {
			return err
		}
		var left []string
		for _, pod := range pods.Items {
			// An evicted pod has ended, although it is still listed.
			if chosen(pod) && pod.Status.Phase != corev1.PodFailed && pod.Status.Phase != corev1.PodSucceeded {
				left = append(left, pod.Name)
			}
		}
		if len(left) > 0 {
			return fmt.Errorf("still running: %s", strings.Join(left, ", "))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("wait for the pods of frontend and backend to end: %w", err)
	}
	return nil
}

// Resume scales frontend and backend to the number of replicas that they had before
// Pause, in this run or in an earlier one that was killed. It does not wait for the
// pods.
func (d *Database) Resume(ctx context.Context) error {
	all, err := d.deployments(ctx)
	if err != nil {
		return err
	}
	for _, one := range all {
		kept, paused := one.Annotations[replicasAnnotation]
		if !paused {
			continue
		}
		change := map[string]any{"metadata": map[string]any{"annotations": map[string]any{replicasAnnotation: nil}}}
		// A Deployment with replicas was scaled since, for example by a deploy, and stays so.
		if had, err := strconv.Atoi(kept); err == nil && replicas(one) == 0 {
			change["spec"] = map[string]any{"replicas": had}
		}
		if err := d.patch(ctx, one.Name, change); err != nil {
			return fmt.Errorf("scale deployment %q back: %w; `mage deploy` does that too", one.Name, err)
		}
	}
	return nil
}

// Restart starts a rollout of frontend and backend, whose new pods read their
// credentials again. With the same id it changes nothing. It does not wait for the
// rollout.
func (d *Database) Restart(ctx context.Context, id string) error {
	all, err := d.deployments(ctx)
	if err != nil {
		return err
	}
	for _, one := range all {
		annotations := map[string]any{"annotations": map[string]any{credentialsAnnotation: id}}
		err := d.patch(ctx, one.Name, map[string]any{"spec": map[string]any{"template": map[string]any{"metadata": annotations}}})
		if err != nil {
			return fmt.Errorf("restart the pods of deployment %q: %w", one.Name, err)
		}
	}
	return nil
}

// SecretKey names a value of a Secret.
type SecretKey struct{ Secret, Key string }

// Names of the variables that pods read from Secrets.
const (
	PasswordVariable   = "DATABASE_PASSWORD"
	AuthSecretVariable = "BETTER_AUTH_SECRET"
)

// Reads returns the keys of Secrets that frontend and backend read a variable from,
// those of the migrations first. The result is never empty.
func (d *Database) Reads(ctx context.Context, variable string) ([]SecretKey, error) {
	all, err := d.deployments(ctx)
	if err != nil {
		return nil, err
	}
	var containers, servers []corev1.Container
	for _, one := range all {
		containers = append(containers, one.Spec.Template.Spec.InitContainers...)
		servers = append(servers, one.Spec.Template.Spec.Containers...)
	}
	var found []SecretKey
	for _, c := range append(containers, servers...) {
		for _, env := range c.Env {
			if env.Name != variable || env.ValueFrom == nil || env.ValueFrom.SecretKeyRef == nil {
				continue
			}
			from := SecretKey{Secret: env.ValueFrom.SecretKeyRef.Name, Key: env.ValueFrom.SecretKeyRef.Key}
			if !slices.Contains(found, from) {
				found = append(found, from)
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no pod of release %s/%s reads %s from a Secret: deploy the release first", d.namespace, d.release, variable)
	}
	return found, nil
}

// Password returns the password of the role that owns the database. Migrations read
// the same key.
func (d *Database) Password(ctx context.Context) (string, error) {
	all, err := d.Reads(ctx, PasswordVariable)
	if err != nil {
		return "", err
	}
	from := all[0]
	secret, err := d.client.CoreV1().Secrets(d.namespace).Get(ctx, from.Secret, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("read the database's password: %w", err)
	}
	value, there := secret.Data[from.Key]
	if !there || len(value) == 0 {
		return "", fmt.Errorf("read the database's password: secret %q of namespace %q has no key %q; deploy again to create it", from.Secret, d.namespace, from.Key)
	}
	return string(value), nil
}

func replicas(d appsv1.Deployment) int {
	if d.Spec.Replicas == nil {
		return 1
	}
	return int(*d.Spec.Replicas)
}
