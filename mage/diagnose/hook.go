package diagnose

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	helmrelease "helm.sh/helm/v3/pkg/release"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"todo-chatbot/mage/kube"
)

const kindJob = "Job"

// IgnoreHooks makes later calls of Hooks ignore the hook Jobs that exist now:
// earlier actions made them.
func (w *Watcher) IgnoreHooks(ctx context.Context) error {
	jobs, err := w.hookJobs(ctx)
	for _, job := range jobs {
		w.ignored[job.UID] = true
	}
	return err
}

// Hooks takes a snapshot and finds why the hook Jobs of the namespace do not end.
// final is true when waiting does not help: Failure says why.
func (w *Watcher) Hooks(ctx context.Context) (final bool, err error) {
	jobs, err := w.hookJobs(ctx)
	if err != nil {
		return false, err
	}
	jobs = slices.DeleteFunc(jobs, func(j batchv1.Job) bool { return w.ignored[j.UID] || kube.JobEnd(&j) != nil })
	if len(jobs) == 0 {
		w.found = nil
		return false, nil
	}
	s, err := Take(ctx, w.client, w.namespace)
	if err != nil {
		return false, err
	}
	var found []finding
	for i := range jobs {
		found = append(found, s.hook(&jobs[i], w.tracker.restarts)...)
	}
	for i := range found {
		switch found[i].Kind {
		case KindCrash, KindInit, KindEvicted, KindProbe, KindTimeout:
			found[i].grace = atTheEnd // the Job's own bounds end it
		}
	}
	w.found = found
	return w.tracker.final(found, time.Now()), nil
}

// Hook says why a hook Job failed. It is nil if the cluster does not show it.
func (w *Watcher) Hook(ctx context.Context, name string) *Failure {
	job, err := w.client.BatchV1().Jobs(w.namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil
	}
	s, err := Take(ctx, w.client, w.namespace)
	if err != nil {
		return nil
	}
	all := func(_ *corev1.Pod, c corev1.ContainerStatus) int { return int(c.RestartCount) }
	w.found = s.hook(job, all)
	return w.Failure(ctx)
}

// hookJobs are the Jobs in the namespace that are hooks of Helm.
func (w *Watcher) hookJobs(ctx context.Context) ([]batchv1.Job, error) {
	jobs, err := w.client.BatchV1().Jobs(w.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list Jobs of namespace %q: %w", w.namespace, err)
	}
	return slices.DeleteFunc(jobs.Items, func(j batchv1.Job) bool { return j.Annotations[helmrelease.HookAnnotation] == "" }), nil
}

// hook finds the problem of a hook's Job, which counts as a workload with one pod.
func (s *Snapshot) hook(job *batchv1.Job, since restarts) []finding {
	w := &Workload{Kind: kindJob, Name: job.Name, uid: job.UID, Wanted: 1, Template: job.Spec.Template.Spec, owners: []metav1.Object{job}}
	for i := range s.pods {
		if p := &s.pods[i]; owned(p, job.UID) && p.DeletionTimestamp == nil {
			w.pods = append(w.pods, p)
		}
	}
	if len(w.pods) == 0 {
		w.failing = s.lastCreateFailure(job.UID)
	}
	found := s.diagnose([]*Workload{w}, since)
	for i := range found {
		f := &found[i]
		f.Object = hookName(job.Annotations[helmrelease.HookAnnotation], f.Object)
		if f.Kind != KindTimeout {
			continue
		}
		f.Kind, f.Message = KindHook, "has not finished"
		if end := kube.JobEnd(job); end != nil {
			f.Message = joined("failed", end.Reason, end.Message)
		}
		f.Events = warningLines(s.eventsOf(job.UID))
	}
	return found
}

func hookName(events, object string) string {
	return strings.ReplaceAll(events, ",", " and ") + " hook " + object
}
