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

	"todo-chatbot/mage/diagnose"
	"todo-chatbot/mage/diagnose/diagnosetest"
)

func (c *cluster) descriptions() []string {
	var out []string
	for _, r := range c.stored() {
		out = append(out, r.Info.Description)
	}
	return out
}

func TestFallbackIsTheLastRevisionThatServed(t *testing.T) {
	const (
		deployed   = helmrelease.StatusDeployed
		superseded = helmrelease.StatusSuperseded
		failed     = helmrelease.StatusFailed
	)
	record := func(status helmrelease.Status, description string) *helmrelease.Release {
		return &helmrelease.Release{Info: &helmrelease.Info{Status: status, Description: description}}
	}
	for name, test := range map[string]struct {
		records []*helmrelease.Release
		before  State
		want    int
		why     string
	}{
		"an upgrade": {
			[]*helmrelease.Release{record(superseded, seenReady), record(failed, "crash")}, State{Revision: 1}, 1, "",
		},
		"an upgrade whose hook failed": {
			[]*helmrelease.Release{record(deployed, seenReady), record(failed, "hook")}, State{Revision: 1}, 1, "",
		},
		"an upgrade of another tool's release": {
			[]*helmrelease.Release{record(superseded, "Upgrade complete"), record(failed, "crash")}, State{Revision: 1}, 1, "",
		},
		"an earlier failed revision is skipped": {
			[]*helmrelease.Release{record(superseded, seenReady), record(failed, "crash"), record(failed, "crash")}, State{Revision: 2, Condition: Failed}, 1, "",
		},
		"a revision that was never seen ready is skipped": {
			[]*helmrelease.Release{record(superseded, seenReady), record(superseded, notSeenReady+": context canceled"), record(failed, "crash")}, State{Revision: 2}, 1, "",
		},
		"a revision of a stopped run that never became ready": {
			[]*helmrelease.Release{record(superseded, seenReady), record(failed, "crash")}, State{Revision: 2, settling: true}, 1, "",
		},
		"a revision that served and does not now": {
			[]*helmrelease.Release{record(superseded, seenReady), record(failed, seenReady+" once, and not any more: crash")}, State{Revision: 2, settling: true}, 0,
			"revision 2 served before, so that this deploy made no revision to roll back",
		},
		"a first installation": {
			[]*helmrelease.Release{record(failed, "crash")}, State{}, 0, "no revision served before, so there is nothing to roll back to",
		},
		"nothing was changed": {
			[]*helmrelease.Release{record(deployed, seenReady)}, State{Revision: 1}, 0, "",
		},
		"nothing was changed after a failure that was left as it is": {
			[]*helmrelease.Release{record(superseded, seenReady), record(failed, "crash")}, State{Revision: 2, Condition: Failed}, 0, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for i, r := range test.records {
				r.Version = i + 1
			}
			assert.Equal(t, Fallback{Revision: test.want, Why: test.why}, fallback(test.records, test.before))
		})
	}
}

func TestRevisionServesOnceItsPodsWereSeenReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.mustDeploy(testSpec())
		stopped := testSpec()
		stopped.Values["image"] = "stopped"
		c.controllers = func() {}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, _, err := c.deploy(ctx, stopped)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, []string{seenReady, notSeenReady + ": context deadline exceeded"}, c.descriptions())

		c.ready() // after the run was stopped
		state, err := c.manager.Determine(context.Background(), stopped)
		require.NoError(t, err)
		assert.Equal(t, State{Condition: OutOfSync, Revision: 2, Reason: "the pods of revision 2 were not seen ready", settling: true}, state)
		_, err = c.manager.Apply(context.Background(), stopped, state)
		require.NoError(t, err)
		assert.Equal(t, []string{seenReady, seenReady}, c.descriptions())
		assert.Equal(t, 2, c.kube.applies, "nothing was applied")
	})
}

func TestRollbackWaitsForPodsWithinItsOwnBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, func(o *Options) { o.Timeout = 40 * time.Second })
		c.mustDeploy(testSpec())
		bad := testSpec()
		bad.Values["image"] = "bad"
		bad.Timeout = 5 * time.Minute
		c.controllers = func() { c.ready(); c.brokenBackend(diagnosetest.Waiting("InvalidImageName", "bad")) }
		state, _, err := c.deploy(context.Background(), bad)
		require.Error(t, err)
		back, err := c.manager.Fallback(context.Background(), testRelease, state)
		require.NoError(t, err)
		require.Equal(t, Fallback{Revision: 1}, back)

		c.controllers = func() { c.ready(); c.brokenBackend(diagnosetest.Running()) }
		began := time.Now()
		_, err = c.manager.Rollback(context.Background(), testRelease, back.Revision)
		failure, ok := errors.AsType[*diagnose.Failure](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, 40*time.Second, failure.TimedOut)
		assert.Equal(t, 40*time.Second, time.Since(began))
		assert.Equal(t, []string{"superseded", "failed", "failed"}, c.statuses())

		c.controllers = c.ready
		_, err = c.manager.Rollback(context.Background(), testRelease, back.Revision)
		require.NoError(t, err)
		assert.Equal(t, "seen ready, like revision 1", c.descriptions()[3])
	})
}
