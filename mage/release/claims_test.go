package release

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/chart"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// backupSpec has a pre-upgrade hook that mounts a volume of the release.
func backupSpec() Spec {
	spec := testSpec()
	spec.Chart.Templates = append(spec.Chart.Templates,
		&chart.File{Name: "templates/backup.yaml", Data: []byte(`apiVersion: batch/v1
kind: Job
metadata: {name: todo-backup, annotations: {helm.sh/hook: pre-upgrade}}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: backup, image: x}]
      volumes:
        - {name: backups, persistentVolumeClaim: {claimName: todo-backup}}
        - {name: others, persistentVolumeClaim: {claimName: of-somebody-else}}
`)},
		&chart.File{Name: "templates/volume.yaml", Data: []byte(`apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: todo-backup, labels: {app: backup}, annotations: {helm.sh/resource-policy: keep}}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`)},
		&chart.File{Name: "templates/unmounted.yaml", Data: []byte(`apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: todo-cache}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`)})
	return spec
}

func (c *cluster) claimed() map[string]corev1.PersistentVolumeClaim {
	c.t.Helper()
	list, err := c.client.CoreV1().PersistentVolumeClaims(testNamespace).List(context.Background(), metav1.ListOptions{})
	require.NoError(c.t, err)
	all := map[string]corev1.PersistentVolumeClaim{}
	for _, claim := range list.Items {
		all[claim.Name] = claim
	}
	return all
}

func TestClaimOfAPreUpgradeHookIsMadeBeforeTheHook(t *testing.T) {
	c := newCluster(t)
	c.mustDeploy(testSpec())
	ran := false
	c.kube.hook = func() error {
		ran = true
		claims := c.claimed()
		require.Len(t, claims, 1, "only claims of the release that a hook mounts are made early")
		claim := claims["todo-backup"]
		assert.Equal(t, map[string]string{"app": "backup", "app.kubernetes.io/managed-by": "Helm"}, claim.Labels)
		assert.Equal(t, map[string]string{
			"helm.sh/resource-policy": "keep", "meta.helm.sh/release-name": testRelease, "meta.helm.sh/release-namespace": testNamespace,
		}, claim.Annotations, "Helm adopts only objects with these annotations")
		assert.Equal(t, "1Gi", claim.Spec.Resources.Requests.Storage().String())
		return nil
	}
	c.mustDeploy(backupSpec())
	assert.True(t, ran)
	assert.Contains(t, c.claimed(), "todo-cache", "the upgrade makes the rest")
}

func TestExistingClaimOfAHookIsNotChanged(t *testing.T) {
	c := newCluster(t)
	c.mustDeploy(testSpec())
	c.put(&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "todo-backup", Annotations: map[string]string{"kept": "from before"}}})
	c.kube.hook = func() error {
		assert.Equal(t, map[string]string{"kept": "from before"}, c.claimed()["todo-backup"].Annotations)
		return nil
	}
	c.mustDeploy(backupSpec())
}

func TestUpgradeCanBeRetriedAfterItsHookFailed(t *testing.T) {
	c := newCluster(t)
	c.mustDeploy(testSpec())
	c.kube.hook = func() error { return errors.New("no server") }
	_, _, err := c.deploy(t.Context(), backupSpec())
	require.Error(t, err)
	assert.Contains(t, c.claimed(), "todo-backup")
	c.kube.hook = func() error { return nil }
	c.mustDeploy(backupSpec())
}
