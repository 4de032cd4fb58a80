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

// confirmLoss asks the user before data is lost. It refuses if nobody can be asked.
func (p *Pipeline) confirmLoss(question string) error {
	if p.opts.ConfirmLoss == nil {
		return usageError(fmt.Errorf("%s? Without a terminal, or in CI, nobody can be asked: give -yes to confirm; nothing was changed", question))
	}
	if p.opts.ConfirmLoss(question) {
		return nil
	}
	return usageError(errors.New("the user did not confirm, so nothing was changed"))
}

// confirmDeletion asks before a cluster with data is deleted. The data of all
// environments and other users on the cluster is lost too.
func (p *Pipeline) confirmDeletion(ctx context.Context, s *services) error {
	status, err := s.provider.Status(ctx)
	if err != nil {
		return err
	}
	if status.State == cluster.Absent {
		return nil
	}
	held, err := boundClaims(ctx, s)
	switch {
	case err != nil:
		return p.confirmLoss(fmt.Sprintf("Delete cluster %q and all its data, which cannot be listed (%v)", status.Name, err))
	case len(held) == 0:
		return nil
	}
	return p.confirmLoss(fmt.Sprintf("Delete cluster %q with the data in %s (`mage db:backup` saves it)", status.Name, strings.Join(held, ", ")))
}

// boundClaims lists the volume claims of the cluster that have a volume.
func boundClaims(ctx context.Context, s *services) ([]string, error) {
	c, err := s.provider.Find(ctx)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, errors.New("the cluster does not run")
	}
	defer c.Close()
	t, err := s.open(c)
	if err != nil {
		return nil, err
	}
	return listBoundClaims(ctx, t.kubernetes)
}

func listBoundClaims(ctx context.Context, client kubernetes.Interface) ([]string, error) {
	list, err := client.CoreV1().PersistentVolumeClaims(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var bound []string
	for _, claim := range list.Items {
		if claim.Status.Phase == corev1.ClaimBound {
			bound = append(bound, claim.Namespace+"/"+claim.Name)
		}
	}
	slices.Sort(bound)
	return bound, nil
}
