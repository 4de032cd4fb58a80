package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	helmkube "helm.sh/helm/v3/pkg/kube"
	helmrelease "helm.sh/helm/v3/pkg/release"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"todo-chatbot/mage/kube"
)

const (
	kindJob   = "Job"
	hookEvery = time.Second // how often hooks that run are looked at
)

// hookClient is Helm's client but for its wait for hooks, which takes no context:
// it would go on asking, and complaining, long after its action was given up.
type hookClient struct {
	*helmkube.Client
	ctx context.Context // of the action
	m   *Manager
}

// WatchUntilReady waits until Jobs and Pods have ended well, as Helm's does.
func (c hookClient) WatchUntilReady(resources helmkube.ResourceList, timeout time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(c.ctx, timeout, timeLimit(timeout))
	defer cancel()
	var errs []error
	for _, info := range resources {
		errs = append(errs, c.m.hookEnds(ctx, info.Mapping.GroupVersionKind.Kind, info.Name))
	}
	return errors.Join(errs...)
}

func (m *Manager) hookEnds(ctx context.Context, kind, name string) error {
	return kube.Poll{}.Until(ctx, func(ctx context.Context) error {
		ended, err := m.hookEnded(ctx, kind, name)
		switch {
		case ended:
			return kube.Stop(err)
		case err != nil: // the API server may be unreachable for a moment
			return err
		}
		return fmt.Errorf("%s has not finished", ref(kind, name))
	})
}

// hookEnded says whether a hook's object has ended, and how. Of what neither is
// a Job nor a Pod, being there is all that is wanted.
func (m *Manager) hookEnded(ctx context.Context, kind, name string) (bool, error) {
	gone := fmt.Errorf("%s was deleted while it ran", ref(kind, name))
	switch kind {
	case kindJob:
		job, err := m.clients.Clientset.BatchV1().Jobs(m.namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return unseen(err, gone)
		}
		end := jobEnd(job)
		if end != nil && end.Type == batchv1.JobFailed {
			return true, errors.New(joined(ref(kind, name)+" failed", end.Reason, end.Message))
		}
		return end != nil, nil
	case "Pod":
		pod, err := m.clients.Clientset.CoreV1().Pods(m.namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return unseen(err, gone)
		}
		if pod.Status.Phase == corev1.PodFailed {
			return true, errors.New(joined(ref(kind, name)+" failed", pod.Status.Reason, pod.Status.Message))
		}
		return pod.Status.Phase == corev1.PodSucceeded, nil
	}
	return true, nil
}

// unseen says whether an error about a hook's object ends the wait for it, and
// with what.
func unseen(err, gone error) (bool, error) {
	if apierrors.IsNotFound(err) {
		return true, gone
	}
	return false, err
}

// hookWatch looks at the Jobs that Helm runs as hooks. Helm knows only whether
// they end, so one whose image is not there would hold it until its time bound.
type hookWatch struct {
	m      *Manager
	old    map[types.UID]bool // Jobs that earlier runs left
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu   sync.Mutex
	seen []finding // at the last look
}

// watchHooks watches until stop is called, and ends the action by fail when a
// hook cannot get anywhere. A Job that runs and fails ends by itself.
func (m *Manager) watchHooks(ctx context.Context, fail context.CancelCauseFunc) *hookWatch {
	ctx, cancel := context.WithCancel(ctx)
	h := &hookWatch{m: m, old: map[types.UID]bool{}, cancel: cancel}
	jobs, err := m.hookJobs(ctx)
	if err != nil {
		return h // Helm's own bound holds
	}
	for _, job := range jobs {
		h.old[job.UID] = true
	}
	h.ended.Go(func() { h.watch(ctx, fail) })
	return h
}

func (h *hookWatch) stop() {
	h.cancel()
	h.ended.Wait()
}

func (h *hookWatch) watch(ctx context.Context, fail context.CancelCauseFunc) {
	t := newTracker()
	_ = kube.Poll{Every: hookEvery}.Until(ctx, func(ctx context.Context) error {
		found, err := h.look(ctx, t.restarts)
		if err != nil {
			return err
		}
		final := t.final(found, time.Now())
		h.mu.Lock()
		h.seen = found
		h.mu.Unlock()
		if !final {
			return errors.New("the action runs")
		}
		fail(h.m.failure(ctx, found))
		return nil
	})
}

