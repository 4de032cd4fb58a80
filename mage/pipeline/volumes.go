package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"todo-chatbot/mage/cluster"
)

// sure asks before something is lost. Where nobody can be asked, it is refused.
func (p *Pipeline) sure(question string) error {
	if p.opts.Sure == nil {
		return usage(fmt.Errorf("%s? Without a terminal, or in CI, nobody can be asked: give -yes if that is meant; nothing was changed", question))
	}
	if p.opts.Sure(question) {
		return nil
	}
	return usage(errors.New("the answer was no, so nothing was changed"))
}

// sureToDelete asks before a cluster of ours goes that holds volumes with data.
// Every environment's data is in it, and whoever else uses it.
func (p *Pipeline) sureToDelete(ctx context.Context, provider cluster.Provider) error {
	status, err := provider.Status(ctx)
	if err != nil {
		return err
	}
	if status.State == cluster.Absent {
		return nil
	}
	held, err := p.volumes(ctx, provider)
	switch {
	case err != nil:
		return p.sure(fmt.Sprintf("Delete cluster %q with whatever data it holds, which cannot be seen (%v)", status.Name, err))
	case len(held) == 0:
		return nil
	}
	return p.sure(fmt.Sprintf("Delete cluster %q with the data in %s (`mage db:backup` saves it)", status.Name, strings.Join(held, ", ")))
}

// volumes names the claims of a cluster that a volume was made for.
func (p *Pipeline) volumes(ctx context.Context, provider cluster.Provider) ([]string, error) {
	c, err := provider.Find(ctx)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, errors.New("it does not run")
	}
	defer c.Close()
	return claims(ctx, c.Clients.Clientset)
}

func claims(ctx context.Context, clients kubernetes.Interface) ([]string, error) {
	list, err := clients.CoreV1().PersistentVolumeClaims(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var held []string
	for _, claim := range list.Items {
		if claim.Status.Phase == corev1.ClaimBound {
			held = append(held, claim.Namespace+"/"+claim.Name)
		}
	}
	slices.Sort(held)
	return held, nil
}
