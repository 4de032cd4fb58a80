package diagnose

import (
	"fmt"
	"strings"
	"time"
)

// Kind of a Cause.
type Kind string

// Kinds of cause, the likeliest root first: of several that are equally certain,
// this is the order in which they are told.
const (
	KindDisk          Kind = "disk"          // a disk of the node is full
	KindImagePull     Kind = "image pull"    // the image cannot be pulled
	KindConfig        Kind = "configuration" // a Secret, ConfigMap or key that the pod needs is missing
	KindQuota         Kind = "pod creation"  // quota or admission forbids the pods
	KindVolume        Kind = "volume"        // a claim is not bound or a volume cannot be mounted
	KindUnschedulable Kind = "unschedulable" // no node takes the pod
	KindEvicted       Kind = "evicted"       // the kubelet refused or evicted the pod
	KindInit          Kind = "init"          // an init container keeps failing
	KindCrash         Kind = "crash"         // a container keeps exiting
	KindHook          Kind = "hook"          // a hook's Job failed, and no pod of it tells why
	KindProbe         Kind = "probe"         // running but never ready
	KindEnding        Kind = "ending"        // a Service still leads to a pod of an older revision
	KindTimeout       Kind = "time-out"      // not ready, and the cluster does not tell why
)

var kindOrder = []Kind{
	KindDisk, KindImagePull, KindConfig, KindQuota, KindVolume, KindUnschedulable,
	KindEvicted, KindInit, KindCrash, KindHook, KindProbe, KindEnding, KindTimeout,
}

// Cause is one reason why a workload is not ready.
type Cause struct {
	Kind      Kind
	Object    string // the workload: deployment/todo-backend
	Pod       string // one pod that shows it; empty where there is none
	Container string
	Message   string   // one line
	Logs      []string // the end of the container's log, the failed instance first
	Events    []string // the last warnings about the pod or its owner
}

func (c Cause) String() string {
	if c.Container != "" {
		return fmt.Sprintf("%s: container %q %s", c.Object, c.Container, c.Message)
	}
	return fmt.Sprintf("%s: %s", c.Object, c.Message)
}

// Failure is why a release did not become ready. Error is one line, cause
// first; Details has the rest.
type Failure struct {
	Release  string
	Revision int
	Causes   []Cause       // the likeliest root first, never empty
	TimedOut time.Duration // the bound, when that ended the wait; else the causes are final
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

// Details are all causes with their events and logs, over several lines.
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
