package chart

import (
	"fmt"
	"regexp"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
)

// references checks that the resources that a manifest names exist in the chart.
// Secrets, and names that occur in the user's values, are not checked, because they
// are created outside the chart.
func references(in *inspection, say report) {
	for _, w := range in.workloads {
		account := w.pod.Spec.ServiceAccountName
		if account != "" && account != "default" {
			in.mustFind(w.resource, w.field("spec.serviceAccountName"), "ServiceAccount", account, say)
		}
		for _, ref := range w.configMaps() {
			in.configMap(w, ref, say)
		}
		in.claims(w, say)
		in.mounts(w, say)
	}
	for _, r := range in.resources {
		binding, ok := r.typed.(*rbacv1.RoleBinding)
		if !ok {
			continue
		}
		if binding.RoleRef.Kind == "Role" {
			in.mustFind(r, "roleRef.name", "Role", binding.RoleRef.Name, say)
		}
		for i, subject := range binding.Subjects {
			if subject.Kind == "ServiceAccount" && subject.Namespace == "" {
				in.mustFind(r, index("subjects", i)+".name", "ServiceAccount", subject.Name, say)
			}
		}
	}
}

func (in *inspection) mustFind(r resource, field, kind, name string, say report) {
	if _, there := in.find(kind, name); !there && !in.given[name] {
		say(r, field, fmt.Sprintf("there is no %s %q", kind, name), "")
	}
}

// configMapRef is a ConfigMap, or a key of it, that a pod needs in order to start.
type configMapRef struct{ field, name, key string }

func (w workload) configMaps() []configMapRef {
	var refs []configMapRef
	need := func(field, name, key string, optional *bool) {
		if optional == nil || !*optional {
			refs = append(refs, configMapRef{field, name, key})
		}
	}
	items := func(at string, from *corev1.ConfigMapVolumeSource) {
		need(at+".name", from.Name, "", from.Optional)
		for i, item := range from.Items {
			need(index(at+".items", i)+".key", from.Name, item.Key, from.Optional)
		}
	}
	for i, volume := range w.pod.Spec.Volumes {
		at := w.field("spec.volumes[%d]", i)
		if volume.ConfigMap != nil {
			items(at+".configMap", volume.ConfigMap)
		}
		if volume.Projected == nil {
			continue
		}
		for j, source := range volume.Projected.Sources {
			if from := source.ConfigMap; from != nil {
				items(index(at+".projected.sources", j)+".configMap",
					&corev1.ConfigMapVolumeSource{LocalObjectReference: from.LocalObjectReference, Items: from.Items, Optional: from.Optional})
			}
		}
	}
	for _, c := range w.containers() {
		for i, from := range c.EnvFrom {
			if ref := from.ConfigMapRef; ref != nil {
				need(index(c.field+".envFrom", i)+".configMapRef.name", ref.Name, "", ref.Optional)
			}
		}
		for i, env := range c.Env {
			if env.ValueFrom != nil && env.ValueFrom.ConfigMapKeyRef != nil {
				ref := env.ValueFrom.ConfigMapKeyRef
				need(index(c.field+".env", i)+".valueFrom.configMapKeyRef.key", ref.Name, ref.Key, ref.Optional)
			}
		}
	}
	return refs
}

func (in *inspection) configMap(w workload, ref configMapRef, say report) {
	in.mustFind(w.resource, ref.field, "ConfigMap", ref.name, say)
	r, _ := in.find("ConfigMap", ref.name)
	config, ok := r.typed.(*corev1.ConfigMap)
	if !ok || ref.key == "" {
		return
	}
	_, text := config.Data[ref.key]
	_, binary := config.BinaryData[ref.key]
	if !text && !binary {
		say(w.resource, ref.field, fmt.Sprintf("ConfigMap %q has no key %q", ref.name, ref.key), "")
	}
}

// claims checks that the volume claims of pods exist: as a manifest, or made by a
// StatefulSet for each of its pods.
func (in *inspection) claims(w workload, say report) {
	for i, volume := range w.pod.Spec.Volumes {
		if volume.PersistentVolumeClaim == nil {
			continue
		}
		name := volume.PersistentVolumeClaim.ClaimName
		if !in.claimed(name) {
			in.mustFind(w.resource, w.field("spec.volumes[%d].persistentVolumeClaim.claimName", i), "PersistentVolumeClaim", name, say)
		}
	}
}

var ordinal = regexp.MustCompile(`^(.+)-[0-9]+$`)

// claimed reports whether a StatefulSet makes a volume claim with this name.
func (in *inspection) claimed(name string) bool {
	of := ordinal.FindStringSubmatch(name)
	for _, r := range in.resources {
		set, ok := r.typed.(*appsv1.StatefulSet)
		if !ok || of == nil {
			continue
		}
		for _, template := range set.Spec.VolumeClaimTemplates {
			if of[1] == template.Name+"-"+set.Name {
				return true
			}
		}
	}
	return false
}

// mounts checks that every mounted volume is a volume of the pod.
func (in *inspection) mounts(w workload, say report) {
	volumes := map[string]bool{}
	for _, v := range w.pod.Spec.Volumes {
		volumes[v.Name] = true
	}
	if set, ok := w.typed.(*appsv1.StatefulSet); ok {
		for _, claim := range set.Spec.VolumeClaimTemplates {
			volumes[claim.Name] = true
		}
	}
	for _, c := range w.containers() {
		for i, mount := range c.VolumeMounts {
			if !volumes[mount.Name] {
				say(w.resource, index(c.field+".volumeMounts", i)+".name", fmt.Sprintf("there is no volume %q", mount.Name), "")
			}
		}
	}
}
