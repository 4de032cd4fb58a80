package render_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/chart"
)

// settings returns the paths of all defaults.
func settings(defaults map[string]any, path []string) (all [][]string) {
	for _, key := range slices.Sorted(maps.Keys(defaults)) {
		at := append(slices.Clone(path), key)
		if table, ok := defaults[key].(map[string]any); ok && len(table) > 0 {
			all = append(all, settings(table, at)...)
			continue
		}
		all = append(all, at)
	}
	return all
}

// unlike returns another value of the same type.
func unlike(value any) any {
	switch v := value.(type) {
	case bool:
		return !v
	case string:
		return v + "x"
	case float64:
		return v + 1
	case map[string]any:
		return map[string]any{"x": "x"}
	}
	return []any{map[string]any{"name": "x"}}
}

// with returns a table with one value, at path.
func with(value any, path []string) map[string]any {
	if len(path) > 1 {
		value = with(value, path[1:])
	}
	return map[string]any{path[0]: value}
}

func TestEveryValueChangesManifests(t *testing.T) {
	c, err := chart.Load(chartDir)
	require.NoError(t, err)
	defaults := maps.Clone(c.Values)
	for name, sub := range charts(c) {
		if name != "" {
			defaults[name] = sub.Values
		}
	}
	text := func(layers ...chart.Layer) string {
		manifests, err := chart.Render(c, chart.Compose(layers...), testRelease)
		if err != nil {
			return err.Error()
		}
		return rendering(manifests).text()
	}
	// A value has an effect with one of these features.
	files, err := filepath.Glob("features/*.yaml")
	require.NoError(t, err)
	several, err := chart.ParseLayer("several", []byte("frontend: {replicas: 2, service: {type: LoadBalancer}}\nbackend: {replicas: 2, service: {type: LoadBalancer}}"))
	require.NoError(t, err)
	bases := []chart.Layer{{}, several}
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		layer, err := chart.ParseLayer(file, data)
		require.NoError(t, err)
		bases = append(bases, layer)
	}
	before := make([]string, len(bases))
	for i, base := range bases {
		before[i] = text(base)
	}
	paths := settings(defaults, nil)
	require.Greater(t, len(paths), 100)
	for _, path := range paths {
		var value any = defaults
		for _, key := range path {
			value = value.(map[string]any)[key]
		}
		changed := chart.Layer{Origin: "changed", Values: with(unlike(value), path)}
		decides := false
		for i := 0; i < len(bases) && !decides; i++ {
			decides = text(bases[i], changed) != before[i]
		}
		assert.True(t, decides, "%v: no manifest depends on it", path)
	}
}
