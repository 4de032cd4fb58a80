package release

import (
	"fmt"
	"slices"
	"sort"

	"helm.sh/helm/v3/pkg/releaseutil"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"todo-chatbot/mage/kube"
)

// Workloads of these kinds must be rolled out.
const (
	kindDeployment  = "Deployment"
	kindStatefulSet = "StatefulSet"
)

// manifest has the objects of a revision.
type manifest struct {
	objects      []*unstructured.Unstructured
	deployments  []*appsv1.Deployment
	statefulSets []*appsv1.StatefulSet
}

func parseManifest(text string) (*manifest, error) {
	documents := releaseutil.SplitManifests(text)
	names := make([]string, 0, len(documents))
	for name := range documents {
		names = append(names, name)
	}
	sort.Sort(releaseutil.BySplitManifestsOrder(names))
	m := &manifest{}
	for _, name := range names {
		var content map[string]any
		if err := yaml.Unmarshal([]byte(documents[name]), &content); err != nil {
			return nil, fmt.Errorf("parse the manifest of the release: %w", err)
		}
		if len(content) == 0 {
			continue
		}
		if err := m.add(&unstructured.Unstructured{Object: content}); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *manifest) add(obj *unstructured.Unstructured) error {
	m.objects = append(m.objects, obj)
	if obj.GroupVersionKind().Group != appsv1.GroupName {
		return nil
	}
	var err error
	switch obj.GetKind() {
	case kindDeployment:
		d := &appsv1.Deployment{}
		err = runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, d)
		m.deployments = append(m.deployments, d)
	case kindStatefulSet:
		s := &appsv1.StatefulSet{}
		err = runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, s)
		m.statefulSets = append(m.statefulSets, s)
	}
	if err != nil {
		return fmt.Errorf("parse %s in the manifest of the release: %w", kube.Ref(obj.GetKind(), obj.GetName()), err)
	}
	return nil
}

// workloads are the short names of the workloads that must be rolled out, sorted.
func (m *manifest) workloads() []string {
	var refs []string
	for _, d := range m.deployments {
		refs = append(refs, kube.Ref(kindDeployment, d.Name))
	}
	for _, s := range m.statefulSets {
		refs = append(refs, kube.Ref(kindStatefulSet, s.Name))
	}
	sort.Strings(refs)
	return refs
}

// services are the names of the Services, sorted.
func (m *manifest) services() []string {
	var names []string
	for _, obj := range m.objects {
		if obj.GetKind() == "Service" && obj.GroupVersionKind().Group == "" {
			names = append(names, obj.GetName())
		}
	}
	slices.Sort(names)
	return names
}

// images are the images of a pod template by container, init containers included.
func images(spec corev1.PodSpec) map[string]string {
	out := map[string]string{}
	for _, c := range spec.InitContainers {
		out[c.Name] = c.Image
	}
	for _, c := range spec.Containers {
		out[c.Name] = c.Image
	}
	return out
}
