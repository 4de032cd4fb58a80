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

	"todo-chatbot/mage/diagnose"
	"todo-chatbot/mage/kube"
)

const (
	kindJob   = "Job"
	hookEvery = time.Second // interval between snapshots while hooks run
)

// hookClient replaces the wait for hooks in Helm's client. That wait takes no
// context and would continue after its action was abandoned.
type hookClient struct {
	*helmkube.Client
	ctx context.Context // of the action
	m   *Manager
}

// WatchUntilReady waits until Jobs and Pods have succeeded, as Helm's client does.
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
		return fmt.Errorf("%s has not finished", kube.Ref(kind, name))
	})
}

// hookEnded tells whether the object of a hook has ended, with an error if it failed.
// An object that is neither a Job nor a Pod only has to exist.
func (m *Manager) hookEnded(ctx context.Context, kind, name string) (bool, error) {
	gone := fmt.Errorf("%s was deleted while it ran", kube.Ref(kind, name))
	switch kind {
	case kindJob:
		job, err := m.clients.Clientset.BatchV1().Jobs(m.namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return unseen(err, gone)
		}
		end := kube.JobEnd(job)
		if end != nil && end.Type == batchv1.JobFailed {
			return true, failed(kind, name, end.Reason, end.Message)
		}
		return end != nil, nil
	case "Pod":
		pod, err := m.clients.Clientset.CoreV1().Pods(m.namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return unseen(err, gone)
		}
		if pod.Status.Phase == corev1.PodFailed {
			return true, failed(kind, name, pod.Status.Reason, pod.Status.Message)
		}
		return pod.Status.Phase == corev1.PodSucceeded, nil
	}
	return true, nil
}

func failed(kind, name string, reasons ...string) error {
	parts := append([]string{kube.Ref(kind, name) + " failed"}, reasons...)
	return errors.New(strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ": "))
}

// unseen tells whether an error about the object of a hook ends the wait for it.
func unseen(err, gone error) (bool, error) {
	if apierrors.IsNotFound(err) {
		return true, gone
	}
	return false, err
}

// hookWatch watches the Jobs that Helm runs as hooks. Helm only knows whether they
// end, so that a Job whose image does not exist would hold it until its time
// bound.
type hookWatch struct {
	watcher *diagnose.Watcher
	cancel  context.CancelFunc
	ended   sync.WaitGroup
}

// watchHooks watches until stop is called, and ends the action by fail when a
// hook cannot succeed. A Job that runs and fails ends by itself.
func (m *Manager) watchHooks(ctx context.Context, fail context.CancelCauseFunc) *hookWatch {
	ctx, cancel := context.WithCancel(ctx)
	h := &hookWatch{watcher: m.watcher(), cancel: cancel}
	if err := h.watcher.IgnoreHooks(ctx); err != nil {
		return h // Helm's own bound holds
	}
	h.ended.Go(func() {
		_ = kube.Poll{Every: hookEvery}.Until(ctx, func(ctx context.Context) error {
			final, err := h.watcher.Hooks(ctx)
			switch {
			case err != nil:
				return err
			case !final:
				return errors.New("the action runs")
			}
			fail(h.watcher.Failure(ctx))
			return nil
		})
	})
	return h
}

func (h *hookWatch) stop() {
	h.cancel()
	h.ended.Wait()
}

// failure is the error at the time bound: the failure of the running hook, or limit
// if no hook runs.
func (h *hookWatch) failure(ctx context.Context, limit timeLimit) error {
	h.stop()
	f := h.watcher.Failure(ctx)
	if f == nil {
		return limit
	}
	f.TimedOut = time.Duration(limit)
	return f
}

// hookFailure says why a hook of a revision failed. It is nil if none failed, or if
// the cluster shows no more than Helm's error.
func (m *Manager) hookFailure(ctx context.Context, r *helmrelease.Release) *diagnose.Failure {
	i := slices.IndexFunc(r.Hooks, func(h *helmrelease.Hook) bool {
		return h.LastRun.Phase == helmrelease.HookPhaseFailed && h.Kind == kindJob
	})
	if i < 0 {
		return nil
	}
	return m.watcher().Hook(ctx, r.Hooks[i].Name)
}
