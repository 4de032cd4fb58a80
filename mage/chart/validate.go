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

// validate checks manifests against Rules, offline, for a cluster of
// opts.KubeVersion.
//
// It does not know the parts that only a cluster has: its admission controllers,
// the controllers of Ingress and HTTPRoute, storage classes, and Secrets, which are
// created outside the chart.
func validate(manifests []Manifest, opts Options) (Findings, error) {
	in, err := inspect(manifests, opts)
	if err != nil {
		return nil, err
	}
	for _, rule := range Rules() {
		rule.check(in, func(r resource, key, message, fix string) {
			if rule.excepts(r, message) {
				return
			}
			in.found = append(in.found, Finding{
				Rule: rule.Name, File: r.File, Object: r.object(),
				Key: key, Message: message, Fix: fix,
			})
		})
	}
	return in.found.sorted(), nil
}

// report adds a finding on a resource. fix may be empty.
type report func(r resource, key, message, fix string)

// inspection holds the facts that the rules check.
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

// resource is a manifest with its decoded object.
type resource struct {
	Manifest
	typed  runtime.Object // nil if client-go does not know the kind, such as HTTPRoute
	broken error          // why the object could not be decoded completely
}

// workload is a resource that creates pods.
type workload struct {
	resource
	pod      *corev1.PodTemplateSpec
	at       string                // field of the pod template; empty for a Pod
	selector *metav1.LabelSelector // nil for a Job, CronJob or Pod
	replicas int64
}

// field returns the name of a field in the pod template.
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
		return nil, fmt.Errorf("prepare the Pod Security checks: %w", err)
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

// version returns the inspected Kubernetes version without its patch.
func (in *inspection) version() string { return fmt.Sprintf("%d.%d", in.major, in.minor) }

// before reports whether the inspected version is older than major.minor.
func (in *inspection) before(major, minor int) bool {
	return in.major < major || in.major == major && in.minor < minor
}

// minorOf returns a version without its patch: "1.25" for "1.25.0".
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
