package chart

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/deprecation"
	"k8s.io/client-go/kubernetes/scheme"
)

// Kubernetes generates these methods into its API types.
type (
	introduced interface{ APILifecycleIntroduced() (major, minor int) }
	removed    interface{ APILifecycleRemoved() (major, minor int) }
	replaced   interface {
		APILifecycleReplacement() schema.GroupVersionKind
	}
)

// removedAPIs are API versions that client-go no longer contains, with the
// Kubernetes version that removed them and their replacement. Source: Kubernetes'
// deprecated API migration guide.
var removedAPIs = map[string]struct{ since, instead string }{
	"apiextensions.k8s.io/v1beta1 CustomResourceDefinition": {"1.22", "apiextensions.k8s.io/v1"},
	"apiregistration.k8s.io/v1beta1 APIService":             {"1.22", "apiregistration.k8s.io/v1"},
	"autoscaling/v2beta1 HorizontalPodAutoscaler":           {"1.25", "autoscaling/v2"},
	"autoscaling/v2beta2 HorizontalPodAutoscaler":           {"1.26", "autoscaling/v2"},
	"extensions/v1beta1 PodSecurityPolicy":                  {"1.16", "the Pod Security labels of the namespace"},
	"policy/v1beta1 PodSecurityPolicy":                      {"1.25", "the Pod Security labels of the namespace"},
}

// outdated are annotations and node labels that schemas accept, although an API
// server warns about them. Source: the warnings of the API server.
var outdated = map[string]struct{ since, instead string }{
	"kubernetes.io/ingress.class":                {"deprecated", "spec.ingressClassName"},
	"scheduler.alpha.kubernetes.io/critical-pod": {"without effect since Kubernetes 1.16", "spec.priorityClassName"},
	"seccomp.security.alpha.kubernetes.io/pod":   {"without effect since Kubernetes 1.27", "securityContext.seccompProfile"},
	"service.kubernetes.io/topology-aware-hints": {"deprecated", "service.kubernetes.io/topology-mode"},
	"volume.beta.kubernetes.io/storage-class":    {"deprecated since Kubernetes 1.8", "spec.storageClassName"},
	"beta.kubernetes.io/arch":                    {"deprecated since Kubernetes 1.14", "kubernetes.io/arch"},
	"beta.kubernetes.io/instance-type":           {"deprecated since Kubernetes 1.17", "node.kubernetes.io/instance-type"},
	"beta.kubernetes.io/os":                      {"deprecated since Kubernetes 1.14", "kubernetes.io/os"},
	"failure-domain.beta.kubernetes.io/region":   {"deprecated since Kubernetes 1.17", "topology.kubernetes.io/region"},
	"failure-domain.beta.kubernetes.io/zone":     {"deprecated since Kubernetes 1.17", "topology.kubernetes.io/zone"},
	"node-role.kubernetes.io/master":             {"deprecated", "node-role.kubernetes.io/control-plane"},
}

// apis checks that the Kubernetes version serves every API version that a
// manifest uses, and that none of them is deprecated.
func apis(in *inspection, say report) {
	for _, r := range in.resources {
		if why := in.notServed(r); why != "" {
			say(r, "apiVersion", why, "")
			continue
		}
		if r.typed != nil && deprecation.IsDeprecated(r.typed, in.major, in.minor) {
			r.typed.GetObjectKind().SetGroupVersionKind(r.kind())
			say(r, "apiVersion", deprecation.WarningMessage(r.typed), "")
		}
		if meta, ok := r.typed.(metav1.Object); ok {
			for _, key := range slices.Sorted(maps.Keys(meta.GetAnnotations())) {
				old(r, "metadata.annotations["+key+"]", key, say)
			}
		}
	}
	for _, w := range in.workloads {
		for _, key := range slices.Sorted(maps.Keys(w.pod.Annotations)) {
			old(w.resource, w.field("metadata.annotations[%s]", key), key, say)
		}
		for _, key := range slices.Sorted(maps.Keys(w.pod.Spec.NodeSelector)) {
			old(w.resource, w.field("spec.nodeSelector[%s]", key), key, say)
		}
		for i, spread := range w.pod.Spec.TopologySpreadConstraints {
			old(w.resource, w.field("spec.topologySpreadConstraints[%d].topologyKey", i), spread.TopologyKey, say)
		}
		if name := w.pod.Spec.DeprecatedServiceAccount; name != "" && w.pod.Spec.ServiceAccountName == "" {
			say(w.resource, w.field("spec.serviceAccount"), "is deprecated", "use serviceAccountName")
		}
	}
}

func old(r resource, field, word string, say report) {
	if o, ok := outdated[word]; ok {
		say(r, field, word+" is "+o.since, "use "+o.instead)
	}
}

// notServed says why the Kubernetes version does not serve a resource's API
// version. It returns "" if the version serves it.
func (in *inspection) notServed(r resource) string {
	if old, ok := removedAPIs[r.APIVersion+" "+r.Kind]; ok {
		if major, minor, err := numbers(old.since); err == nil && !in.before(major, minor) {
			return fmt.Sprintf("%s was removed in Kubernetes %s; use %s", r.APIVersion, old.since, old.instead)
		}
	}
	if !in.builtIn(r) {
		return ""
	}
	object, err := scheme.Scheme.New(r.kind())
	if err != nil {
		return ""
	}
	if o, ok := object.(introduced); ok {
		if major, minor := o.APILifecycleIntroduced(); in.before(major, minor) {
			return fmt.Sprintf("%s needs Kubernetes %d.%d or later, and the cluster has %s", r.APIVersion, major, minor, in.version())
		}
	}
	o, ok := object.(removed)
	if !ok {
		return ""
	}
	major, minor := o.APILifecycleRemoved()
	if major == 0 || in.before(major, minor) {
		return ""
	}
	instead := ""
	if o, ok := object.(replaced); ok && !o.APILifecycleReplacement().Empty() {
		instead = "; use " + o.APILifecycleReplacement().GroupVersion().String()
	}
	return fmt.Sprintf("%s was removed in Kubernetes %d.%d%s", r.APIVersion, major, minor, instead)
}

// builtIn reports whether Kubernetes itself defines the kind.
func (in *inspection) builtIn(r resource) bool { return scheme.Scheme.Recognizes(r.kind()) }

func (r resource) kind() schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(r.APIVersion, strings.TrimSpace(r.Kind))
}
