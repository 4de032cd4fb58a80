package database

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"todo-chatbot/mage/kube"
)

const (
	frontendName = "frontend"

	// replicasAnnotation keeps, on a Deployment that is paused, how many pods it had.
	replicasAnnotation = "todo-chatbot/replicas"
	// credentialsAnnotation tells pods that read one set of credentials from those that read the next.
	credentialsAnnotation = "todo-chatbot/credentials"

	goneEvery = 250 * time.Millisecond
)

// deployments are those whose pods use the database.
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

// Pause ends the pods of frontend and backend and waits until they are gone. How
// many there were is kept on their Deployments, in the change that ends them, so
// that a run that is killed leaves the next one to know.
func (d *Database) Pause(ctx context.Context) error {
	all, err := d.deployments(ctx)
	if err != nil {
		return err
	}
	for _, one := range all {
		had := replicas(one)
		if had == 0 {
			continue // by an earlier run, which has kept the number, or by someone's hand
		}
		err := d.patch(ctx, one.Name, map[string]any{
			"metadata": map[string]any{"annotations": map[string]any{replicasAnnotation: strconv.Itoa(had)}},
			"spec":     map[string]any{"replicas": 0},
		})
		if err != nil {
			return fmt.Errorf("end the pods of deployment %q: %w", one.Name, err)
		}
	}
	return d.ended(ctx, func(corev1.Pod) bool { return true })
}

// Replaced waits until the pods have ended that others stand in for. For a second
// or two the cluster still sends them requests, and after a rotation they have the
// old password.
func (d *Database) Replaced(ctx context.Context) error {
	return d.ended(ctx, func(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil })
}

// ended waits until none of these pods of frontend and backend runs.
func (d *Database) ended(ctx context.Context, these func(corev1.Pod) bool) error {
	tick := time.NewTicker(goneEvery)
	defer tick.Stop()
	var left []string
	for {
		pods, err := d.client.CoreV1().Pods(d.namespace).List(ctx, metav1.ListOptions{LabelSelector: d.selector(backendName, frontendName)})
		if err == nil {
			left = left[:0]
			for _, pod := range pods.Items {
				// One that was evicted stays listed, and has ended.
				if these(pod) && pod.Status.Phase != corev1.PodFailed && pod.Status.Phase != corev1.PodSucceeded {
					left = append(left, pod.Name)
				}
			}
			if len(left) == 0 {
				return nil
			}
		}
		if kube.Final(err) {
			return fmt.Errorf("list the pods of frontend and backend: %w", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the pods of frontend and backend to end (left: %s): %w", strings.Join(left, ", "), context.Cause(ctx))
		}
	}
}

// Resume gives frontend and backend the pods that Pause, of this run or of one
// that was killed, took from them. It does not wait for them.
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
		// What has pods again was given them by someone who knew better, such as a deploy.
		if had, err := strconv.Atoi(kept); err == nil && replicas(one) == 0 {
			change["spec"] = map[string]any{"replicas": had}
		}
		if err := d.patch(ctx, one.Name, change); err != nil {
			return fmt.Errorf("start the pods of deployment %q again: %w; `mage deploy` does it too", one.Name, err)
		}
	}
	return nil
}

// Restart replaces the pods of frontend and backend, one after another, by such
// as read their credentials anew. The same id again changes nothing. It does not wait.
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

// SecretKey is a value of a Secret.
type SecretKey struct{ Secret, Key string }

// Names of what the pods read from Secrets.
const (
	PasswordVariable   = "DATABASE_PASSWORD"
	AuthSecretVariable = "BETTER_AUTH_SECRET"
)

// Reads tells every place that the pods of frontend and backend read a variable
// from, at least one, those of their migrations first.
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
		return nil, fmt.Errorf("no pod of release %s/%s reads %s from a Secret: is the release deployed?", d.namespace, d.release, variable)
	}
	return found, nil
}

// Password is that of the role that owns the database, as the migrations read it.
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
		return "", fmt.Errorf("secret %q of namespace %q has no %s, which migrations read the database's password from", from.Secret, d.namespace, from.Key)
	}
	return string(value), nil
}

func replicas(d appsv1.Deployment) int {
	if d.Spec.Replicas == nil {
		return 1
	}
	return int(*d.Spec.Replicas)
}
