package diagnose

import (
	"cmp"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// A finding must last for its grace before it ends the wait. Registries, schedulers
// and volume plugins recover from short problems by themselves, and the kubelet
// restarts containers. A problem that lasts longer does not end by itself.
const (
	pullGrace      = 10 * time.Second
	configGrace    = 10 * time.Second
	createGrace    = 10 * time.Second
	crashLoopGrace = 15 * time.Second // the first back-off lasts 10 s
	scheduleGrace  = 15 * time.Second // the scheduler tries again after at most 10 s
	volumeGrace    = 15 * time.Second
	atOnce         = time.Duration(0)
	atTheEnd       = time.Duration(-1) // reported only when the time bound is reached

	findingGap = 3 * time.Second // a finding that disappears for less is the same one

	finalRestarts = 3
)

// finding is a Cause as one snapshot shows it. Findings with the same key in
// successive snapshots are the same problem.
type finding struct {
	Cause
	key      string
	grace    time.Duration
	previous bool // show the log of the previous instance
	waits    bool // it probably waits for the workload of another finding
	final    bool // it has lasted for its grace
}

// rootsFirst orders findings by the probability that the others follow from them:
// a full disk, findings that ended the wait, findings that would have ended it
// soon, findings that only the time bound reports, findings that wait for others.
func rootsFirst(a, b finding) int {
	return cmp.Or(a.rank()-b.rank(), a.Kind.order()-b.Kind.order())
}

func (f finding) rank() int {
	switch {
	case f.Kind == KindDisk:
		return 0
	case f.final:
		return 1
	case f.grace != atTheEnd:
		return 2
	case !f.waits:
		return 3
	}
	return 4
}

// restarts counts how often a container restarted since the wait began.
type restarts func(p *corev1.Pod, c corev1.ContainerStatus) int

// tracker remembers restarts and durations, which one snapshot does not show.
type tracker struct {
	baseline map[string]int32     // restarts of a container when first seen
	since    map[string]time.Time // when a finding was first seen
	seen     map[string]time.Time // when it was last seen
}

func newTracker() *tracker {
	return &tracker{baseline: map[string]int32{}, since: map[string]time.Time{}, seen: map[string]time.Time{}}
}

// restarts counts from the first snapshot with the container, so that earlier
// restarts of a pod do not count.
func (t *tracker) restarts(p *corev1.Pod, c corev1.ContainerStatus) int {
	key := string(p.UID) + "/" + c.Name
	base, known := t.baseline[key]
	if !known {
		base = c.RestartCount
		t.baseline[key] = base
	}
	return int(c.RestartCount - base)
}

// final tells whether any finding has lasted for its grace, and marks each that
// has.
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
