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

	"todo-chatbot/mage/release"
)

// release uninstalls the release from a cluster that stays. unknown is the reason why
// it could not find out whether there is a release.
func (c *cleaning) release(ctx context.Context, s *services) (unknown, err error) {
	found, err := s.provider.Find(ctx)
	if err == nil && found == nil {
		status, statusErr := s.provider.Status(ctx)
		if err = statusErr; err == nil {
			err = fmt.Errorf("cluster %q is %s", status.Name, status.State)
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		name := "release " + c.p.releaseName()
		c.done.kept(name, "the cluster could not be asked whether it exists")
		return fmt.Errorf("look for %s: %w", name, err), nil
	}
	defer found.Close()
	t, err := s.open(found)
	if err != nil {
		return nil, err
	}
	return nil, c.uninstall(ctx, t)
}

// uninstall removes the environment's release, if it is the pipeline's and the user
// confirms. It keeps the data and names it.
func (c *cleaning) uninstall(ctx context.Context, t target) error {
	p := c.p
	name := "release " + p.releaseName()
	err := t.releases.Own(ctx, p.env.Release, chartName)
	if foreign, ok := errors.AsType[*release.Foreign](err); ok {
		c.done.kept(name, "the pipeline did not make it: %s", foreign.Why)
		return nil
	}
	if err != nil {
		return err
	}
	_, err = t.releases.History(ctx, p.env.Release)
	switch {
	case err == nil:
		question := fmt.Sprintf("Remove %s from cluster %q and keep the cluster and the release's volumes and credentials", name, t.cluster.Name)
		if err := p.confirmLoss(question); err != nil {
			return err
		}
		removed, err := t.releases.Uninstall(ctx, p.env.Release)
		if removed {
			c.done.removed(name)
		}
		if err != nil {
			return err
		}
	case !errors.Is(err, release.ErrNotFound):
		return err
	}
	left, err := p.remainingData(ctx, t.kubernetes)
	if len(left) > 0 {
		c.done.kept("data of "+name, "volumes and credentials outlive it: `kubectl delete -n %s %s` removes them for good", p.env.Namespace, strings.Join(left, " "))
	}
	return err
}

// remainingData lists the objects with the release's data, as kubectl names them.
func (p *Pipeline) remainingData(ctx context.Context, client kubernetes.Interface) ([]string, error) {
	claims, err := client.CoreV1().PersistentVolumeClaims(p.env.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/instance=" + p.env.Release})
	if err != nil {
		return nil, fmt.Errorf("list the volume claims of namespace %q: %w", p.env.Namespace, err)
	}
	var left []string
	for _, claim := range claims.Items {
		left = append(left, "pvc/"+claim.Name)
	}
	slices.Sort(left)
	secret, err := client.CoreV1().Secrets(p.env.Namespace).Get(ctx, p.credentialsSecret(), metav1.GetOptions{})
	switch {
	case err == nil && !release.OwnCredentials(secret):
	case err == nil:
		left = append(left, "secret/"+p.credentialsSecret())
	case !apierrors.IsNotFound(err):
		return left, fmt.Errorf("look for secret %q of namespace %q: %w", p.credentialsSecret(), p.env.Namespace, err)
	}
	return left, nil
}
