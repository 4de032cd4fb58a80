package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	helmrelease "helm.sh/helm/v3/pkg/release"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/mergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"

	"todo-chatbot/mage/kube"
)

// Refusal is a change of an object that the API server refuses, such as a change of
// an immutable field.
type Refusal struct {
	Kind, Name string
	Fields     []Change // the changed fields that the refusal is about; may be empty
	Message    string   // the API server's
}

// Change is a field with its values in the present and in the wanted revision; a
// missing value is empty.
type Change struct{ Field, From, To string }

func (r Refusal) Error() string {
	what := kube.Ref(r.Kind, r.Name) + ": "
	if len(r.Fields) == 0 {
		return what + r.Message
	}
	var changes []string
	for _, c := range r.Fields {
		changes = append(changes, fmt.Sprintf("%s cannot change from %s to %s", c.Field, orNothing(c.From), orNothing(c.To)))
	}
	return what + strings.Join(changes, "; ")
}

func orNothing(value string) string {
	if value == "" {
		return "nothing"
	}
	return value
}

// Refusals asks the API server which changes of an upgrade to spec it refuses. It
// patches each changed object in a dry run, as Helm would, and changes nothing. An
// installation has no refusals.
func (m *Manager) Refusals(ctx context.Context, spec Spec) ([]Refusal, error) {
	if err := m.check(&spec); err != nil {
		return nil, err
	}
	now, err := m.current(ctx, spec.Name)
	if err != nil || now == nil {
		return nil, err
	}
	wanted, err := m.render(ctx, spec, upgrade)
	if err != nil {
		return nil, fmt.Errorf("render release %q: %w", spec.Name, err)
	}
	return m.refusals(ctx, now, wanted)
}

func (m *Manager) refusals(ctx context.Context, now, wanted *helmrelease.Release) ([]Refusal, error) {
	old, err := parseManifest(now.Manifest)
	if err != nil {
		return nil, err
	}
	next, err := parseManifest(wanted.Manifest)
	if err != nil {
		return nil, err
	}
	var found []Refusal
	for _, object := range next.objects {
		i := slices.IndexFunc(old.objects, func(o *unstructured.Unstructured) bool {
			return o.GroupVersionKind().GroupKind() == object.GroupVersionKind().GroupKind() && o.GetName() == object.GetName()
		})
		if i < 0 || reflect.DeepEqual(old.objects[i].Object, object.Object) {
			continue
		}
		refused, err := m.dryRun(ctx, old.objects[i], object)
		if err != nil {
			return nil, fmt.Errorf("ask the cluster whether %s can be changed: %w", kube.Ref(object.GetKind(), object.GetName()), err)
		}
		if refused != nil {
			found = append(found, *refused)
		}
	}
	return found, nil
}

// dryRun patches one object without effect. It refuses nothing about an object that
// does not exist: the upgrade makes that one.
func (m *Manager) dryRun(ctx context.Context, old, wanted *unstructured.Unstructured) (*Refusal, error) {
	gvk := wanted.GroupVersionKind()
	mapping, err := m.clients.Mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		if meta.IsNoMatchError(err) {
			return nil, nil // Helm reports this before it changes anything
		}
		return nil, err
	}
	api := m.clients.Dynamic.Resource(mapping.Resource).Namespace(m.namespace)
	live, err := api.Get(ctx, wanted.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	patch, kind, err := threeWay(old, wanted, live)
	if err != nil || string(patch) == "{}" {
		return nil, err
	}
	_, err = api.Patch(ctx, wanted.GetName(), kind, patch, metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}})
	var status *apierrors.StatusError
	switch {
	case err == nil, apierrors.IsNotFound(err), apierrors.IsConflict(err),
		apierrors.IsBadRequest(err): // an admission webhook does not support dry runs
		return nil, nil
	case !apierrors.IsInvalid(err) && !apierrors.IsForbidden(err) || !errors.As(err, &status):
		return nil, err
	}
	return &Refusal{
		Kind: gvk.Kind, Name: wanted.GetName(), Message: status.ErrStatus.Message,
		Fields: fixed(gvk.Kind, changes(old.Object, wanted.Object), status.ErrStatus.Details),
	}, nil
}

// threeWay is the patch that Helm would send: the changes between the manifests, and
// the differences between the wanted one and the cluster.
func threeWay(old, wanted, live *unstructured.Unstructured) ([]byte, types.PatchType, error) {
	var texts [3][]byte
	for i, object := range []*unstructured.Unstructured{old, wanted, live} {
		text, err := json.Marshal(object.Object)
		if err != nil {
			return nil, "", err
		}
		texts[i] = text
	}
	typed, err := scheme.Scheme.New(wanted.GroupVersionKind())
	if runtime.IsNotRegisteredError(err) {
		keep := []mergepatch.PreconditionFunc{mergepatch.RequireKeyUnchanged("apiVersion"), mergepatch.RequireKeyUnchanged("kind"), mergepatch.RequireMetadataKeyUnchanged("name")}
		patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(texts[0], texts[1], texts[2], keep...)
		return patch, types.MergePatchType, err
	}
	if err != nil {
		return nil, "", err
	}
	lookup, err := strategicpatch.NewPatchMetaFromStruct(typed)
	if err != nil {
		return nil, "", err
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(texts[0], texts[1], texts[2], lookup, true)
	return patch, types.StrategicMergePatchType, err
}

// changeable are the fields of a StatefulSet's spec that can change. The API server
// lists them in its message, and does not name the refused field.
var changeable = []string{"spec.replicas", "spec.ordinals", "spec.template", "spec.updateStrategy", "spec.minReadySeconds",
	"spec.revisionHistoryLimit", "spec.persistentVolumeClaimRetentionPolicy"}

// fixed are the changes that a refusal is about, according to its causes.
func fixed(kind string, all []Change, details *metav1.StatusDetails) []Change {
	within := func(field, of string) bool {
		rest, inside := strings.CutPrefix(field, of)
		return inside && (rest == "" || rest[0] == '.' || rest[0] == '[')
	}
	return slices.DeleteFunc(all, func(c Change) bool {
		if kind == kindStatefulSet && slices.ContainsFunc(changeable, func(f string) bool { return within(c.Field, f) }) {
			return true
		}
		return details != nil && len(details.Causes) > 0 && !slices.ContainsFunc(details.Causes, func(cause metav1.StatusCause) bool {
			return within(c.Field, cause.Field) || within(cause.Field, c.Field)
		})
	})
}

// changes are the scalars that differ between two objects, sorted by field.
func changes(old, wanted any) []Change {
	before, after := map[string]string{}, map[string]string{}
	scalars("", old, before)
	scalars("", wanted, after)
	var all []Change
	for field, from := range before {
		if to := after[field]; to != from {
			all = append(all, Change{field, from, to})
		}
	}
	for field, to := range after {
		if _, there := before[field]; !there {
			all = append(all, Change{field, "", to})
		}
	}
	slices.SortFunc(all, func(a, b Change) int { return strings.Compare(a.Field, b.Field) })
	return all
}

func scalars(field string, value any, into map[string]string) {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			scalars(strings.TrimPrefix(field+"."+key, "."), item, into)
		}
	case []any:
		for i, item := range v {
			scalars(fmt.Sprintf("%s[%d]", field, i), item, into)
		}
	default:
		into[field] = fmt.Sprint(v)
	}
}
