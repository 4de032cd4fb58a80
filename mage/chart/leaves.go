package chart

import (
	"maps"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/runtime"
)

// leaves returns the paths of all scalars, empty tables and empty lists in v, and
// of the values that the user removed with null.
func leaves(v, user any, path []string) [][]string {
	below := func(key string, v, user any) [][]string {
		return leaves(v, user, append(slices.Clone(path), key))
	}
	var all [][]string
	switch v := v.(type) {
	case map[string]any:
		given, _ := user.(map[string]any)
		keys := maps.Clone(v)
		maps.Copy(keys, given)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			all = append(all, below(key, v[key], given[key])...)
		}
	case []any:
		for i, item := range v {
			all = append(all, below(strconv.Itoa(i), item, nil)...)
		}
	}
	if len(all) == 0 && len(path) > 0 {
		return [][]string{path}
	}
	return all
}

// texts returns every string in values.
func texts(values map[string]any) map[string]bool {
	all := map[string]bool{}
	for _, leaf := range leaves(values, nil, nil) {
		value, _ := follow(values, leaf)
		if text, ok := value.(string); ok {
			all[text] = true
		}
	}
	return all
}

// other returns a value that a template renders to something else.
func other(v any) any {
	switch v := v.(type) {
	case string:
		return v + "x"
	case bool:
		return !v
	case float64:
		return v + 1
	case int64:
		return v + 1
	case map[string]any:
		return map[string]any{"x": "x"}
	case []any:
		return []any{"x"}
	}
	return "x"
}

// put sets the value at path in user values. A list is first copied from the
// effective values, because Helm replaces whole lists.
func put(user map[string]any, path []string, value any, effective map[string]any) {
	for i, key := range path[:len(path)-1] {
		whole, _ := follow(effective, path[:i+1])
		if list, isList := whole.([]any); isList {
			user[key] = exchange(runtime.DeepCopyJSONValue(list), path[i+1:], value)
			return
		}
		below, isTable := user[key].(map[string]any)
		if !isTable {
			below = map[string]any{}
			user[key] = below
		}
		user = below
	}
	user[path[len(path)-1]] = value
}

// exchange sets the value at path in v and returns v.
func exchange(v any, path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	switch v := v.(type) {
	case []any:
		if i, err := strconv.Atoi(path[0]); err == nil && i < len(v) {
			v[i] = exchange(v[i], path[1:], value)
		}
	case map[string]any:
		v[path[0]] = exchange(v[path[0]], path[1:], value)
	}
	return v
}
