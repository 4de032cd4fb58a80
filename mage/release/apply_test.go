package release

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	helmrelease "helm.sh/helm/v3/pkg/release"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"todo-chatbot/mage/diagnose"
	"todo-chatbot/mage/diagnose/diagnosetest"
)

func TestApplyInstallsAndUpgradesAndDoesNothingWhenInSync(t *testing.T) {
	c := newCluster(t)
	ctx := context.Background()

	state, obs, err := c.deploy(ctx, testSpec())
	require.NoError(t, err)
	assert.Equal(t, Absent, state.Condition)
	assert.Equal(t, Observation{
		Revision: 1, Status: "deployed", Description: "seen ready",
		Workloads: []Workload{
			{Kind: "Deployment", Name: "todo-backend", Ready: 1, Wanted: 1, Images: []string{"localhost:5000/backend@sha256:aaa"}},
			{Kind: "StatefulSet", Name: "todo-postgresql", Ready: 1, Wanted: 1, Images: []string{"localhost:5000/postgresql@sha256:bbb"}},
		},
	}, obs)

	state, obs, err = c.deploy(ctx, testSpec())
	require.NoError(t, err)
	assert.Equal(t, InSync, state.Condition)
	assert.Equal(t, 1, obs.Revision)
	assert.Equal(t, 1, c.kube.applies, "nothing changed, nothing applied")

	spec := testSpec()
	spec.Values["image"] = "localhost:5000/backend@sha256:ccc"
	_, obs, err = c.deploy(ctx, spec)
	require.NoError(t, err)
	assert.Equal(t, 2, obs.Revision)
	assert.Equal(t, 1, obs.PreviousRevision)
	assert.Equal(t, []string{"localhost:5000/backend@sha256:ccc"}, obs.Workloads[0].Images)
	assert.Equal(t, []string{"superseded", "deployed"}, c.statuses())
}

func TestEmptyValuesReplaceTheLastValues(t *testing.T) {
	c := newCluster(t)
	spec := testSpec()
	spec.Values = map[string]any{"image": "old"}
	c.mustDeploy(spec)
	spec.Values = nil
	_, obs, err := c.deploy(context.Background(), spec)
	require.NoError(t, err)
	assert.Equal(t, []string{"localhost:5000/backend@sha256:aaa"}, obs.Workloads[0].Images)
	state, err := c.manager.Determine(context.Background(), spec)
	require.NoError(t, err)
	assert.Equal(t, InSync, state.Condition, state.Reason)
}

func TestApplyUndoesManualEdits(t *testing.T) {
	c := newCluster(t)
	c.mustDeploy(testSpec())
	d := c.deployment()
	d.Spec.Replicas = new(int32)
	c.put(d)
	_, obs, err := c.deploy(context.Background(), testSpec())
	require.NoError(t, err)
	assert.Equal(t, 2, obs.Revision)
	assert.Equal(t, 1, obs.Workloads[0].Wanted)
}

func TestApplyRecoversFromAKilledRun(t *testing.T) {
	tests := map[string]struct {
		left     []helmrelease.Status
		statuses []string
	}{
		"a first install": {[]helmrelease.Status{helmrelease.StatusPendingInstall}, []string{"failed", "deployed"}},
		"an upgrade": {
			[]helmrelease.Status{helmrelease.StatusDeployed, helmrelease.StatusPendingUpgrade},
			[]string{"superseded", "failed", "deployed"},
		},
		"a rollback": {
			[]helmrelease.Status{helmrelease.StatusSuperseded, helmrelease.StatusDeployed, helmrelease.StatusPendingRollback},
			[]string{"superseded", "superseded", "failed", "deployed"},
		},
		"an uninstall":                                 {[]helmrelease.Status{helmrelease.StatusUninstalling}, []string{"deployed"}},
		"an uninstall that kept the history":           {[]helmrelease.Status{helmrelease.StatusUninstalled}, []string{"superseded", "deployed"}},
		"a failed install":                             {[]helmrelease.Status{helmrelease.StatusFailed}, []string{"failed", "deployed"}},
		"a failed upgrade without a deployed revision": {[]helmrelease.Status{helmrelease.StatusSuperseded, helmrelease.StatusFailed}, []string{"superseded", "failed", "deployed"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			for i, status := range test.left {
				c.record(i+1, status, nil)
			}
			state, obs, err := c.deploy(context.Background(), testSpec())
			require.NoError(t, err)
			assert.NotEqual(t, InSync, state.Condition)
			assert.Equal(t, "deployed", obs.Status)
			assert.Equal(t, test.statuses, c.statuses())
			state, err = c.manager.Determine(context.Background(), testSpec())
			require.NoError(t, err)
			assert.Equal(t, InSync, state.Condition, state.Reason)
		})
	}
}

