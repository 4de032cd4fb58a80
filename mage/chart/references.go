package chart

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	appsv1 "k8s.io/api/apps/v1"
)

// references checks that what one manifest names in another is there. Secrets
// are left out: they are made outside of the chart.
func (in *inspection) references() {
	seen := map[string]string{}
	for _, r := range in.resources {
		id := r.Kind + " " + r.Name
		if first, again := seen[id]; again {
			in.add(r.Manifest, "metadata.name", "%q is already in %s", r.Name, first)
		}
		seen[id] = r.File
	}
	for _, r := range in.resources {
		switch o := r.object.(type) {
		case *corev1.Service:
			in.service(r.Manifest, o)
		case *networkingv1.Ingress:
			in.ingress(r.Manifest, o)
		}
		if pod, selector := template(r.object); pod != nil {
			in.pod(r, pod, selector)
		}
	}
}

func (in *inspection) has(kind, name string) bool {
	for _, r := range in.resources {
		if r.Kind == kind && r.Name == name {
			return true
		}
	}
	return false
}

func (in *inspection) service(m Manifest, s *corev1.Service) {
	if len(s.Spec.Selector) == 0 {
		return
	}
	chosen := 0
	for _, r := range in.resources {
		pod, _ := template(r.object)
		if pod == nil || !labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(pod.Labels)) {
			continue
		}
		chosen++
		for i, port := range s.Spec.Ports {
			if name := port.TargetPort.StrVal; name != "" && !portsOf(&pod.Spec)[name] {
				in.add(m, fmt.Sprintf("spec.ports[%d].targetPort", i), "%q is no port of %s %q", name, r.Kind, r.Name)
			}
		}
	}
	if chosen == 0 {
		in.add(m, "spec.selector", "selects no pod of the chart")
	}
}

func (in *inspection) ingress(m Manifest, ing *networkingv1.Ingress) {
	for i, rule := range ing.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for j, path := range rule.HTTP.Paths {
			if s := path.Backend.Service; s != nil && !in.has("Service", s.Name) {
				in.add(m, fmt.Sprintf("spec.rules[%d].http.paths[%d]", i, j), "there is no Service %q", s.Name)
			}
		}
	}
}

func (in *inspection) pod(r resource, pod *corev1.PodTemplateSpec, selector *metav1.LabelSelector) {
	if selector != nil {
		chosen, err := metav1.LabelSelectorAsSelector(selector)
		if err != nil || chosen.Empty() || !chosen.Matches(labels.Set(pod.Labels)) {
			in.add(r.Manifest, "spec.selector", "does not select the pods of the template")
		}
	}
	if name := pod.Spec.ServiceAccountName; name != "" && name != "default" && !in.has("ServiceAccount", name) {
		in.add(r.Manifest, "serviceAccountName", "there is no ServiceAccount %q", name)
	}
	for field, name := range configMapsOf(&pod.Spec) {
		if !in.has("ConfigMap", name) {
			in.add(r.Manifest, field, "there is no ConfigMap %q", name)
		}
	}
	in.containers(r, &pod.Spec)
}

func (in *inspection) containers(r resource, spec *corev1.PodSpec) {
	volumes := map[string]bool{}
	for _, v := range spec.Volumes {
		volumes[v.Name] = true
	}
	if set, ok := r.object.(*appsv1.StatefulSet); ok {
		for _, claim := range set.Spec.VolumeClaimTemplates {
			volumes[claim.Name] = true
		}
	}
	all, fields := containers(spec)
	for i, c := range all {
		for j, mount := range c.VolumeMounts {
			if !volumes[mount.Name] {
				in.add(r.Manifest, fmt.Sprintf("%s.volumeMounts[%d]", fields[i], j), "there is no volume %q", mount.Name)
			}
		}
		for probe, port := range probePorts(c) {
			if !portsOf(spec)[port] {
				in.add(r.Manifest, fields[i]+"."+probe, "there is no port %q", port)
			}
		}
		if c.Resources.Requests.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() ||
			c.Resources.Limits.Memory().IsZero() {
			in.add(r.Manifest, fields[i]+".resources", "needs requests of cpu and memory and a limit of memory")
		}
		for _, name := range secretsInPlain(c) {
			in.add(r.Manifest, fields[i]+".env", "%s stands in the manifest; take it from a Secret", name)
		}
	}
}
