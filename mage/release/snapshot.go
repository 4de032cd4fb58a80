package release

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// snapshot is what a namespace holds at one moment, as far as a roll-out goes.
type snapshot struct {
	deployments  []appsv1.Deployment
	statefulSets []appsv1.StatefulSet
	replicaSets  []appsv1.ReplicaSet
	pods         []corev1.Pod
	claims       []corev1.PersistentVolumeClaim
	slices       []discoveryv1.EndpointSlice
	events       []corev1.Event // oldest first
}

// controllers lists what Determine needs; everything else stays empty.
func (m *Manager) controllers(ctx context.Context) (*snapshot, error) {
	s := &snapshot{}
	return s, m.list(ctx, s.listControllers)
}

// snapshot lists everything.
func (m *Manager) snapshot(ctx context.Context) (*snapshot, error) {
	s := &snapshot{}
	if err := m.list(ctx, s.listControllers, s.listPods); err != nil {
		return nil, err
	}
	slices.SortStableFunc(s.events, func(a, b corev1.Event) int { return eventTime(a).Compare(eventTime(b)) })
	slices.SortFunc(s.pods, func(a, b corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return s, nil
}

// lister lists one kind; its name is for the error.
type lister struct {
	kind string
	list func(context.Context) error
}

func (m *Manager) list(ctx context.Context, parts ...func(kubernetes.Interface, string) []lister) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, part := range parts {
		for _, l := range part(m.clients.Clientset, m.namespace) {
			g.Go(func() error {
				if err := l.list(ctx); err != nil {
					return fmt.Errorf("list %s of namespace %q: %w", l.kind, m.namespace, err)
				}
				return nil
			})
		}
	}
	return g.Wait()
}

func (s *snapshot) listControllers(client kubernetes.Interface, namespace string) []lister {
	apps := client.AppsV1()
	return []lister{
		{"Deployments", func(ctx context.Context) error {
			l, err := apps.Deployments(namespace).List(ctx, metav1.ListOptions{})
			if err == nil {
				s.deployments = l.Items
			}
			return err
		}},
		{"StatefulSets", func(ctx context.Context) error {
			l, err := apps.StatefulSets(namespace).List(ctx, metav1.ListOptions{})
			if err == nil {
				s.statefulSets = l.Items
			}
			return err
		}},
	}
}

func (s *snapshot) listPods(client kubernetes.Interface, namespace string) []lister {
	core := client.CoreV1()
	return []lister{
		{"ReplicaSets", func(ctx context.Context) error {
			l, err := client.AppsV1().ReplicaSets(namespace).List(ctx, metav1.ListOptions{})
			if err == nil {
				s.replicaSets = l.Items
			}
			return err
		}},
		{"Pods", func(ctx context.Context) error {
			l, err := core.Pods(namespace).List(ctx, metav1.ListOptions{})
			if err == nil {
				s.pods = l.Items
			}
			return err
		}},
		{"PersistentVolumeClaims", func(ctx context.Context) error {
			l, err := core.PersistentVolumeClaims(namespace).List(ctx, metav1.ListOptions{})
			if err == nil {
				s.claims = l.Items
			}
			return err
		}},
		{"EndpointSlices", func(ctx context.Context) error {
			l, err := client.DiscoveryV1().EndpointSlices(namespace).List(ctx, metav1.ListOptions{})
			if apierrors.IsForbidden(err) {
				return nil // who may deploy may still not see these; smoke checks ask for the image all the same
			}
			if err == nil {
				s.slices = l.Items
			}
			return err
		}},
		{"Events", func(ctx context.Context) error {
			l, err := core.Events(namespace).List(ctx, metav1.ListOptions{})
			if err == nil {
				s.events = l.Items
			}
			return err
		}},
	}
}

// eventTime is when an event was last seen: old and new event recorders fill
// different fields.
func eventTime(e corev1.Event) time.Time {
	switch {
	case e.Series != nil && !e.Series.LastObservedTime.IsZero():
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	}
	return e.CreationTimestamp.Time
}

// eventsOf are the events about an object, oldest first.
func (s *snapshot) eventsOf(uid types.UID) []corev1.Event {
	var out []corev1.Event
	for _, e := range s.events {
		if e.InvolvedObject.UID == uid {
			out = append(out, e)
		}
	}
	return out
}

// lastCreateFailure is why an owner could not create its last pod, "" when it could.
func (s *snapshot) lastCreateFailure(owner types.UID) string {
	message := ""
	for _, e := range s.eventsOf(owner) {
		switch e.Reason {
		case "FailedCreate":
			message = e.Message
		case "SuccessfulCreate":
			message = ""
		}
	}
	return message
}

// eventLine is one event for a person: Warning BackOff (4 times): Back-off ….
func eventLine(e corev1.Event) string {
	count := e.Count
	if e.Series != nil {
		count = e.Series.Count
	}
	times := ""
	if count > 1 {
		times = fmt.Sprintf(" (%d times)", count)
	}
	return fmt.Sprintf("%s %s %s%s: %s", e.Type, e.Reason, ref(e.InvolvedObject.Kind, e.InvolvedObject.Name), times, oneLine(e.Message))
}
