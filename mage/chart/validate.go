package chart

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apiserver/pkg/endpoints/deprecation"
	"k8s.io/client-go/kubernetes/scheme"
)

// Validate finds, offline, what a cluster of kubeVersion ("" for the newest
// that the Go libraries know) would refuse in manifests or accept and not run:
// unknown and mistyped fields, kinds and names, deprecated APIs, pods that the
// Pod Security Standard "restricted" forbids, and references between the
// manifests that lead nowhere.
//
// Its measure are the Go types of client-go: it knows when a kind came and
// went, but not when a field did, and not what admission of a certain cluster
// adds. A kind that client-go does not know, such as a custom resource, is a
// finding.
func Validate(manifests []Manifest, kubeVersion string) (Findings, error) {
	caps, err := capabilities(kubeVersion)
	if err != nil {
		return nil, err
	}
	major, err := strconv.Atoi(caps.KubeVersion.Major)
	if err != nil {
		return nil, fmt.Errorf("parse Kubernetes version %q: %w", kubeVersion, err)
	}
	minor, err := strconv.Atoi(strings.TrimRight(caps.KubeVersion.Minor, "+"))
	if err != nil {
		return nil, fmt.Errorf("parse Kubernetes version %q: %w", kubeVersion, err)
	}
	in := &inspection{
		major: major, minor: minor,
		decoder: json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme,
			json.SerializerOptions{Yaml: true, Strict: true}),
	}
	for _, m := range manifests {
		in.manifest(m)
	}
	in.references()
	return in.found.sorted(), nil
}

type inspection struct {
	major, minor int
	decoder      runtime.Decoder
	resources    []resource
	found        Findings
}

// resource is a manifest that could be read.
type resource struct {
	Manifest
	object runtime.Object
}

func (in *inspection) add(m Manifest, key, format string, args ...any) {
	in.found = append(in.found, Finding{
		File: m.File, Key: strings.TrimSpace(m.Kind + " " + key),
		Message: fmt.Sprintf(format, args...),
	})
}

func (in *inspection) manifest(m Manifest) {
	object, kind, err := in.decoder.Decode([]byte(m.YAML), nil, nil)
	switch {
	case runtime.IsMissingKind(err), runtime.IsMissingVersion(err):
		in.add(m, "", "has no apiVersion or no kind")
		return
	case runtime.IsNotRegisteredError(err):
		in.add(m, "", "%s %s is not known to Kubernetes", m.APIVersion, m.Kind)
		return
	case runtime.IsStrictDecodingError(err):
		in.strict(m, err)
	case err != nil:
		in.mistyped(m, err)
	}
	if object == nil {
		return
	}
	object.GetObjectKind().SetGroupVersionKind(*kind)
	in.resources = append(in.resources, resource{m, object})
	in.name(m, object)
	in.lifecycle(m, object)
	in.security(m, object)
}

// complaint is one of a strict decoder's: what, then the field.
var complaint = regexp.MustCompile(`^(unknown|duplicate) field "(.+)"$`)

func (in *inspection) strict(m Manifest, err error) {
	strict, ok := runtime.AsStrictDecodingError(err)
	if !ok {
		in.add(m, "", "%v", err)
		return
	}
	for _, e := range strict.Errors() {
		if parts := complaint.FindStringSubmatch(e.Error()); parts != nil {
			in.add(m, parts[2], "%s field", parts[1])
			continue
		}
		in.add(m, "", "%s", strings.Join(strings.Fields(e.Error()), " "))
	}
}

// wrongGoType is what the decoder says of a value of the wrong type, in Go's
// words.
var wrongGoType = regexp.MustCompile(`cannot unmarshal (\w+) into Go struct field \w+\.(\S+) of type (\S+)`)

func (in *inspection) mistyped(m Manifest, err error) {
	if parts := wrongGoType.FindStringSubmatch(err.Error()); parts != nil {
		in.add(m, parts[2], "is of type %s, must be %s", parts[1], parts[3])
		return
	}
	in.add(m, "", "%v", err)
}

func (in *inspection) name(m Manifest, object runtime.Object) {
	check := validation.IsDNS1123Subdomain
	if m.Kind == "Service" {
		check = validation.IsDNS1035Label
	}
	for _, text := range check(m.Name) {
		in.add(m, "metadata.name", "%q: %s", m.Name, text)
	}
	if meta, ok := object.(metav1.Object); ok {
		for key, value := range meta.GetLabels() {
			for _, text := range append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...) {
				in.add(m, "metadata.labels."+key, "%q: %s", value, text)
			}
		}
		if meta.GetNamespace() != "" {
			in.add(m, "metadata.namespace", "is %q; leave it to the release", meta.GetNamespace())
		}
	}
}

// Kubernetes' generated lifecycle of an API version.
type (
	introduced interface{ APILifecycleIntroduced() (major, minor int) }
	removed    interface{ APILifecycleRemoved() (major, minor int) }
	replaced   interface {
		APILifecycleReplacement() schema.GroupVersionKind
	}
)

func (in *inspection) lifecycle(m Manifest, object runtime.Object) {
	if o, ok := object.(introduced); ok {
		if major, minor := o.APILifecycleIntroduced(); in.before(major, minor) {
			in.add(m, "apiVersion", "%s came with Kubernetes %d.%d and the cluster has %d.%d", m.APIVersion, major, minor, in.major, in.minor)
		}
	}
	if o, ok := object.(removed); ok {
		major, minor := o.APILifecycleRemoved()
		if major > 0 && !in.before(major, minor) {
			in.add(m, "apiVersion", "%s went with Kubernetes %d.%d%s", m.APIVersion, major, minor, instead(object))
			return
		}
	}
	if deprecation.IsDeprecated(object, in.major, in.minor) {
		in.add(m, "apiVersion", "%s", deprecation.WarningMessage(object))
	}
}

// before reports whether the cluster is older than major.minor.
func (in *inspection) before(major, minor int) bool {
	return in.major < major || in.major == major && in.minor < minor
}

func instead(object runtime.Object) string {
	if o, ok := object.(replaced); ok && !o.APILifecycleReplacement().Empty() {
		return "; use " + o.APILifecycleReplacement().GroupVersion().String()
	}
	return ""
}
