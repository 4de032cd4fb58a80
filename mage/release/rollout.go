package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
)

const (
	findingGap  = 3 * time.Second // a finding that is gone for less is the same one
	freshBudget = 10 * time.Second
)

// timeLimit is the cause of a context that this package's own bound ended.
type timeLimit time.Duration

func (l timeLimit) Error() string { return "not done within " + time.Duration(l).String() }

// tracker remembers between snapshots what one of them cannot tell.
type tracker struct {
	baseline map[string]int32     // restarts of a container when first seen
	since    map[string]time.Time // when a finding was first seen
	seen     map[string]time.Time // and last
}

func newTracker() *tracker {
	return &tracker{baseline: map[string]int32{}, since: map[string]time.Time{}, seen: map[string]time.Time{}}
}

// restarts counts from the first sight of a container, so that an old pod's past
// is not held against it.
func (t *tracker) restarts(p *corev1.Pod, c corev1.ContainerStatus) int {
	key := string(p.UID) + "/" + c.Name
	base, known := t.baseline[key]
	if !known {
		base = c.RestartCount
		t.baseline[key] = base
	}
	return int(c.RestartCount - base)
}

// final says whether any finding has lasted long enough to end the wait, and
// marks those that have.
func (t *tracker) final(found []finding, now time.Time) bool {
	final := false
	for i := range found {
		f := &found[i]
		if last, known := t.seen[f.key]; !known || now.Sub(last) > findingGap {
			t.since[f.key] = now
		}
		t.seen[f.key] = now
		f.final = f.grace != atTheEnd && now.Sub(t.since[f.key]) >= f.grace
		final = final || f.final
	}
	return final
}

// wait returns when the workloads of a manifest are rolled out and none of its
// Services leads to a pod of an older revision any more, with a *Failure as soon
// as that cannot come about, or when ctx ends.
func (m *Manager) wait(ctx context.Context, wanted *manifest, step *progress.Step) error {
	refs, services := wanted.workloads(), wanted.services()
	t := newTracker()
	err := kube.Poll{}.Until(ctx, func(ctx context.Context) error {
		s, err := m.snapshot(ctx)
		if err != nil {
			return fmt.Errorf("look at the pods of the release: %w", err)
		}
		workloads := s.workloads(refs)
		waiting := notReady(workloads)
		if len(waiting) == 0 {
			for _, left := range s.leftovers(workloads, services) {
				waiting = append(waiting, left.String())
			}
		}
		if len(waiting) == 0 {
			return nil
		}
		step.Update("%s", strings.Join(waiting, ", "))
		found := s.diagnose(workloads, t.restarts)
		if t.final(found, time.Now()) {
			return kube.Stop(m.failure(ctx, found))
		}
		m.unblock(ctx, s, refs)
		return errors.New(strings.Join(waiting, ", "))
	})
	cause := context.Cause(ctx)
	switch limit, ours := errors.AsType[timeLimit](err); {
	case ours:
		return m.lastWord(ctx, wanted, t, limit, err)
	case cause != nil && errors.Is(err, cause):
		return cause
	}
	return err
}

func notReady(workloads []*workload) []string {
	var out []string
	for _, w := range workloads {
		if !w.rolledOut() {
			out = append(out, w.progress())
		}
	}
	return out
}

// lastWord is the diagnosis when the time bound is reached.
func (m *Manager) lastWord(ctx context.Context, wanted *manifest, t *tracker, limit timeLimit, waited error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), freshBudget)
	defer cancel()
	s, err := m.snapshot(ctx)
	if err != nil {
		return fmt.Errorf("the cluster does not answer any more: %w", errors.Join(err, waited))
	}
	workloads := s.workloads(wanted.workloads())
	found := s.diagnose(workloads, t.restarts)
	if len(notReady(workloads)) == 0 {
		found = ending(s.leftovers(workloads, wanted.services()))
	}
	if len(found) == 0 {
		return nil
	}
	f := m.failure(ctx, found)
	f.TimedOut = time.Duration(limit)
	return f
}

// failure adds the logs to what was found. They may show the root of it.
func (m *Manager) failure(ctx context.Context, found []finding) *Failure {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), freshBudget)
	defer cancel()
	found = slices.Clone(found)
	for i := range found {
		one := &found[i]
		switch one.Kind {
		case KindCrash, KindInit, KindProbe:
			one.Logs = m.logs(ctx, one.Pod, one.Container, one.previous)
			one.blameDisk(one.Logs...)
		}
	}
	slices.SortStableFunc(found, rootsFirst)
	f := &Failure{}
	for _, one := range found {
		f.Causes = append(f.Causes, one.Cause)
	}
	return f
}

// Settle waits, as Apply does, until the Deployments and StatefulSets of the
// last revision are rolled out and nothing older serves, after something other than a revision has
// replaced their pods. It records nothing. A *Failure names why they cannot be.
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
	if err := m.wait(ctx, wanted, step); err != nil {
		if failure, failed := errors.AsType[*Failure](err); failed {
			failure.Release, failure.Revision = last.Name, last.Version
			return step.Fail(failure)
		}
		return step.Fail(fmt.Errorf("wait for the pods of release %q: %w", name, err))
	}
	step.Done("ready", "")
	return nil
}

// unblock deletes the pods of an older revision that are not ready and stand in
// a StatefulSet's way: its controller waits for them before it replaces them,
// which for a broken revision is for ever. A pod that is ready is never touched.
func (m *Manager) unblock(ctx context.Context, s *snapshot, refs []string) {
	for _, w := range s.workloads(refs) {
		if w.kind != kindStatefulSet || w.settled {
			continue
		}
		for _, p := range w.old {
			if kube.PodReady(p) {
				continue
			}
			err := m.clients.Clientset.CoreV1().Pods(m.namespace).Delete(ctx, p.Name, *metav1.NewPreconditionDeleteOptions(string(p.UID)))
			if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
				return // the next round tries again
			}
		}
	}
}
