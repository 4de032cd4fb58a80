package chart

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// longestName bounds the names of StatefulSets and CronJobs, because their
// controllers append eleven characters for labels and Jobs.
const longestName = validation.DNS1123LabelMaxLength - 11

// names checks the form of names, labels and ports, which API servers validate and
// no schema describes.
func names(in *inspection, say report) {
	for _, r := range in.resources {
		legal := validation.IsDNS1123Subdomain
		if r.Kind == "Service" {
			legal = validation.IsDNS1035Label
		}
		for _, text := range legal(r.Name) {
			say(r, "metadata.name", fmt.Sprintf("%q: %s", r.Name, text), "")
		}
		if (r.Kind == "StatefulSet" || r.Kind == "CronJob") && len(r.Name) > longestName {
			say(r, "metadata.name", fmt.Sprintf("%q has %d characters, and at most %d are allowed", r.Name, len(r.Name), longestName), "")
		}
		if meta, ok := r.typed.(metav1.Object); ok {
			legalLabels(r, "metadata.labels", meta.GetLabels(), say)
			legalAnnotations(r, "metadata.annotations", meta.GetAnnotations(), say)
		}
	}
	for _, w := range in.workloads {
		if w.at != "" { // those of a Pod are checked above
			legalLabels(w.resource, w.field("metadata.labels"), w.pod.Labels, say)
			legalAnnotations(w.resource, w.field("metadata.annotations"), w.pod.Annotations, say)
		}
		for i, v := range w.pod.Spec.Volumes {
			for _, text := range validation.IsDNS1123Label(v.Name) {
				say(w.resource, w.field("spec.volumes[%d].name", i), fmt.Sprintf("%q: %s", v.Name, text), "")
			}
		}
		for _, c := range w.containers() {
			containerNames(w, c, say)
		}
	}
}

func legalLabels(r resource, field string, of map[string]string, say report) {
	for _, key := range slices.Sorted(maps.Keys(of)) {
		for _, text := range append(validation.IsQualifiedName(key), validation.IsValidLabelValue(of[key])...) {
			say(r, member(field, key), fmt.Sprintf("%q: %s", of[key], text), "")
		}
	}
}

// legalAnnotations checks the keys only: a value may be any text.
func legalAnnotations(r resource, field string, of map[string]string, say report) {
	for _, key := range slices.Sorted(maps.Keys(of)) {
		for _, text := range validation.IsQualifiedName(strings.ToLower(key)) {
			say(r, member(field, key), fmt.Sprintf("%q: %s", key, text), "")
		}
	}
}

func containerNames(w workload, c container, say report) {
	for _, text := range validation.IsDNS1123Label(c.Name) {
		say(w.resource, c.field+".name", fmt.Sprintf("%q: %s", c.Name, text), "")
	}
	for i, port := range c.Ports {
		at := index(c.field+".ports", i)
		for _, text := range validation.IsValidPortNum(int(port.ContainerPort)) {
			say(w.resource, at+".containerPort", fmt.Sprintf("%d: %s", port.ContainerPort, text), "")
		}
		if port.Name == "" {
			continue
		}
		for _, text := range validation.IsValidPortName(port.Name) {
			say(w.resource, at+".name", fmt.Sprintf("%q: %s", port.Name, text), "")
		}
	}
	variables(w, c, say)
}

func variables(w workload, c container, say report) {
	first := map[string]corev1.EnvVar{}
	for i, variable := range c.Env {
		at := index(c.field+".env", i) + ".name"
		for _, text := range validation.IsEnvVarName(variable.Name) {
			say(w.resource, at, fmt.Sprintf("%q: %s", variable.Name, text), "")
		}
		if _, again := first[variable.Name]; again {
			say(w.resource, at, fmt.Sprintf("%q is given twice; Kubernetes uses the last one", variable.Name), "")
		}
		first[variable.Name] = variable
	}
}

// unique checks that no two resources have the same kind and name.
func unique(in *inspection, say report) {
	first := map[string]string{}
	for _, r := range in.resources {
		id := r.Kind + " " + r.Name
		if file, again := first[id]; again {
			say(r, "metadata.name", fmt.Sprintf("%q is also defined in %s", r.Name, file), "")
			continue
		}
		first[id] = r.File
	}
}

// namespaces checks that no manifest sets a namespace: the release decides it.
func namespaces(in *inspection, say report) {
	for _, r := range in.resources {
		if namespace, _ := lookUp(r.doc, "metadata.namespace"); namespace != nil && namespace != "" {
			say(r, "metadata.namespace", fmt.Sprintf("is %q; remove it, because the release decides the namespace", namespace), "")
		}
	}
}

// member returns the field name of a key in a table. A key with dots is in brackets.
func member(table, key string) string {
	if strings.ContainsAny(key, "./") {
		return table + "[" + key + "]"
	}
	return table + "." + key
}
