package release

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/chart"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

func revisionOf(version int, manifest string, hooks ...*helmrelease.Hook) *helmrelease.Release {
	return &helmrelease.Release{Version: version, Manifest: manifest, Hooks: hooks}
}

const someManifest = `---
# Source: todo-chatbot/templates/service.yaml
apiVersion: v1
kind: Service
metadata: {name: todo-backend}
spec: {ports: [{port: 8000}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: todo-backend}
data: {MODEL: small, KEY: sk-secret-key}
`

func TestDiffShowsChangesByResourceInAStableOrder(t *testing.T) {
	after := `
apiVersion: v1
data: {KEY: sk-secret-key, MODEL: large}
kind: ConfigMap
metadata: {name: todo-backend}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: todo-backend}
`
	hook := &helmrelease.Hook{
		Events:   []helmrelease.HookEvent{helmrelease.HookPreUpgrade},
		Manifest: "apiVersion: batch/v1\nkind: Job\nmetadata: {name: todo-backup}\n",
	}
	const want = `--- configmap/todo-backend	revision 3
+++ configmap/todo-backend	wanted
@@ -1,7 +1,7 @@
 apiVersion: v1
 data:
   KEY: '[hidden]'
-  MODEL: small
+  MODEL: large
 kind: ConfigMap
 metadata:
   name: todo-backend
--- /dev/null
+++ pre-upgrade hook job/todo-backup	wanted
@@ -0,0 +1,4 @@
+apiVersion: batch/v1
+kind: Job
+metadata:
+  name: todo-backup
--- service/todo-backend	revision 3
+++ /dev/null
@@ -1,7 +0,0 @@
-apiVersion: v1
-kind: Service
-metadata:
-  name: todo-backend
-spec:
-  ports:
-  - port: 8000
--- /dev/null
+++ serviceaccount/todo-backend	wanted
@@ -0,0 +1,4 @@
+apiVersion: v1
+kind: ServiceAccount
+metadata:
+  name: todo-backend
`
	for range 5 {
		got, err := revisionDiff(revisionOf(3, someManifest), revisionOf(4, after, hook), "wanted", masking([]string{"", "sk-secret-key"}))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestDiffIgnoresCommentsAndOrder(t *testing.T) {
	rewritten := `
# another comment
kind: ConfigMap
apiVersion: v1
data:
  KEY: "sk-secret-key"
  MODEL: 'small'
metadata:
  name: todo-backend
---
kind: Service
apiVersion: v1
spec: {ports: [{port: 8000}]}
metadata: {name: todo-backend}
`
	got, err := revisionDiff(revisionOf(1, someManifest), revisionOf(2, rewritten), "wanted", masking(nil))
	require.NoError(t, err)
	assert.Empty(t, got)
	got, err = revisionDiff(nil, nil, "wanted", masking(nil))
	require.NoError(t, err)
	assert.Empty(t, got)
}

func TestDiffMasksTheValuesOfSecrets(t *testing.T) {
	secret := func(data string) *helmrelease.Release {
		return revisionOf(1, "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"+data)
	}
	before := secret("data: {same: b2xk, other: Zmlyc3Q=, gone: Z29uZQ==}\nstringData: {plain: first-plain}\n")
	after := secret("data: {same: b2xk, other: c2Vjb25k, new: bmV3}\nstringData: {plain: second-plain}\n")
	got, err := revisionDiff(before, after, "wanted", masking(nil))
	require.NoError(t, err)
	for _, value := range []string{"b2xk", "Zmlyc3Q", "c2Vjb25k", "Z29uZQ", "bmV3", "-plain"} {
		assert.NotContains(t, got, value)
	}
	for _, line := range []string{"\n-  other: '[hidden]'", "\n+  other: '[hidden, changed]'", "\n   same: '[hidden]'", "\n-  gone: '[hidden]'", "\n+  new: '[hidden]'", "\n+  plain: '[hidden, changed]'"} {
		assert.Contains(t, got, line)
	}
	assert.Contains(t, before.Manifest, "Zmlyc3Q", "the record stays unchanged")
}

func TestPlanShowsTheChangesOfADeployAndChangesNothing(t *testing.T) {
	c := newCluster(t)
	ctx := context.Background()

	plan, err := c.manager.Plan(ctx, testSpec())
	require.NoError(t, err)
	assert.Zero(t, plan.Revision)
	assert.Contains(t, plan.Diff, "--- /dev/null\n+++ deployment/todo-backend\twanted\n")
	assert.Contains(t, plan.Reason, "no release")
	_, err = c.manager.History(ctx, testRelease)
	require.ErrorIs(t, err, ErrNotFound)
	values, err := c.manager.Values(ctx, testRelease)
	require.NoError(t, err)
	assert.Nil(t, values)

	c.mustDeploy(testSpec())
	plan, err = c.manager.Plan(ctx, testSpec())
	require.NoError(t, err)
	assert.Equal(t, Plan{Revision: 1}, plan)

	spec := testSpec()
	spec.Values["image"] = "localhost:5000/backend@sha256:ccc"
	plan, err = c.manager.Plan(ctx, spec)
	require.NoError(t, err)
	assert.Equal(t, 1, plan.Revision)
	assert.Equal(t, "values changed: image", plan.Reason)
	assert.Contains(t, plan.Diff, "--- deployment/todo-backend\trevision 1\n+++ deployment/todo-backend\twanted\n")
	assert.Contains(t, plan.Diff, "\n-      - image: localhost:5000/backend@sha256:aaa\n+      - image: localhost:5000/backend@sha256:ccc\n")
	assert.NotContains(t, plan.Diff, "statefulset", "unchanged objects are left out")

	spec = testSpec()
	spec.Chart.Files = append(spec.Chart.Files, &chart.File{Name: "NOTES.md", Data: []byte("more")})
	plan, err = c.manager.Plan(ctx, spec)
	require.NoError(t, err)
	assert.Equal(t, Plan{Revision: 1, Reason: "chart changed: NOTES.md"}, plan)

	assert.Equal(t, 1, c.kube.applies)
	assert.Equal(t, []string{"deployed"}, c.statuses())
	values, err = c.manager.Values(ctx, testRelease)
	require.NoError(t, err)
	assert.Equal(t, testSpec().Values, values)
}

func TestPlanComparesWithTheDeployedRevisionAfterAKilledRun(t *testing.T) {
	c := newCluster(t)
	c.mustDeploy(testSpec())
	first, err := c.manager.last(context.Background(), testRelease)
	require.NoError(t, err)
	c.record(2, helmrelease.StatusPendingUpgrade, first)
	plan, err := c.manager.Plan(context.Background(), testSpec())
	require.NoError(t, err)
	assert.Equal(t, 1, plan.Revision, "a killed run does not prevent a plan")
	assert.Empty(t, plan.Diff)
	assert.Contains(t, plan.Reason, "revision 2 was left pending-upgrade")
}
