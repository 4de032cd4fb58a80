package release

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	helmrelease "helm.sh/helm/v3/pkg/release"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func (c *cluster) claims() []string {
	l, err := c.client.CoreV1().PersistentVolumeClaims(testNamespace).List(context.Background(), metav1.ListOptions{})
	require.NoError(c.t, err)
	var out []string
	for _, claim := range l.Items {
		out = append(out, claim.Name)
	}
	return out
}

func TestUninstallRemovesTheReleaseAndKeepsVolumes(t *testing.T) {
	c := newCluster(t)
	ctx := context.Background()
	c.mustDeploy(testSpec())
	c.put(&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data-todo-postgresql-0"}})
	c.put(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "other", Labels: map[string]string{"app": "other"}}})

	removed, err := c.manager.Uninstall(ctx, testRelease)
	require.NoError(t, err)
	assert.True(t, removed)
	_, err = c.manager.History(ctx, testRelease)
	require.ErrorIs(t, err, ErrNotFound)
	l, err := c.client.AppsV1().Deployments(testNamespace).List(ctx, metav1.ListOptions{})
	require.NoError(t, err)
	assert.Empty(t, l.Items)
	assert.Equal(t, []string{"data-todo-postgresql-0"}, c.claims())

	removed, err = c.manager.Uninstall(ctx, testRelease)
	require.NoError(t, err)
	assert.False(t, removed)
}

func TestUninstallWorksInEveryState(t *testing.T) {
	for _, status := range []helmrelease.Status{
		helmrelease.StatusPendingInstall, helmrelease.StatusPendingUpgrade, helmrelease.StatusUninstalling,
		helmrelease.StatusUninstalled, helmrelease.StatusFailed,
	} {
		t.Run(string(status), func(t *testing.T) {
			c := newCluster(t)
			c.record(3, status, nil)
			removed, err := c.manager.Uninstall(context.Background(), testRelease)
			require.NoError(t, err)
			assert.True(t, removed)
			_, err = c.manager.History(context.Background(), testRelease)
			assert.ErrorIs(t, err, ErrNotFound)
		})
	}
}

func TestUninstallReportsPodsThatDoNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.mustDeploy(testSpec())
		c.put(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "todo-backend-1-x", Labels: map[string]string{"app": "backend"}}})
		began := time.Now()
		removed, err := c.manager.Uninstall(context.Background(), testRelease)
		assert.True(t, removed)
		assert.ErrorContains(t, err, "not done within 2m0s; last error: not ended: pod/todo-backend-1-x")
		assert.Equal(t, 2*minute, time.Since(began))
	})
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.mustDeploy(testSpec())
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "todo-backend-1-x", Labels: map[string]string{"app": "backend"}}}
		c.put(p)
		time.AfterFunc(5*time.Second, func() { c.remove(p, p.Name) })
		began := time.Now()
		_, err := c.manager.Uninstall(context.Background(), testRelease)
		require.NoError(t, err)
		assert.InDelta(t, 5, time.Since(began).Seconds(), 1)
	})
}
