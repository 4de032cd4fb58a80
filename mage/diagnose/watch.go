package diagnose

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

const logsBudget = 10 * time.Second

// Watcher takes snapshots of a namespace during one wait. It remembers between them
// how long a problem lasts and how often a container restarted.
type Watcher struct {
	client    kubernetes.Interface
	namespace string
	ignored   map[types.UID]bool // hook Jobs of earlier actions
	tracker   *tracker
	found     []finding // in the last snapshot
}

// NewWatcher returns a Watcher for a namespace. It sends no request.
func NewWatcher(client kubernetes.Interface, namespace string) *Watcher {
	return &Watcher{client: client, namespace: namespace, ignored: map[types.UID]bool{}, tracker: newTracker()}
}

// Rollout names the objects of a revision that its rollout depends on.
type Rollout struct {
	Workloads []string // Deployments and StatefulSets: deployment/todo-backend
	Services  []string // by name
}

// Progress is the state of a rollout in one snapshot.
type Progress struct {
	Waiting  []string      // a line for each open condition; empty when the rollout is complete
	Final    bool          // waiting does not help: Failure says why
	Blocking []*corev1.Pod // old pods that are not ready and that a StatefulSet waits for
}

// Rollout takes a snapshot and tells how far a rollout is. It is complete when
// the workloads are rolled out and no Service sends requests to an older pod.
func (w *Watcher) Rollout(ctx context.Context, r Rollout) (Progress, error) {
	s, err := Take(ctx, w.client, w.namespace)
	if err != nil {
		return Progress{}, err
	}
	workloads := s.Workloads(r.Workloads)
	var p Progress
	for _, one := range workloads {
		if !one.RolledOut() {
			p.Waiting = append(p.Waiting, one.Progress())
		}
		p.Blocking = append(p.Blocking, one.blocking()...)
	}
	w.found = s.diagnose(workloads, w.tracker.restarts)
	if len(p.Waiting) == 0 {
		left := s.leftovers(workloads, r.Services)
		w.found = ending(left)
		for _, one := range left {
			p.Waiting = append(p.Waiting, one.String())
		}
	}
	p.Final = w.tracker.final(w.found, time.Now())
	return p, nil
}

// Failure has the findings of the last snapshot as causes, with the logs of failed
// containers. It is nil without findings. It reads the logs even when ctx has
// ended.
func (w *Watcher) Failure(ctx context.Context) *Failure {
	if len(w.found) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logsBudget)
	defer cancel()
	found := slices.Clone(w.found)
	for i := range found {
		one := &found[i]
		switch one.Kind {
		case KindCrash, KindInit, KindProbe:
			one.Logs = w.logs(ctx, *one)
			one.blameDisk(one.Logs...) // a log may show the root of it
		}
	}
	slices.SortStableFunc(found, rootsFirst)
	f := &Failure{}
	for _, one := range found {
		f.Causes = append(f.Causes, one.Cause)
	}
	return f
}
