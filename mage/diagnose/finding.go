package diagnose

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// How long a finding must last before it ends the wait. A registry, a scheduler
// and a volume plugin recover from short troubles by themselves, and the kubelet
// restarts what exited; what outlasts these bounds does not.
const (
	pullGrace      = 10 * time.Second
	configGrace    = 10 * time.Second
	createGrace    = 10 * time.Second
	crashLoopGrace = 15 * time.Second // a first back-off lasts 10 s
	scheduleGrace  = 15 * time.Second // the scheduler looks again after at most 10 s
	volumeGrace    = 15 * time.Second
	atOnce         = time.Duration(0)
	atTheEnd       = time.Duration(-1) // told only when the time bound is reached

	findingGap = 3 * time.Second // a finding that is gone for less is the same one

	finalRestarts = 3
)

// finding is a Cause as one snapshot shows it. The same key in successive
// snapshots is the same trouble.
type finding struct {
	Cause
	key      string
	grace    time.Duration
	previous bool // the log to show is that of the instance before
	waits    bool // it most likely waits for what another finding is about
	final    bool // it lasted for its grace
}

// rootsFirst orders findings by how likely each is what the others follow from:
// a full disk is; then what ended the wait; what would have ended it soon; what
// only the time bound shows; what waits for others.
func rootsFirst(a, b finding) int {
	return cmp.Or(a.rank()-b.rank(), slices.Index(kindOrder, a.Kind)-slices.Index(kindOrder, b.Kind))
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

// restarts says how often a container restarted since the wait began.
type restarts func(p *corev1.Pod, c corev1.ContainerStatus) int

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
