package diagnose

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// Pod is one pod of a release.
type Pod struct {
	Name, Workload  string // the workload as deployment/todo-backend
	State           string // running, or the reason why not
	Ready, Wanted   int    // containers
	Restarts        int
	OfOlderRevision bool
}

// Service is a Service of a release with its ready endpoints.
type Service struct {
	Name      string
	Endpoints []string // host:port, sorted
}

// Pods are the pods of workloads, sorted by name.
func Pods(workloads []*Workload) []Pod {
	var out []Pod
	for _, w := range workloads {
		for i, p := range slices.Concat(w.pods, w.old) {
			now := podNow(w, p)
			now.OfOlderRevision = i >= len(w.pods)
			out = append(out, now)
		}
	}
	slices.SortFunc(out, func(a, b Pod) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func podNow(w *Workload, p *corev1.Pod) Pod {
	out := Pod{Name: p.Name, Workload: w.Ref(), State: strings.ToLower(string(p.Status.Phase)), Wanted: len(p.Spec.Containers)}
	if message, unscheduled := unschedulable(p); unscheduled {
		out.State = joined("not scheduled", message)
	}
	if p.Status.Reason != "" {
		out.State = joined(out.State, p.Status.Reason, p.Status.Message)
	}
	waits := ""
	for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		out.Restarts += int(c.RestartCount)
		if waiting := c.State.Waiting; waiting != nil && waiting.Reason != "PodInitializing" && waits == "" {
			waits = joined(fmt.Sprintf("container %q waits", c.Name), waiting.Reason)
		}
	}
	for _, c := range p.Status.ContainerStatuses {
		if c.Ready {
			out.Ready++
		}
	}
	out.State = joined(out.State, waits)
	return out
}

// Services are Services by name with their ready endpoints, in the order of names.
func (s *Snapshot) Services(names []string) ([]Service, error) {
	if s.slicesUnseen != nil {
		return nil, fmt.Errorf("list the EndpointSlices of the release: %w", s.slicesUnseen)
	}
	var out []Service
	for _, name := range names {
		service := Service{Name: name}
		for _, slice := range s.slices {
			if slice.Labels[discoveryv1.LabelServiceName] == name {
				service.Endpoints = append(service.Endpoints, endpoints(slice)...)
			}
		}
		slices.Sort(service.Endpoints)
		service.Endpoints = slices.Compact(service.Endpoints)
		out = append(out, service)
	}
	return out, nil
}

// endpoints are the ready addresses of a slice.
func endpoints(slice discoveryv1.EndpointSlice) []string {
	var out []string
	for _, e := range slice.Endpoints {
		if e.Conditions.Ready != nil && !*e.Conditions.Ready { // nil means ready
			continue
		}
		for _, address := range e.Addresses {
			for _, port := range slice.Ports {
				if port.Port != nil {
					out = append(out, fmt.Sprintf("%s:%d", address, *port.Port))
				}
			}
		}
	}
	return out
}
