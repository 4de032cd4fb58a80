package release

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"todo-chatbot/mage/kube"
)

const (
	hidden       = "[hidden]"
	hiddenChange = "[hidden, changed]" // differs from the value before
	diffContext  = 3                   // lines around a change
)

// titled is an object with its title in a diff.
type titled struct {
	title  string // deployment/todo-backend; pre-upgrade hook job/todo-backup
	object *unstructured.Unstructured
}

// revisionDiff is a unified diff of the objects of two revisions, hooks included,
// with one section for each object, ordered by name. It is empty if they are equal.
// A nil revision has no objects. to names the second revision in the diff. Comments
// and the order of keys do not count. The values of Secrets are masked.
func revisionDiff(before, after *helmrelease.Release, to string, mask *strings.Replacer) (string, error) {
	old, err := resources(before)
	if err != nil {
		return "", err
	}
	wanted, err := resources(after)
	if err != nil {
		return "", err
	}
	keys := maps.Clone(old)
	maps.Copy(keys, wanted)
	ordered := slices.SortedFunc(maps.Keys(keys), func(a, b string) int {
		return cmp.Or(cmp.Compare(keys[a].title, keys[b].title), cmp.Compare(a, b))
	})
	from := ""
	if before != nil {
		from = fmt.Sprintf("revision %d", before.Version)
	}
	var out strings.Builder
	for _, key := range ordered {
		section, err := resourceDiff(old[key], wanted[key], from, to, mask)
		if err != nil {
			return "", fmt.Errorf("compare %s: %w", keys[key].title, err)
		}
		out.WriteString(section)
	}
	return out.String(), nil
}

// resources are the objects of a revision by kind, namespace and name.
func resources(r *helmrelease.Release) (map[string]titled, error) {
	out := map[string]titled{}
	if r == nil {
		return out, nil
	}
	add := func(text, hook string) error {
		parsed, err := parseManifest(text)
		if err != nil {
			return err
		}
		for _, obj := range parsed.objects {
			title := kube.Ref(obj.GetKind(), obj.GetName())
			if hook != "" {
				title = hook + " hook " + title
			}
			out[obj.GroupVersionKind().GroupKind().String()+" "+obj.GetNamespace()+" "+title] = titled{title, obj}
		}
		return nil
	}
	if err := add(r.Manifest, ""); err != nil {
		return nil, err
	}
	for _, h := range r.Hooks {
		if err := add(h.Manifest, eventNames(h)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func eventNames(h *helmrelease.Hook) string {
	var names []string
	for _, e := range h.Events {
		names = append(names, e.String())
	}
	return strings.Join(names, " and ")
}

// resourceDiff is one section. An object that does not exist is /dev/null, as in
// git.
func resourceDiff(before, after titled, from, to string, mask *strings.Replacer) (string, error) {
	old, wanted := masked(before.object, nil), masked(after.object, before.object)
	unified := difflib.UnifiedDiff{
		FromFile: "/dev/null", ToFile: "/dev/null", Context: diffContext,
	}
	var err error
	if old != nil {
		unified.FromFile, unified.FromDate = before.title, from
		if unified.A, err = yamlLines(old, mask); err != nil {
			return "", err
		}
	}
	if wanted != nil {
		unified.ToFile, unified.ToDate = after.title, to
		if unified.B, err = yamlLines(wanted, mask); err != nil {
			return "", err
		}
	}
	return difflib.GetUnifiedDiffString(unified)
}

func yamlLines(object map[string]any, mask *strings.Replacer) ([]string, error) {
	text, err := yaml.Marshal(without(object, mask))
	if err != nil {
		return nil, err
	}
	return slices.Collect(strings.Lines(string(text))), nil
}

// masked is an object with the values of a Secret masked. The mask shows which of
// them differ from other's. The arguments stay unchanged.
func masked(obj, other *unstructured.Unstructured) map[string]any {
	if obj == nil {
		return nil
	}
	if obj.GetKind() != "Secret" || obj.GroupVersionKind().Group != "" {
		return obj.Object
	}
	out := obj.DeepCopy().Object
	for _, field := range []string{"data", "stringData"} {
		values, ok := out[field].(map[string]any)
		if !ok {
			continue
		}
		var others map[string]any
		if other != nil {
			others, _ = other.Object[field].(map[string]any)
		}
		for key, value := range values {
			values[key] = hidden
			if was, there := others[key]; there && !reflect.DeepEqual(was, value) {
				values[key] = hiddenChange
			}
		}
	}
	return out
}

// without is a copy of a value with mask applied to all its texts.
func without(value any, mask *strings.Replacer) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = without(item, mask)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = without(item, mask)
		}
		return out
	case string:
		return mask.Replace(v)
	}
	return value
}

// masking replaces the texts of hide, the longest first, so that a text which
// contains another one is masked completely.
func masking(hide []string) *strings.Replacer {
	hide = slices.DeleteFunc(slices.Clone(hide), func(text string) bool { return text == "" })
	slices.SortFunc(hide, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, text := range hide {
		pairs = append(pairs, text, hidden)
	}
	return strings.NewReplacer(pairs...)
}
