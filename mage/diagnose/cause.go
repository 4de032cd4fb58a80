package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is the kind of a Cause.
type Kind string

// Kinds of cause, the likeliest root first. Causes of equal rank are reported in
// this order.
const (
	KindDisk          Kind = "disk"          // a disk of the node is full
	KindImagePull     Kind = "image pull"    // the image cannot be pulled
	KindConfig        Kind = "configuration" // a Secret, ConfigMap or key that the pod needs is missing
	KindQuota         Kind = "pod creation"  // a quota or an admission check forbids the pods
	KindVolume        Kind = "volume"        // a claim is not bound or a volume cannot be mounted
	KindUnschedulable Kind = "unschedulable" // the pod fits on no node
	KindEvicted       Kind = "evicted"       // the kubelet refused or evicted the pod
	KindInit          Kind = "init"          // an init container keeps failing
	KindCrash         Kind = "crash"         // a container keeps exiting
	KindHook          Kind = "hook"          // a hook's Job failed, and none of its pods shows why
	KindProbe         Kind = "probe"         // a container runs and does not become ready
	KindEnding        Kind = "ending"        // a Service still sends requests to a pod of an older revision
	KindTimeout       Kind = "time-out"      // not ready, and the cluster shows no reason
)

// order is the place of a Kind in the list above.
func (k Kind) order() int {
	return slices.Index([]Kind{
		KindDisk, KindImagePull, KindConfig, KindQuota, KindVolume, KindUnschedulable,
		KindEvicted, KindInit, KindCrash, KindHook, KindProbe, KindEnding, KindTimeout,
	}, k)
}

// Cause is one reason why a workload is not ready.
type Cause struct {
	Kind      Kind
	Object    string // the workload: deployment/todo-backend
	Pod       string // one pod that shows the cause; may be empty
	Container string
	Message   string   // one line
	Logs      []string // the last lines of the container's log, the failed instance first
	Events    []string // the last warnings about the pod or its owner
}

func (c Cause) String() string {
	if c.Container != "" {
		return fmt.Sprintf("%s: container %q %s", c.Object, c.Container, c.Message)
	}
	return fmt.Sprintf("%s: %s", c.Object, c.Message)
}

// Failure says why a release did not become ready. Error is one line that begins
// with the cause; Details adds the others.
type Failure struct {
	Release  string
	Revision int
	Causes   []Cause       // the likeliest root first, never empty
	TimedOut time.Duration // the time bound, if it ended the wait; 0 if waiting could not help
}

func (f *Failure) Error() string {
	first := f.Causes[0]
	text := first.String()
	if last := lastNonBlank(first.Logs); last != "" && (first.Kind == KindCrash || first.Kind == KindInit) {
		text += ": " + clip(last, 160)
	}
	if more := len(f.Causes) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	if f.TimedOut > 0 {
		text += fmt.Sprintf(" (not ready within %s)", f.TimedOut)
	}
	return text
}

// Details lists all causes with their events and logs, on several lines.
func (f *Failure) Details() string {
	var b strings.Builder
	fmt.Fprintf(&b, "revision %d of release %q is not ready:\n", f.Revision, f.Release)
	for _, c := range f.Causes {
		fmt.Fprintf(&b, "%s (%s)\n", c, c.Kind)
		if c.Pod != "" {
			fmt.Fprintf(&b, "  pod %s\n", c.Pod)
		}
		for _, e := range c.Events {
			fmt.Fprintf(&b, "  event: %s\n", e)
		}
		for _, l := range c.Logs {
			fmt.Fprintf(&b, "  | %s\n", l)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}
