package pipeline

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"todo-chatbot/mage/cluster"
)

// stub is the provider of an unreachable cluster in a given state.
type stub struct {
	Provider
	state cluster.State
	found error
}

func (s stub) Status(context.Context) (cluster.Status, error) {
	return cluster.Status{Name: "todo", State: s.state}, nil
}
func (s stub) Find(context.Context) (*cluster.Cluster, error) { return nil, s.found }

func TestConfirmDeletionAsksBeforeDataIsLost(t *testing.T) {
	var asked []string
	p := load(t, projectRoot, "dev", nil)
	refused := p.confirmDeletion(t.Context(), &services{provider: stub{state: cluster.Running}})
	require.ErrorContains(t, refused, "give -yes to confirm", "nobody can be asked")
	assert.Equal(t, ExitUsage, ExitCode(refused))

	p.opts.ConfirmLoss = func(question string) bool {
		asked = append(asked, question)
		return false
	}
	require.NoError(t, p.confirmDeletion(t.Context(), &services{provider: stub{state: cluster.Absent}}))
	assert.Empty(t, asked)

	err := p.confirmDeletion(t.Context(), &services{provider: stub{state: cluster.Stopped}})
	assert.EqualError(t, err, "the user did not confirm, so nothing was changed")
	assert.Equal(t, ExitUsage, ExitCode(err))
	require.Error(t, p.confirmDeletion(t.Context(), &services{provider: stub{state: cluster.Broken, found: errors.New("refused")}}))
	assert.Equal(t, []string{
		`Delete cluster "todo" and all its data, which cannot be listed (the cluster does not run)`,
		`Delete cluster "todo" and all its data, which cannot be listed (refused)`,
	}, asked)
}

func TestListBoundClaimsLeavesOutPendingClaims(t *testing.T) {
	claim := func(namespace, name string, phase corev1.PersistentVolumeClaimPhase) *corev1.PersistentVolumeClaim {
		return &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Status: corev1.PersistentVolumeClaimStatus{Phase: phase}}
	}
	held, err := listBoundClaims(t.Context(), fake.NewClientset(
		claim("todo-staging", "data-todo-postgresql-0", corev1.ClaimBound), claim("todo-dev", "data-todo-postgresql-0", corev1.ClaimBound),
		claim("todo-staging", "todo-postgresql-backup", corev1.ClaimPending),
	))
	require.NoError(t, err)
	assert.Equal(t, []string{"todo-dev/data-todo-postgresql-0", "todo-staging/data-todo-postgresql-0"}, held)
}
