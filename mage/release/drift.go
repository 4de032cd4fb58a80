package release

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"sync"

	"golang.org/x/sync/errgroup"
	helmrelease "helm.sh/helm/v3/pkg/release"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"todo-chatbot/mage/diagnose"
	"todo-chatbot/mage/kube"
)

const listsAtOnce = 8

// drift says how the cluster differs from the manifest of a revision; it is empty if
// it does not. settling is true if only pods are not ready.
func (m *Manager) drift(ctx context.Context, last *helmrelease.Release) (reason string, settling bool, err error) {
	wanted, err := parseManifest(last.Manifest)
	if err != nil {
		return "", false, err
	}
	var (
		missing []string
		now     *diagnose.Snapshot
	)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { missing, err = m.missing(gctx, wanted); return err })
	g.Go(func() (err error) {
		now, err = diagnose.TakeWorkloads(gctx, m.clients.Clientset, m.namespace)
		return err
	})
	if err := g.Wait(); err != nil {
		return "", false, err
	}
	if len(missing) > 0 {
		return listed("missing in the cluster: ", missing), false, nil
	}
	if edited := editedWorkload(wanted, now); edited != "" {
		return edited, false, nil
	}
	for _, w := range now.Workloads(wanted.workloads()) {
		if !w.RolledOut() {
			return w.Progress(), true, nil
		}
	}
	return "", false, nil
}

// missing names the objects of the manifest that do not exist in the cluster. It
// lists the metadata of each kind with one request.
func (m *Manager) missing(ctx context.Context, wanted *manifest) ([]string, error) {
	byKind := map[schema.GroupVersionKind][]string{}
	for _, obj := range wanted.objects {
		byKind[obj.GroupVersionKind()] = append(byKind[obj.GroupVersionKind()], obj.GetName())
	}
	var (
		mu      sync.Mutex
		missing []string
	)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(listsAtOnce)
	for gvk, names := range byKind {
		g.Go(func() error {
			gone, err := m.missingOf(ctx, gvk, names)
			mu.Lock()
			defer mu.Unlock()
			missing = append(missing, gone...)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	sort.Strings(missing)
	return missing, nil
}

func (m *Manager) missingOf(ctx context.Context, gvk schema.GroupVersionKind, names []string) ([]string, error) {
	mapping, err := m.clients.Mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) {
		return refs(gvk.Kind, names), nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up kind %q in the cluster: %w", gvk.Kind, err)
	}
	resource := m.clients.Metadata.Resource(mapping.Resource)
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		var gone []string
		for _, name := range names {
			_, err := resource.Get(ctx, name, metav1.GetOptions{})
			switch {
			case apierrors.IsNotFound(err):
				gone = append(gone, kube.Ref(gvk.Kind, name))
			case err != nil:
				return nil, fmt.Errorf("get %s: %w", kube.Ref(gvk.Kind, name), err)
			}
		}
		return gone, nil
	}
	list, err := resource.Namespace(m.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list %s of namespace %q: %w", mapping.Resource.Resource, m.namespace, err)
	}
	there := map[string]bool{}
	for _, item := range list.Items {
		there[item.Name] = item.DeletionTimestamp == nil
	}
	return refs(gvk.Kind, slices.DeleteFunc(slices.Clone(names), func(name string) bool { return there[name] })), nil
}

func refs(kind string, names []string) []string {
	var out []string
	for _, name := range names {
		out = append(out, kube.Ref(kind, name))
	}
	return out
}

// editedWorkload finds a workload whose replicas or images were edited by hand.
// Replicas that the manifest leaves out belong to an autoscaler.
func editedWorkload(wanted *manifest, now *diagnose.Snapshot) string {
	live := map[string]*diagnose.Workload{}
	for _, w := range now.Workloads(wanted.workloads()) {
		live[w.Ref()] = w
	}
	for _, d := range wanted.deployments {
		if edited := edit(live[kube.Ref(kindDeployment, d.Name)], d.Spec.Replicas, d.Spec.Template.Spec); edited != "" {
			return edited
		}
	}
	for _, s := range wanted.statefulSets {
		if edited := edit(live[kube.Ref(kindStatefulSet, s.Name)], s.Spec.Replicas, s.Spec.Template.Spec); edited != "" {
			return edited
		}
	}
	return ""
}

func edit(w *diagnose.Workload, wantedReplicas *int32, template corev1.PodSpec) string {
	if w.Missing {
		return w.Progress()
	}
	if wantedReplicas != nil && w.Wanted != *wantedReplicas {
		return fmt.Sprintf("%s has %d of %d replicas", w.Ref(), w.Wanted, *wantedReplicas)
	}
	live := images(w.Template)
	for name, image := range images(template) {
		if live[name] != image {
			return fmt.Sprintf("%s runs image %q in container %q, the release has %q", w.Ref(), live[name], name, image)
		}
	}
	return ""
}
