package release

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/chart"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"todo-chatbot/mage/diagnose"
	"todo-chatbot/mage/diagnose/diagnosetest"
)

// hookSpec is an upgrade whose chart has a hook.
func hookSpec() Spec {
	spec := testSpec()
	spec.Chart.Templates = append(spec.Chart.Templates, &chart.File{Name: "templates/backup.yaml", Data: []byte(`apiVersion: batch/v1
kind: Job
metadata: {name: todo-backup, annotations: {helm.sh/hook: pre-upgrade}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: backup, image: x}]}}}
`)})
	return spec
}

// hook creates a pod with a container in a state for the hook's Job.
func (c *cluster) hook(state corev1.ContainerStatus) *batchv1.Job {
	job, err := c.client.BatchV1().Jobs(testNamespace).Get(context.Background(), "todo-backup", metav1.GetOptions{})
	require.NoError(c.t, err)
	state.Name = "backup"
	p := diagnosetest.Pod("todo-backup-x", job, state)
	if state.State.Terminated != nil {
		p.Status.Phase = corev1.PodFailed
	}
	c.put(p)
	return job
}

func TestFailedHookIsReportedWithItsLog(t *testing.T) {
	c := newCluster(t)
	c.mustDeploy(testSpec())
	c.kube.hook = func() error {
		job := c.hook(diagnosetest.Exited(1, "Error"))
		job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Reason: "BackoffLimitExceeded"}}
		c.put(job)
		return errors.New("job todo-backup failed: BackoffLimitExceeded")
	}
	state, _, err := c.deploy(context.Background(), hookSpec())
	const says = `pre-upgrade hook job/todo-backup: container "backup" exits with code 1: fake logs`
	require.EqualError(t, err, says)
	failure, ok := errors.AsType[*diagnose.Failure](err)
	require.True(t, ok)
	assert.Equal(t, 2, failure.Revision)
	assert.Equal(t, []string{"deployed", "failed"}, c.statuses())
	last, err := c.manager.last(context.Background(), testRelease)
	require.NoError(t, err)
	assert.Equal(t, says, last.Info.Description)
	back, err := c.manager.Fallback(context.Background(), testRelease, state)
	require.NoError(t, err)
	assert.Equal(t, Fallback{Revision: 1}, back)
}

func TestDeletedHookIsReportedWithHelmsError(t *testing.T) {
	c := newCluster(t)
	c.mustDeploy(testSpec())
	c.kube.hook = func() error {
		c.remove(&batchv1.Job{}, "todo-backup")
		return errors.New("job todo-backup failed: BackoffLimitExceeded")
	}
	_, _, err := c.deploy(context.Background(), hookSpec())
	assert.EqualError(t, err, `upgrade release "todo" in namespace "todo-dev": pre-upgrade hooks failed: job todo-backup failed: BackoffLimitExceeded`)
}

func TestHookThatCannotSucceedEndsTheAction(t *testing.T) {
	for name, test := range map[string]struct {
		state  corev1.ContainerStatus
		says   string
		within time.Duration
	}{
		"image not found":    {diagnosetest.Waiting("ErrImagePull", "not found"), `cannot pull image "localhost:5000/backend@sha256:aaa": not found`, 20 * time.Second},
		"time bound reached": {func() corev1.ContainerStatus { s := diagnosetest.Running(); s.Ready = true; return s }(), `has not finished (not ready within 1m30s)`, 90*time.Second + cancelGrace},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t)
				c.mustDeploy(testSpec())
				ended := make(chan struct{})
				defer close(ended)
				c.kube.hook = func() error {
					c.hook(test.state)
					<-ended // Helm does not see why it waits
					return errors.New("timed out")
				}
				began := time.Now()
				spec := hookSpec()
				spec.Timeout = 90 * time.Second
				_, _, err := c.deploy(context.Background(), spec)
				require.ErrorContains(t, err, `pre-upgrade hook job/todo-backup: `)
				assert.ErrorContains(t, err, test.says)
				assert.LessOrEqual(t, time.Since(began), test.within)
				assert.Equal(t, []string{"deployed", "failed"}, c.statuses(), "nothing is left pending")
			})
		})
	}
}

func TestWaitForAHookEndsWithTheHookOrTheAction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		job := func(condition batchv1.JobConditionType) {
			c.put(&batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "job"}, Status: batchv1.JobStatus{
				Conditions: []batchv1.JobCondition{{Type: condition, Status: corev1.ConditionTrue, Reason: "Why", Message: "so"}}}})
		}
		run := func(phase corev1.PodPhase) {
			c.put(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "pod"}, Status: corev1.PodStatus{Phase: phase}})
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		m := c.manager
		assert.NoError(t, m.hookEnds(ctx, "ConfigMap", "any"))
		assert.EqualError(t, m.hookEnds(ctx, "Job", "job"), "job/job was deleted while it ran")
		job(batchv1.JobSuspended)
		run(corev1.PodRunning)
		time.AfterFunc(minute, func() { job(batchv1.JobFailed); run(corev1.PodFailed) })
		assert.EqualError(t, m.hookEnds(ctx, "Job", "job"), "job/job failed: Why: so")
		assert.EqualError(t, m.hookEnds(ctx, "Pod", "pod"), "pod/pod failed")
		job(batchv1.JobComplete)
		run(corev1.PodSucceeded)
		assert.NoError(t, m.hookEnds(ctx, "Job", "job"))
		assert.NoError(t, m.hookEnds(ctx, "Pod", "pod"))
		run(corev1.PodPending)
		time.AfterFunc(minute, cancel)
		assert.ErrorIs(t, m.hookEnds(ctx, "Pod", "pod"), context.Canceled)
	})
}

func TestInterruptedHookIsNotReportedAsFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.mustDeploy(testSpec())
		ctx, cancel := context.WithCancel(context.Background())
		c.kube.hook = func() error {
			c.hook(diagnosetest.Running())
			cancel()
			return errors.New("context canceled")
		}
		_, _, err := c.deploy(ctx, hookSpec())
		require.ErrorIs(t, err, context.Canceled)
		_, failed := errors.AsType[*diagnose.Failure](err)
		assert.False(t, failed)
	})
}