func TestApplyMakesNoRevisionWhenOnlyPodsAreNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.mustDeploy(testSpec())
		d := c.deployment()
		d.Status.AvailableReplicas = 0
		c.put(d)
		go func() {
			time.Sleep(20 * time.Second)
			c.ready()
		}()
		state, obs, err := c.deploy(context.Background(), testSpec())
		require.NoError(t, err)
		assert.Equal(t, OutOfSync, state.Condition)
		assert.Equal(t, 1, obs.Revision)
		assert.Equal(t, 1, c.kube.applies)
	})
}

func TestApplyReportsTheCauseAndMarksTheRevisionFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.controllers = func() {
			c.ready()
			c.brokenBackend(diagnosetest.Waiting("ErrImagePull", "not found: localhost:5000/backend"))
		}
		began := time.Now()
		_, obs, err := c.deploy(context.Background(), testSpec())
		failure, ok := errors.AsType[*diagnose.Failure](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, `deployment/todo-backend: container "backend" cannot pull image "localhost:5000/backend@sha256:aaa": not found: localhost:5000/backend`, failure.Error())
		assert.Equal(t, diagnose.KindImagePull, failure.Causes[0].Kind)
		assert.Equal(t, 1, failure.Revision)
		assert.Less(t, time.Since(began), 15*time.Second, "long before the time bound")
		assert.Equal(t, "failed", obs.Status)

		state, err := c.manager.Determine(context.Background(), testSpec())
		require.NoError(t, err)
		assert.Equal(t, Failed, state.Condition)
		assert.Contains(t, state.Reason, "revision 1 failed: deployment/todo-backend: container")

		c.controllers = c.ready
		_, obs, err = c.deploy(context.Background(), testSpec())
		require.NoError(t, err)
		assert.Equal(t, 2, obs.Revision)
	})
}

func TestApplyReportsTheCauseAtTheTimeBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.controllers = func() {
			c.ready()
			c.brokenBackend(diagnosetest.Running())
			c.event(diagnosetest.PodUID, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
		}
		spec := testSpec()
		spec.Timeout = 90 * time.Second
		began := time.Now()
		_, _, err := c.deploy(context.Background(), spec)
		assert.EqualError(t, err, `deployment/todo-backend: container "backend" runs but is not ready: `+
			`Readiness probe failed: HTTP probe failed with statuscode: 503 (not ready within 1m30s)`)
		assert.Equal(t, 90*time.Second, time.Since(began))
	})
}

func TestApplyReturnsSoonAfterCancellation(t *testing.T) {
	tests := map[string]struct {
		prepare func(*cluster)
		last    string
	}{
		"while Helm applies":        {func(c *cluster) { c.kube.block = make(chan struct{}) }, "failed"},
		"while pods become ready":   {func(c *cluster) { c.controllers = func() {} }, "deployed"},
		"while an upgrade applies":  {func(c *cluster) { c.record(1, "deployed", nil); c.kube.block = make(chan struct{}) }, "failed"},
		"while a pending one waits": {func(c *cluster) { c.record(1, "pending-install", nil); c.kube.block = make(chan struct{}) }, "failed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t)
				test.prepare(c)
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				time.AfterFunc(10*time.Second, cancel)
				began := time.Now()
				_, _, err := c.deploy(ctx, testSpec())
				require.ErrorIs(t, err, context.Canceled)
				assert.LessOrEqual(t, time.Since(began), 10*time.Second+cancelGrace)
				statuses := c.statuses()
				assert.Equal(t, test.last, statuses[len(statuses)-1])
				if c.kube.block != nil {
					close(c.kube.block) // ends the abandoned goroutine
				}
			})
		})
	}
}

