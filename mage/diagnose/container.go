package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// container finds the problem of one container. Its message continues the text
// `container "name"`.
func container(p *corev1.Pod, c corev1.ContainerStatus, events []corev1.Event, since restarts) (finding, bool) {
	if c.Ready || (c.State.Terminated != nil && c.State.Terminated.ExitCode == 0 && c.RestartCount == 0) {
		return finding{}, false
	}
	events = eventsOfContainer(events, c.Name)
	if waiting := c.State.Waiting; waiting != nil {
		switch waiting.Reason {
		case "ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "RegistryUnavailable", "ImageInspectError", "SignatureValidationFailed":
			return imagePull(c, waiting, events), true
		case "InvalidImageName":
			f := imagePull(c, waiting, nil)
			f.grace = atOnce
			return f, true
		case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
			return finding{
				Cause: Cause{Kind: KindConfig, Container: c.Name, Message: "cannot be created: " + oneLine(waiting.Message)},
				key:   "config", grace: configGrace,
			}, true
		}
	}
	if f, found := crash(p, c, events, since); found {
		return f, true
	}
	if c.State.Running != nil {
		return unready(p, c, events)
	}
	return finding{}, false
}

// imagePull prefers the message of the registry to the kubelet's "back-off".
func imagePull(c corev1.ContainerStatus, waiting *corev1.ContainerStateWaiting, events []corev1.Event) finding {
	message := oneLine(waiting.Message)
	if waiting.Reason == "ImagePullBackOff" && !strings.Contains(message, "ErrImagePull: ") {
		for _, e := range slices.Backward(events) {
			if e.Reason == "Failed" && strings.HasPrefix(e.Message, "Failed to pull image") {
				message = oneLine(e.Message)
				break
			}
		}
	}
	if _, told, found := strings.Cut(message, "ErrImagePull: "); found {
		message = told
	}
	return finding{
		Cause: Cause{Kind: KindImagePull, Container: c.Name, Message: joined(fmt.Sprintf("cannot pull image %q", c.Image), message)},
		key:   "pull", grace: pullGrace,
	}
}

// crash finds a container that exits. It is a failure after finalRestarts
// restarts, or when a CrashLoopBackOff lasts. The short runs between back-offs do
// not interrupt such a loop.
func crash(p *corev1.Pod, c corev1.ContainerStatus, events []corev1.Event, since restarts) (finding, bool) {
	ended := c.State.Terminated
	if ended == nil {
		ended = c.LastTerminationState.Terminated
	}
	loops := c.State.Waiting != nil && c.State.Waiting.Reason == "CrashLoopBackOff"
	count := since(p, c)
	if !loops && count == 0 && c.State.Terminated == nil {
		return finding{}, false // it exited before this wait began
	}
	f := finding{
		Cause: Cause{Kind: KindCrash, Container: c.Name, Message: exit(p, c.Name, ended)},
		key:   "crash", grace: atTheEnd, previous: c.State.Running != nil,
	}
	switch {
	case count >= finalRestarts:
		f.grace = atOnce
	case loops:
		f.key, f.grace = "crash loop", crashLoopGrace
	case count > 1:
		f.key = "crash loop"
	}
	if count > 0 {
		f.Message += fmt.Sprintf(" (%d restarts)", count)
	}
	probe, bound := lastProbe(events, "Startup", "Liveness"), startBound(p, c.Name)
	switch {
	case strings.HasPrefix(probe, "Startup") && bound > 0:
		f.Message += fmt.Sprintf(", killed because it did not start within %s: %s", bound, probe)
	case probe != "":
		f.Message += ", killed after " + probe
	}
	return f, true
}

// lastProbe is the last message of the kubelet about a failed probe of some kinds.
func lastProbe(events []corev1.Event, kinds ...string) string {
	for _, e := range slices.Backward(events) {
		if e.Reason == "Unhealthy" && slices.ContainsFunc(kinds, func(k string) bool { return strings.HasPrefix(e.Message, k) }) {
			return oneLine(e.Message)
		}
	}
	return ""
}

// startBound is the time that a container's startup probe allows; 0 without one.
func startBound(p *corev1.Pod, name string) time.Duration {
	for _, c := range p.Spec.Containers {
		if c.Name == name && c.StartupProbe != nil {
			probe := c.StartupProbe
			return time.Duration(probe.InitialDelaySeconds+probe.PeriodSeconds*probe.FailureThreshold) * time.Second
		}
	}
	return 0
}

func exit(p *corev1.Pod, name string, ended *corev1.ContainerStateTerminated) string {
	switch {
	case ended == nil:
		return "keeps exiting"
	case ended.Reason == "OOMKilled":
		if limit := memoryLimit(p, name); limit != nil {
			return fmt.Sprintf("was killed: out of memory (OOMKilled, limit %s)", limit)
		}
		return "was killed: out of memory (OOMKilled)"
	}
	text := fmt.Sprintf("exits with code %d", ended.ExitCode)
	if ended.Message != "" {
		text += ": " + clip(oneLine(ended.Message), 200)
	}
	return text
}

func memoryLimit(p *corev1.Pod, name string) *resource.Quantity {
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		if c.Name == name {
			if limit, there := c.Resources.Limits[corev1.ResourceMemory]; there {
				return &limit
			}
		}
	}
	return nil
}

// unready finds a container that runs and is not ready, which is a failure only at
// the time bound. An init container that runs does its work.
func unready(p *corev1.Pod, c corev1.ContainerStatus, events []corev1.Event) (finding, bool) {
	f := finding{
		Cause: Cause{Kind: KindProbe, Container: c.Name, Message: "runs but is not ready"},
		key:   "probe", grace: atTheEnd,
	}
	probes := []string{"Startup", "Readiness", "Liveness"}
	switch {
	case slices.ContainsFunc(p.Spec.InitContainers, func(i corev1.Container) bool { return i.Name == c.Name }):
		f.Kind, f.Message, f.waits = KindInit, "has not finished", true
	case c.Started != nil && !*c.Started:
		f.Message = "runs but has not started"
		probes = probes[:1]
	}
	if probe := lastProbe(events, probes...); probe != "" {
		f.Message += ": " + probe
	}
	return f, true
}

// eventsOfContainer are the events of a pod about one container or about the whole
// pod.
func eventsOfContainer(events []corev1.Event, name string) []corev1.Event {
	var out []corev1.Event
	for _, e := range events {
		path := e.InvolvedObject.FieldPath
		if path == "" || strings.HasSuffix(path, "{"+name+"}") {
			out = append(out, e)
		}
	}
	return out
}
