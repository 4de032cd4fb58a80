package diagnose

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// diagnose finds everything that keeps workloads from being ready.
func (s *Snapshot) diagnose(workloads []*Workload, since restarts) []finding {
	var out []finding
	for _, w := range workloads {
		if w.RolledOut() {
			continue
		}
		before := len(out)
		if w.failing != "" {
			out = append(out, s.creation(w))
		}
		for _, p := range w.pods {
			out = append(out, s.pod(w, p, since)...)
		}
		if len(out) == before {
			out = append(out, finding{
				Cause: Cause{Kind: KindTimeout, Object: w.Ref(), Message: strings.TrimPrefix(w.Progress(), w.Ref()+" ")},
				key:   "timeout", grace: atTheEnd,
			})
		}
	}
	for i := range out {
		out[i].key = out[i].Object + " " + out[i].Container + " " + out[i].key
	}
	slices.SortStableFunc(out, rootsFirst)
	// Replicas with the same problem are one finding.
	seen := map[string]bool{}
	return slices.DeleteFunc(out, func(f finding) bool {
		known := seen[f.key]
		seen[f.key] = true
		return known
	})
}

func (s *Snapshot) creation(w *Workload) finding {
	f := finding{
		Cause: Cause{Kind: KindQuota, Object: w.Ref(), Message: "its pods cannot be created: " + oneLine(w.failing)},
		key:   "create", grace: createGrace,
	}
	for _, owner := range w.owners {
		f.Events = append(f.Events, warningLines(s.eventsOf(owner.GetUID()))...)
	}
	return f
}

// pod finds what keeps one pod from being ready. It checks in the order of a pod's
// start (scheduling, volumes, init containers, containers) and stops at the first
// step that has not succeeded.
func (s *Snapshot) pod(w *Workload, p *corev1.Pod, since restarts) []finding {
	events := s.eventsOf(p.UID)
	var out []finding
	add := func(f finding) {
		f.Object, f.Pod = w.Ref(), p.Name
		f.blameDisk(f.Message)
		f.Events = append(f.Events, warningLines(events)...)
		out = append(out, f)
	}
	if p.Status.Phase == corev1.PodFailed && (p.Status.Reason != "" || len(p.Status.ContainerStatuses) == 0) {
		add(finding{Cause: Cause{Kind: KindEvicted, Message: joined("pod failed", p.Status.Reason, p.Status.Message)}, key: "failed", grace: atTheEnd})
		return out
	}
	message, unscheduled := unschedulable(p)
	if f, found := s.claim(p); found && (f.grace != atTheEnd || !unscheduled || strings.Contains(strings.ToLower(message), "persistentvolumeclaim")) {
		add(f)
		return out
	}
	if unscheduled {
		f := finding{Cause: Cause{Kind: KindUnschedulable, Message: "its pod cannot be scheduled: " + message}, key: "schedule", grace: scheduleGrace}
		if s.podsEnd() {
			f.key, f.grace = "schedule later", atTheEnd
		}
		add(f)
		return out
	}
	for _, c := range p.Status.InitContainerStatuses {
		if f, found := container(p, c, events, since); found {
			if f.Kind == KindCrash {
				f.Kind = KindInit
			}
			add(f)
		}
	}
	for _, c := range p.Status.ContainerStatuses {
		if f, found := container(p, c, events, since); found {
			add(f)
		}
	}
	if len(out) == 0 {
		if f, found := starting(events, p); found {
			add(f)
		}
	}
	return out
}

// podsEnd tells whether a pod that is being deleted still uses a node.
func (s *Snapshot) podsEnd() bool {
	return slices.ContainsFunc(s.pods, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil && p.Spec.NodeName != "" })
}

func unschedulable(p *corev1.Pod) (string, bool) {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return oneLine(c.Message), true
		}
	}
	return "", false
}

// claim finds a volume claim of the pod that is not bound. Without an event about
// it, the claim may only wait until its pod is scheduled.
func (s *Snapshot) claim(p *corev1.Pod) (finding, bool) {
	for _, v := range p.Spec.Volumes {
		if v.PersistentVolumeClaim == nil {
			continue
		}
		name := v.PersistentVolumeClaim.ClaimName
		i := slices.IndexFunc(s.claims, func(c corev1.PersistentVolumeClaim) bool { return c.Name == name })
		if i < 0 || s.claims[i].Status.Phase == corev1.ClaimBound {
			continue
		}
		claim := s.claims[i]
		events := s.eventsOf(claim.UID)
		f := finding{
			Cause: Cause{Kind: KindVolume, Message: fmt.Sprintf("volume claim %q is not bound", name), Events: warningLines(events)},
			key:   "claim", grace: atTheEnd,
		}
		if claim.Status.Phase == corev1.ClaimLost {
			f.Message = fmt.Sprintf("volume claim %q lost its volume", name)
			f.grace = atOnce
			return f, true
		}
		for _, e := range events {
			if e.Reason == "ProvisioningFailed" || e.Reason == "FailedBinding" {
				f.Message = fmt.Sprintf("volume claim %q is not bound: %s", name, oneLine(e.Message))
				f.grace = volumeGrace
			}
		}
		return f, true
	}
	return finding{}, false
}

// starting finds why the kubelet does not start a pod's containers. Once it pulls
// an image, earlier events about volumes do not count.
func starting(events []corev1.Event, p *corev1.Pod) (finding, bool) {
	if p.Status.Phase != corev1.PodPending {
		return finding{}, false
	}
	for _, e := range slices.Backward(events) {
		message := oneLine(e.Message)
		switch e.Reason {
		case "Pulling", "Pulled", "Created", "Started":
			return finding{}, false
		case "FailedMount", "FailedAttachVolume":
			if strings.Contains(message, "not found") || strings.Contains(message, "non-existent") {
				return finding{Cause: Cause{Kind: KindConfig, Message: message}, key: "mount", grace: configGrace}, true
			}
			return finding{Cause: Cause{Kind: KindVolume, Message: message}, key: "mount", grace: atTheEnd}, true
		case "FailedCreatePodSandBox":
			return finding{Cause: Cause{Kind: KindTimeout, Message: message}, key: "sandbox", grace: atTheEnd}, true
		}
	}
	return finding{}, false
}