func TestInterruptedRevisionIsRecordedAsInterrupted(t *testing.T) {
	c := newCluster(t)
	c.mustDeploy(testSpec())
	ctx, cancel := context.WithCancel(context.Background())
	c.kube.interrupt = cancel // in the middle of Helm's requests
	spec := testSpec()
	spec.Values["image"] = "new"
	_, _, err := c.deploy(ctx, spec)
	require.ErrorIs(t, err, context.Canceled)
	state, err := c.manager.Determine(context.Background(), spec)
	require.NoError(t, err)
	assert.Equal(t, State{Condition: Failed, Revision: 2, Reason: "revision 2 failed: upgrade was interrupted: context canceled"}, state)
}

func TestApplyReportsTheRefusalOfTheAPIServer(t *testing.T) {
	c := newCluster(t)
	c.kube.err = errors.New(`StatefulSet.apps "todo-postgresql" is invalid: spec: Forbidden`)
	_, _, err := c.deploy(context.Background(), testSpec())
	assert.EqualError(t, err, `install release "todo" in namespace "todo-dev": StatefulSet.apps "todo-postgresql" is invalid: spec: Forbidden`)
	assert.Equal(t, []string{"failed"}, c.statuses())
}

func TestApplyReportsRecordsThatCannotBeWritten(t *testing.T) {
	broken := errors.New("quota of secrets is used up")
	t.Run("when a revision cannot be created", func(t *testing.T) {
		c := newCluster(t, func(o *Options) { o.Driver = &failing{Driver: o.Driver, createErr: broken} })
		_, _, err := c.deploy(context.Background(), testSpec())
		require.ErrorIs(t, err, broken)
		assert.Zero(t, c.kube.applies, "nothing is applied without a record")
	})
	t.Run("when a pending revision cannot be marked", func(t *testing.T) {
		c := newCluster(t, func(o *Options) { o.Driver = &failing{Driver: o.Driver, updateErr: broken} })
		c.record(1, helmrelease.StatusPendingInstall, nil)
		_, _, err := c.deploy(context.Background(), testSpec())
		require.ErrorIs(t, err, broken)
		assert.ErrorContains(t, err, `mark revision 1 of release "todo" as failed instead of pending-install`)
	})
}

func TestRollbackGoesToTheLastDeployedRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.mustDeploy(testSpec())
		bad := testSpec()
		bad.Values["image"] = "bad"
		c.controllers = func() { c.ready(); c.brokenBackend(diagnosetest.Waiting("InvalidImageName", "bad")) }
		_, _, err := c.deploy(context.Background(), bad)
		require.Error(t, err)

		c.controllers = c.ready
		obs, err := c.manager.Rollback(context.Background(), testRelease, 0)
		require.NoError(t, err)
		assert.Equal(t, 3, obs.Revision)
		assert.Equal(t, 2, obs.PreviousRevision)
		assert.Equal(t, []string{"localhost:5000/backend@sha256:aaa"}, obs.Workloads[0].Images)
		state, err := c.manager.Determine(context.Background(), testSpec())
		require.NoError(t, err)
		assert.Equal(t, InSync, state.Condition, state.Reason)

		_, err = c.manager.Rollback(context.Background(), testRelease, 9)
		var unknown *UnknownRevision
		require.ErrorAs(t, err, &unknown)
		assert.EqualError(t, err, "roll back release todo-dev/todo to revision 9: there is no such revision, the records have 1 to 3")
		_, err = c.manager.Rollback(context.Background(), testRelease, 3)
		require.ErrorAs(t, err, &unknown)
		assert.EqualError(t, err, "roll back release todo-dev/todo to revision 3: it is the newest revision")
		assert.Equal(t, []string{"superseded", "failed", "deployed"}, c.statuses(), "nothing changed")
	})
}

