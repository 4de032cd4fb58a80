package diagnose

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Snapshot holds the objects of a namespace at one moment that a rollout depends on.
type Snapshot struct {
	deployments  []appsv1.Deployment
	statefulSets []appsv1.StatefulSet
	replicaSets  []appsv1.ReplicaSet
	pods         []corev1.Pod
	claims       []corev1.PersistentVolumeClaim
	slices       []discoveryv1.EndpointSlice
	slicesUnseen error          // why slices is empty, where the user may not list them
	events       []corev1.Event // oldest first
}

// TakeWorkloads lists the Deployments and StatefulSets of a namespace, and leaves
// everything else of the Snapshot empty.
func TakeWorkloads(ctx context.Context, client kubernetes.Interface, namespace string) (*Snapshot, error) {
	s := &Snapshot{}
	return s, list(ctx, namespace, s.listControllers(client, namespace))
}

// Take lists everything in a namespace that a rollout depends on.
func Take(ctx context.Context, client kubernetes.Interface, namespace string) (*Snapshot, error) {
	s := &Snapshot{}
	if err := list(ctx, namespace, slices.Concat(s.listControllers(client, namespace), s.listPods(client, namespace))); err != nil {
		return nil, err
	}
	slices.SortStableFunc(s.events, func(a, b corev1.Event) int { return eventTime(a).Compare(eventTime(b)) })
	slices.SortFunc(s.pods, func(a, b corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return s, nil
}

// lister lists one kind of object.
type lister struct {
	kind string
	list func(context.Context) error
}

func list(ctx context.Context, namespace string, listers []lister) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range listers {
		g.Go(func() error {
			if err := l.list(ctx); err != nil {
				return fmt.Errorf("list %s of namespace %q: %w", l.kind, namespace, err)
			}
			return nil
		})
	}
	return g.Wait()
}

func (s *Snapshot) listControllers(client kubernetes.Interface, namespace string) []lister {
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

func (s *Snapshot) listPods(client kubernetes.Interface, namespace string) []lister {
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
				s.slicesUnseen = err // a user who may deploy may still not list these
				return nil
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
