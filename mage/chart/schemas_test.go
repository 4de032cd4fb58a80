package chart

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// free are tables with arbitrary keys.
var free = []string{"labels", "annotations", "matchLabels", "selector", "data", "requests", "limits", "nodeSelector"}

// mutate calls see twice for every field of doc, with a changed copy of doc: first
// with the field misspelt, then with a value of a type that no field here has.
func mutate(doc map[string]any, see func(field, how string, changed map[string]any)) {
	var visit func(at any, path []string)
	visit = func(at any, path []string) {
		switch at := at.(type) {
		case []any:
			for i, item := range at {
				visit(item, append(slices.Clone(path), strconv.Itoa(i)))
			}
		case map[string]any:
			if len(path) > 0 && slices.Contains(free, path[len(path)-1]) && !hasSelectorWords(at) {
				return
			}
			for _, key := range slices.Sorted(maps.Keys(at)) {
				below := append(slices.Clone(path), key)
				changed := runtime.DeepCopyJSON(doc)
				parent, _ := follow(changed, path)
				parent.(map[string]any)[key+"x"] = parent.(map[string]any)[key]
				delete(parent.(map[string]any), key)
				see(fieldOf(doc, below), "misspelt", changed)
				if kindOf(at[key]) != "object" && kindOf(at[key]) != "array" {
					changed := runtime.DeepCopyJSON(doc)
					parent, _ := follow(changed, path)
					parent.(map[string]any)[key] = []any{map[string]any{}}
					see(fieldOf(doc, below), "mistyped", changed)
				}
				visit(at[key], below)
			}
		}
	}
	visit(doc, nil)
}

// hasSelectorWords tells a label selector from the labels that a Service selects.
func hasSelectorWords(table map[string]any) bool {
	return table["matchLabels"] != nil || table["matchExpressions"] != nil
}

func TestMisspeltAndMistypedFieldsAreFoundInEveryVersion(t *testing.T) {
	fields := 0
	for _, m := range manifests(t) {
		mutate(m.doc, func(field, how string, changed map[string]any) {
			if field == "apiVersion" || field == "kind" || field == "metadata" && how == "misspelt" {
				return // other tests cover another kind and a missing kind
			}
			text, err := yaml.Marshal(changed)
			require.NoError(t, err)
			again, err := split(map[string]string{m.File: string(text)})
			if err != nil {
				return // the name or the annotations cannot be parsed
			}
			fields++
			for _, version := range []string{OldestKubernetes, NewestKubernetes} {
				findings, err := validate(again, Options{KubeVersion: version})
				require.NoError(t, err)
				assert.True(t, slices.ContainsFunc(findings, func(f Finding) bool {
					return f.Rule == "schema" && (strings.HasPrefix(f.Key, field) || strings.HasPrefix(field, f.Key))
				}), "%s %s, %s: %s passes Kubernetes %s", m.Kind, m.Name, field, how, version)
			}
		})
	}
	assert.Greater(t, fields, 400, "the manifests contain fields to change")
}

func TestSchemasExistForTheOldestAndNewestKubernetes(t *testing.T) {
	sets, err := schemaSets()
	require.NoError(t, err)
	for _, version := range []string{OldestKubernetes, NewestKubernetes} {
		set := sets["kubernetes-"+minorOf(version)+".json"]
		require.NotNil(t, set, version)
		data, err := schemaFiles.ReadFile("schemas/kubernetes-" + minorOf(version) + ".json")
		require.NoError(t, err)
		assert.Contains(t, string(data), "k8s.io/kubernetes@v"+minorOf(version)+".", "the file names its source")
		assert.NotNil(t, set.kinds["apps/v1 Deployment"])
	}
}

func TestVersionsBetweenUseTheSchemasOfTheNewest(t *testing.T) {
	all := manifests(t, change{"deployment.yaml", "          ports:", "          lifecycle: {preStop: {sleep: {seconds: 3}}}\n          ports:"})
	for version, finds := range map[string]int{"1.24.17": 1, "1.25.16": 1, "1.26.0": 0, "1.36.3": 0, "1.99.0": 0, "": 0} {
		findings, err := validate(all, Options{KubeVersion: version})
		require.NoError(t, err)
		assert.Len(t, findings, finds, version)
	}
	_, err := validate(all, Options{KubeVersion: "newest"})
	assert.ErrorContains(t, err, `parse Kubernetes version "newest"`)
}

// FuzzValidate searches for manifests that make the gate panic, or that it judges
// differently the second time.
func FuzzValidate(f *testing.F) {
	for _, m := range manifests(f) {
		f.Add(m.YAML)
	}
	f.Add("a: [1\n")
	f.Add("kind: Deployment\napiVersion: apps/v1\nspec: {template: {spec: {containers: [{}, null]}}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := split(map[string]string{"a/templates/b.yaml": text})
		if err != nil {
			return
		}
		first, err := validate(all, Options{})
		require.NoError(t, err)
		second, err := validate(all, Options{})
		require.NoError(t, err)
		assert.Equal(t, first, second)
		for _, found := range first {
			assert.NotEmpty(t, found.Message)
			assert.NotEmpty(t, found.Rule)
		}
	})
}
