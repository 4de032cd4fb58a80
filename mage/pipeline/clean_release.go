package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/release"
)

// release uninstalls from a cluster that stays. unasked is why the release could
// not be looked for, which it may be in spite of.
func (c *cleaning) release(ctx context.Context, provider cluster.Provider) (unasked, err error) {
	found, err := provider.Find(ctx)
	if err == nil && found == nil {
		status, asked := provider.Status(ctx)
		if err = asked; err == nil {
			err = fmt.Errorf("cluster %q is %s", status.Name, status.State)
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		c.done.kept(c.p.releaseName(), "whether it is there could not be asked")
		return fmt.Errorf("look for %s: %w", c.p.releaseName(), err), nil
	}
	defer found.Close()
	manager, err := c.p.releases(found)
	if err != nil {
		return nil, err
	}
	return nil, c.uninstall(ctx, found.Name, manager, found.Clients.Clientset)
}

// uninstall removes the environment's release if it is the pipeline's, once
// somebody has agreed. The data stays, and is named.
func (c *cleaning) uninstall(ctx context.Context, where string, manager *release.Manager, clients kubernetes.Interface) error {
	p := c.p
	err := manager.Own(ctx, p.env.Release, chartName)
	if foreign, ok := errors.AsType[*release.Foreign](err); ok {
		c.done.kept(p.releaseName(), "it was not made by the pipeline: %s", foreign.Why)
		return nil
	}
	if err != nil {
		return err
	}
	_, err = manager.History(ctx, p.env.Release)
	switch {
	case err == nil:
		question := fmt.Sprintf("Remove %s from cluster %q, which stays, as do the release's volumes and credentials", p.releaseName(), where)
		if err := p.sure(question); err != nil {
			return err
		}
		removed, err := manager.Uninstall(ctx, p.env.Release)
		if removed {
			c.done.removed(p.releaseName())
		}
		if err != nil {
			return err
		}
	case !errors.Is(err, release.ErrNotFound):
		return err
	}
	left, err := p.data(ctx, clients)
	if len(left) > 0 {
		c.done.kept("data of "+p.releaseName(), "volumes and credentials outlive it: `kubectl delete -n %s %s` removes them for good", p.env.Namespace, strings.Join(left, " "))
	}
	return err
}

// data are what holds the release's data, as kubectl names it.
func (p *Pipeline) data(ctx context.Context, clients kubernetes.Interface) ([]string, error) {
	claims, err := clients.CoreV1().PersistentVolumeClaims(p.env.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/instance=" + p.env.Release})
	if err != nil {
		return nil, fmt.Errorf("list the volume claims of namespace %q: %w", p.env.Namespace, err)
	}
	var left []string
	for _, claim := range claims.Items {
		left = append(left, "pvc/"+claim.Name)
	}
	slices.Sort(left)
	secret, err := clients.CoreV1().Secrets(p.env.Namespace).Get(ctx, p.credentialsSecret(), metav1.GetOptions{})
	switch {
	case err == nil && !release.OwnCredentials(secret):
	case err == nil:
		left = append(left, "secret/"+p.credentialsSecret())
	case !apierrors.IsNotFound(err):
		return left, fmt.Errorf("look for secret %q of namespace %q: %w", p.credentialsSecret(), p.env.Namespace, err)
	}
	return left, nil
}