// look finds what keeps the hooks of this run from ending.
func (h *hookWatch) look(ctx context.Context, since restarts) ([]finding, error) {
	jobs, err := h.m.hookJobs(ctx)
	jobs = slices.DeleteFunc(jobs, func(j batchv1.Job) bool { return h.old[j.UID] || jobEnd(&j) != nil })
	if err != nil || len(jobs) == 0 {
		return nil, err
	}
	s, err := h.m.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	var found []finding
	for i := range jobs {
		found = append(found, s.hook(&jobs[i], since)...)
	}
	for i := range found {
		switch found[i].Kind {
		case KindCrash, KindInit, KindEvicted, KindProbe, KindTimeout:
			found[i].grace = atTheEnd // the Job's own bounds end it
		}
	}
	return found, nil
}

// lastWord is the error when the time bound is reached: a hook's, if one runs.
func (h *hookWatch) lastWord(ctx context.Context, limit timeLimit) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.seen) == 0 {
		return limit
	}
	f := h.m.failure(ctx, h.seen)
	f.TimedOut = time.Duration(limit)
	return f
}

// hookJobs are the Jobs of the namespace that are Helm's hooks.
func (m *Manager) hookJobs(ctx context.Context) ([]batchv1.Job, error) {
	jobs, err := m.clients.Clientset.BatchV1().Jobs(m.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list Jobs of namespace %q: %w", m.namespace, err)
	}
	return slices.DeleteFunc(jobs.Items, func(j batchv1.Job) bool { return j.Annotations[helmrelease.HookAnnotation] == "" }), nil
}

// jobEnd is the condition with which a Job ended, nil while it runs.
func jobEnd(job *batchv1.Job) *batchv1.JobCondition {
	for i, c := range job.Status.Conditions {
		if c.Status == corev1.ConditionTrue && (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) {
			return &job.Status.Conditions[i]
		}
	}
	return nil
}

// hook finds what is wrong with a hook's Job, as with a workload of one pod.
func (s *snapshot) hook(job *batchv1.Job, since restarts) []finding {
	w := &workload{kind: kindJob, name: job.Name, uid: job.UID, wanted: 1, template: job.Spec.Template.Spec, owners: []metav1.Object{job}}
	for i := range s.pods {
		if p := &s.pods[i]; owned(p, job.UID) && p.DeletionTimestamp == nil {
			w.pods = append(w.pods, p)
		}
	}
	if len(w.pods) == 0 {
		w.failing = s.lastCreateFailure(job.UID)
	}
	found := s.diagnose([]*workload{w}, since)
	for i := range found {
		f := &found[i]
		f.Object = hookName(job.Annotations[helmrelease.HookAnnotation], f.Object)
		if f.Kind != KindTimeout {
			continue
		}
		f.Kind, f.Message = KindHook, "has not finished"
		if end := jobEnd(job); end != nil {
			f.Message = joined("failed", end.Reason, end.Message)
		}
		f.Events = warningLines(s.eventsOf(job.UID))
	}
	return found
}

func hookName(events, object string) string {
	return strings.ReplaceAll(events, ",", " and ") + " hook " + object
}

// hookFailure is why a hook of a revision failed; nil when none did, or when
// there is nothing left that tells more than Helm.
func (m *Manager) hookFailure(ctx context.Context, r *helmrelease.Release) *Failure {
	i := slices.IndexFunc(r.Hooks, func(h *helmrelease.Hook) bool {
		return h.LastRun.Phase == helmrelease.HookPhaseFailed && h.Kind == kindJob
	})
	if i < 0 {
		return nil
	}
	job, err := m.clients.Clientset.BatchV1().Jobs(m.namespace).Get(ctx, r.Hooks[i].Name, metav1.GetOptions{})
	if err != nil {
		return nil
	}
	s, err := m.snapshot(ctx)
	if err != nil {
		return nil
	}
	all := func(_ *corev1.Pod, c corev1.ContainerStatus) int { return int(c.RestartCount) }
	return m.failure(ctx, s.hook(job, all))
}
