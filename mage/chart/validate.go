package chart

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/pod-security-admission/policy"
)

// validate finds, offline, what a cluster of opts.KubeVersion would refuse in
// manifests, or take and not run well, or run less safely than it could: it
// holds them against Rules.
//
// What it cannot know is what only a cluster has: admission of its own, the
// controllers of Ingress and HTTPRoute, storage classes, and Secrets, which are
// made outside of the chart.
func validate(manifests []Manifest, opts Options) (Findings, error) {
	in, err := inspect(manifests, opts)
	if err != nil {
		return nil, err
	}
	for _, rule := range Rules() {
		rule.check(in, func(r resource, key, message, cure string) {
			if rule.excepts(r, message) {
				return
			}
			in.found = append(in.found, Finding{
				Rule: rule.Name, File: r.File, Object: r.object(),
				Key: key, Message: message, Cure: cure,
			})
		})
	}
	return in.found.sorted(), nil
}

// report notes what is wrong with a resource.
type report func(r resource, key, message, cure string)

// inspection is what the rules look at.
type inspection struct {
	major, minor, oldestMinor int
	capacity                  Capacity
	requireTLS                bool
	given                     map[string]bool
	sets                      map[string]*schemaSet
	podSecurity               policy.Evaluator
	resources                 []resource
	workloads                 []workload
	found                     Findings
}

// resource is a manifest, taken apart.
type resource struct {
	Manifest
	typed  runtime.Object // nil for what client-go does not know, such as an HTTPRoute
	broken error          // why the object could not be read, or not wholly
}

// workload is a resource that makes pods.
type workload struct {
	resource
	pod      *corev1.PodTemplateSpec
	at       string                // field of the pod's template; empty for a Pod
	selector *metav1.LabelSelector // by which it finds its pods again; nil where it needs none
	replicas int64
}

// field names a field of the workload's pods.
func (w workload) field(format string, args ...any) string {
	return strings.TrimPrefix(w.at+"."+fmt.Sprintf(format, args...), ".")
}

func inspect(manifests []Manifest, opts Options) (*inspection, error) {
	caps, err := capabilities(opts.KubeVersion)
	if err != nil {
		return nil, err
	}
	in := &inspection{capacity: opts.Capacity.orSpecified(), requireTLS: opts.RequireTLS, given: opts.given}
	if in.major, in.minor, err = numbers(caps.KubeVersion.Version); err != nil {
		return nil, err
	}
	if _, in.oldestMinor, err = numbers(OldestKubernetes); err != nil {
		return nil, err
	}
	if in.sets, err = schemaSets(); err != nil {
		return nil, err
	}
	if in.podSecurity, err = podChecks(); err != nil {
		return nil, fmt.Errorf("make the Pod Security checks: %w", err)
	}
	decoder := serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, serializer.SerializerOptions{})
	for _, m := range manifests {
		r := read(m, decoder)
		in.resources = append(in.resources, r)
		if w, ok := workloadOf(r); ok {
			in.workloads = append(in.workloads, w)
		}
	}
	return in, nil
}

func read(m Manifest, decoder runtime.Decoder) resource {
	r := resource{Manifest: m}
	text, err := json.Marshal(m.doc)
	if err != nil {
		r.broken = err
		return r
	}
	object, _, err := decoder.Decode(text, nil, nil)
	switch {
	case runtime.IsNotRegisteredError(err):
	case err != nil:
		r.broken = err
	default:
		r.typed = object
	}
	return r
}

// version is the inspection's Kubernetes version, as people say it.
func (in *inspection) version() string { return fmt.Sprintf("%d.%d", in.major, in.minor) }

// before reports whether the cluster is older than major.minor.
func (in *inspection) before(major, minor int) bool {
	return in.major < major || in.major == major && in.minor < minor
}

// minorOf is a version without its patch: of "1.25.0", "1.25".
func minorOf(version string) string {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	return major + "." + minor
}

func numbers(version string) (major, minor int, err error) {
	first, second, _ := strings.Cut(minorOf(strings.TrimPrefix(version, "v")), ".")
	if major, err = strconv.Atoi(first); err == nil {
		minor, err = strconv.Atoi(second)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("parse Kubernetes version %q: %w", version, err)
	}
	return major, minor, nil
}
