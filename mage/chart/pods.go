package chart

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// workloadOf returns the pods that a resource creates, if it creates any. A CronJob
// or a Job counts with the pods that it runs at the same time.
func workloadOf(r resource) (w workload, makesPods bool) {
	w = workload{resource: r, at: "spec.template", replicas: 1}
	switch o := r.typed.(type) {
	case *appsv1.Deployment:
		w.pod, w.selector, w.replicas = &o.Spec.Template, selectorOf(o.Spec.Selector), orOne(o.Spec.Replicas)
	case *appsv1.StatefulSet:
		w.pod, w.selector, w.replicas = &o.Spec.Template, selectorOf(o.Spec.Selector), orOne(o.Spec.Replicas)
	case *appsv1.DaemonSet:
		w.pod, w.selector = &o.Spec.Template, selectorOf(o.Spec.Selector)
	case *batchv1.Job:
		w.pod, w.replicas = &o.Spec.Template, orOne(o.Spec.Parallelism)
	case *batchv1.CronJob:
		w.pod, w.at, w.replicas = &o.Spec.JobTemplate.Spec.Template, "spec.jobTemplate.spec.template", orOne(o.Spec.JobTemplate.Spec.Parallelism)
	case *corev1.Pod:
		w.pod, w.at = &corev1.PodTemplateSpec{ObjectMeta: o.ObjectMeta, Spec: o.Spec}, ""
	default:
		return workload{}, false
	}
	return w, true
}

func orOne(count *int32) int64 {
	if count == nil {
		return 1
	}
	return int64(*count)
}

// selectorOf returns an empty selector for a missing one, because rules refuse
// both.
func selectorOf(s *metav1.LabelSelector) *metav1.LabelSelector {
	if s == nil {
		return &metav1.LabelSelector{}
	}
	return s
}

// serves reports whether the pods run until they are stopped. The pods of a Job end
// by themselves.
func (w workload) serves() bool { return w.selector != nil }

func (w workload) String() string { return w.Kind + " " + w.Name }

// container is a container of a pod, with its field.
type container struct {
	corev1.Container
	field string
	init  bool
}

// containers returns the containers of a pod, init containers first.
func (w workload) containers() []container {
	var all []container
	for i, c := range w.pod.Spec.InitContainers {
		all = append(all, container{Container: c, field: w.field("spec.initContainers[%d]", i), init: true})
	}
	for i, c := range w.pod.Spec.Containers {
		all = append(all, container{Container: c, field: w.field("spec.containers[%d]", i)})
	}
	return all
}

// stays reports whether the container runs as long as its pod. Of the init
// containers, only sidecars do.
func (c container) stays() bool {
	return !c.init || c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// ports returns the named ports that the pods declare.
func (w workload) ports() map[string]int32 {
	ports := map[string]int32{}
	for _, c := range w.containers() {
		for _, p := range c.Ports {
			if p.Name != "" && c.stays() {
				ports[p.Name] = p.ContainerPort
			}
		}
	}
	return ports
}

// matching returns the workloads whose pods match a selector. An invalid selector
// matches none.
func (in *inspection) matching(selector *metav1.LabelSelector) []workload {
	chosen, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return nil
	}
	var found []workload
	for _, w := range in.workloads {
		if chosen.Matches(labels.Set(w.pod.Labels)) {
			found = append(found, w)
		}
	}
	return found
}

// find returns the resource with a kind and a name.
func (in *inspection) find(kind, name string) (resource, bool) {
	for _, r := range in.resources {
		if r.Kind == kind && r.Name == name {
			return r, true
		}
	}
	return resource{}, false
}

// index returns the field name of an element of a list.
func index(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }
