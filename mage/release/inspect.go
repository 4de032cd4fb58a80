package release

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	recentWarnings = time.Hour
	keptWarnings   = 10
)

// Inspection is an Observation with what a person asks next.
type Inspection struct {
	Observation
	Pods     []Pod     // of the release's workloads, by name
	Services []Service // of the release, by name
	Warnings []string  // of the last hour in the namespace, at most the newest ten, oldest first
}

// Pod is one pod of a release.
type Pod struct {
	Name, Workload  string // the workload as deployment/todo-backend
	State           string // running, or why it is not
	Ready, Wanted   int    // containers
	Restarts        int
	OfOlderRevision bool
}

// Service is where a Service of the release leads now.
type Service struct {
	Name      string
	Endpoints []string // host:port of what is ready, sorted
}

// Inspect looks at everything that a release has in the cluster now, or returns
// ErrNotFound.
func (m *Manager) Inspect(ctx context.Context, name string) (Inspection, error) {
	records, err := m.history(ctx, name)
	if err != nil {
		return Inspection{}, err
	}
	last := records[len(records)-1]
	var out Inspection
	out.Observation = Observation{Revision: last.Version, Status: last.Info.Status.String(), Description: last.Info.Description}
	if len(records) > 1 {
		out.PreviousRevision = records[len(records)-2].Version
	}
	wanted, err := parseManifest(last.Manifest)
	if err != nil {
		return out, err
	}
	s, err := m.snapshot(ctx)
	if err != nil {
		return out, err
	}
	for _, w := range s.workloads(wanted.workloads()) {
		out.Workloads = append(out.Workloads, w.observed())
		for i, p := range slices.Concat(w.pods, w.old) {
			out.Pods = append(out.Pods, podNow(w, p, i >= len(w.pods)))
		}
	}
	slices.SortFunc(out.Pods, func(a, b Pod) int { return strings.Compare(a.Name, b.Name) })
	out.Warnings = s.warningsSince(time.Now().Add(-recentWarnings))
	out.Services, err = m.services(ctx, wanted)
	return out, err
}

func podNow(w *workload, p *corev1.Pod, old bool) Pod {
	out := Pod{Name: p.Name, Workload: w.ref(), State: strings.ToLower(string(p.Status.Phase)), Wanted: len(p.Spec.Containers), OfOlderRevision: old}
	if message, unplaced := unschedulable(p); unplaced {
		out.State = joined("not placed", message)
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

// warningsSince are the newest warnings about anything in the namespace.
func (s *snapshot) warningsSince(since time.Time) []string {
	var out []string
	for _, e := range s.events {
		if e.Type == corev1.EventTypeWarning && eventTime(e).After(since) {
			out = append(out, eventTime(e).UTC().Format(time.RFC3339)+" "+eventLine(e))
		}
	}
	return out[max(0, len(out)-keptWarnings):]
}

// services reads where the manifest's Services lead.
func (m *Manager) services(ctx context.Context, wanted *manifest) ([]Service, error) {
	lists, err := m.clients.Clientset.DiscoveryV1().EndpointSlices(m.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list EndpointSlices of namespace %q: %w", m.namespace, err)
	}
	var out []Service
	for _, obj := range wanted.objects {
		if obj.GetKind() != "Service" || obj.GroupVersionKind().Group != "" {
			continue
		}
		service := Service{Name: obj.GetName()}
		for _, slice := range lists.Items {
			if slice.Labels[discoveryv1.LabelServiceName] == service.Name {
				service.Endpoints = append(service.Endpoints, endpoints(slice)...)
			}
		}
		slices.Sort(service.Endpoints)
		service.Endpoints = slices.Compact(service.Endpoints)
		out = append(out, service)
	}
	slices.SortFunc(out, func(a, b Service) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// endpoints are the addresses of a slice that get traffic.
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