func TestRollbackNeedsAnEarlierRevision(t *testing.T) {
	c := newCluster(t)
	_, err := c.manager.Rollback(context.Background(), testRelease, 0)
	require.ErrorIs(t, err, ErrNotFound)
	c.mustDeploy(testSpec())
	_, err = c.manager.Rollback(context.Background(), testRelease, 0)
	assert.ErrorContains(t, err, "no revision before 1 served")
}

func TestHistoryAndStatusShowTheRecords(t *testing.T) {
	c := newCluster(t)
	ctx := context.Background()
	_, err := c.manager.Status(ctx, testRelease)
	require.ErrorIs(t, err, ErrNotFound)
	c.mustDeploy(testSpec())
	history, err := c.manager.History(ctx, testRelease)
	require.NoError(t, err)
	require.Len(t, history, 1)
	assert.Equal(t, "todo-chatbot-0.1.0", history[0].Chart)
	assert.Equal(t, "deployed", history[0].Status)
	status, err := c.manager.Status(ctx, testRelease)
	require.NoError(t, err)
	assert.Equal(t, 1, status.Revision)
	assert.Len(t, status.Workloads, 2)
}

func TestBrokenOldPodDoesNotBlockItsStatefulSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.controllers = func() {
			c.ready()
			set := c.statefulSet()
			set.Status = appsv1.StatefulSetStatus{ObservedGeneration: set.Generation, Replicas: 1, CurrentRevision: "r1", UpdateRevision: "r2"}
			c.put(set)
			old := diagnosetest.Pod("todo-postgresql-0", set, diagnosetest.Waiting("CrashLoopBackOff", ""))
			old.Labels = map[string]string{appsv1.StatefulSetRevisionLabel: "r1"}
			c.put(old)
		}
		done := make(chan error)
		go func() {
			_, _, err := c.deploy(context.Background(), testSpec())
			done <- err
		}()
		time.Sleep(2 * time.Second)
		assert.Empty(t, c.pods(), "the pod that blocks the controller is deleted")
		c.ready()
		require.NoError(t, <-done)
	})
}

func TestSettleWaitsForPodsAndMakesNoRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.mustDeploy(testSpec())
		api := c.client.AppsV1().Deployments(testNamespace)
		d, err := api.Get(context.Background(), "todo-backend", metav1.GetOptions{})
		require.NoError(t, err)
		d.Generation++ // as a restart does
		c.put(d)
		began := time.Now()
		time.AfterFunc(5*time.Second, c.ready)
		require.NoError(t, c.manager.Settle(context.Background(), testRelease))
		assert.GreaterOrEqual(t, time.Since(began), 5*time.Second)
		assert.Equal(t, []string{"deployed"}, c.statuses())
	})
}

func TestSettleReportsTheCauseAndKeepsTheRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.mustDeploy(testSpec())
		c.brokenBackend(diagnosetest.Looping(3, "Error", 1))
		api := c.client.AppsV1().Deployments(testNamespace)
		d, err := api.Get(context.Background(), "todo-backend", metav1.GetOptions{})
		require.NoError(t, err)
		d.Status.UpdatedReplicas, d.Status.AvailableReplicas = 1, 0
		c.put(d)
		err = c.manager.Settle(context.Background(), testRelease)
		failure, failed := errors.AsType[*diagnose.Failure](err)
		require.True(t, failed, "%v", err)
		assert.Equal(t, testRelease, failure.Release)
		assert.Equal(t, []string{"deployed"}, c.statuses())
	})
}
