package release

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"todo-chatbot/mage/diagnose"
	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
)

// freshBudget bounds the requests that record how an action ended, after its own
// context has ended.
const freshBudget = 10 * time.Second

// timeLimit is the cause of a context that ended at a time bound of this package.
type timeLimit time.Duration

func (l timeLimit) Error() string { return "not done within " + time.Duration(l).String() }

// waitRollout returns when the workloads of a manifest are rolled out and none of its
// Services sends requests to a pod of an older revision. It returns a
// *diagnose.Failure as soon as waiting does not help, or when the time bound of
// this package is reached.
func (m *Manager) waitRollout(ctx context.Context, wanted *manifest, step *progress.Step) error {
	rollout := diagnose.Rollout{Workloads: wanted.workloads(), Services: wanted.services()}
	watcher := m.watcher()
	err := kube.Poll{}.Until(ctx, func(ctx context.Context) error {
		seen, err := watcher.Rollout(ctx, rollout)
		if err != nil {
			return fmt.Errorf("read the pods of the release: %w", err)
		}
		if len(seen.Waiting) == 0 {
			return nil
		}
		waiting := strings.Join(seen.Waiting, ", ")
		step.Update("%s", waiting)
		if seen.Final {
			return kube.Stop(watcher.Failure(ctx))
		}
		m.unblock(ctx, seen.Blocking)
		return errors.New(waiting)
	})
	cause := context.Cause(ctx)
	switch limit, ours := errors.AsType[timeLimit](err); {
	case ours:
		return m.timedOut(ctx, watcher, rollout, limit, err)
	case cause != nil && errors.Is(err, cause):
		return cause
	}
	return err
}

// timedOut looks once more after the time bound, and is nil when the rollout is
// complete by then.
func (m *Manager) timedOut(ctx context.Context, watcher *diagnose.Watcher, rollout diagnose.Rollout, limit timeLimit, waited error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), freshBudget)
	defer cancel()
	if _, err := watcher.Rollout(ctx, rollout); err != nil {
		return fmt.Errorf("the cluster no longer answers: %w", errors.Join(err, waited))
	}
	f := watcher.Failure(ctx)
	if f == nil {
		return nil
	}
	f.TimedOut = time.Duration(limit)
	return f
}

func (m *Manager) watcher() *diagnose.Watcher {
	return diagnose.NewWatcher(m.clients.Clientset, m.namespace)
}

// Settle waits, as Apply does, until the workloads of the last revision are rolled
// out, for example after a restart. It records nothing. If they do not become ready,
// the error is a *diagnose.Failure.
func (m *Manager) Settle(ctx context.Context, name string) error {
	step := m.progress.Start("pods", m.namespace+"/"+name)
	ctx, cancel := context.WithTimeoutCause(ctx, m.timeout, timeLimit(m.timeout))
	defer cancel()
	last, err := m.last(ctx, name)
	if err != nil {
		return step.Fail(err)
	}
	wanted, err := parseManifest(last.Manifest)
	if err != nil {
		return step.Fail(err)
	}
	if err := m.waitRollout(ctx, wanted, step); err != nil {
		if failure, failed := errors.AsType[*diagnose.Failure](err); failed {
			failure.Release, failure.Revision = last.Name, last.Version
			return step.Fail(failure)
		}
		return step.Fail(fmt.Errorf("wait for the pods of release %q: %w", name, err))
	}
	step.Done("ready", "")
	return nil
}

// unblock deletes old pods that are not ready and that a StatefulSet's controller
// waits for before it replaces them. Pods of a broken revision never become ready.
func (m *Manager) unblock(ctx context.Context, blocking []*corev1.Pod) {
	for _, p := range blocking {
		err := m.clients.Clientset.CoreV1().Pods(m.namespace).Delete(ctx, p.Name, *metav1.NewPreconditionDeleteOptions(string(p.UID)))
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return // the next round tries again
		}
	}
}
