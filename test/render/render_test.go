// Package render holds the manifests of every environment as golden files, so
// that a change of the chart shows what it changes in the cluster.
package render_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"todo-chatbot/mage/chart"
)

// go test ./test/render -update writes the golden files anew; read the diff.
var update = flag.Bool("update", false, "write the golden files anew")

const (
	chartDir    = "../../helm/todo-chatbot"
	valuesDir   = "../../values"
	kubeVersion = "1.36.3" // of the clusters that the pipeline makes
)

// images stands for what a build gives; the digests are recognisable and fixed.
func images() chart.Layer {
	image := func(digit string) map[string]any {
		return map[string]any{"image": map[string]any{"digest": "sha256:" + strings.Repeat(digit, 64)}}
	}
	return chart.Layer{Origin: "the build", Values: map[string]any{
		"global":   map[string]any{"imageRegistry": "localhost:5000"},
		"frontend": image("f"), "backend": image("b"), "postgresql": image("d"),
	}}
}

// environments returns the names of all values/NAME.yaml.
func environments(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(valuesDir, "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".yaml"))
	}
	return names
}

// environment reads values/NAME.yaml as the pipeline does.
func environment(t *testing.T, name string) (chart.Layer, chart.Options) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(valuesDir, name+".yaml"))
	require.NoError(t, err)
	var file struct {
		Pipeline struct{ Release, Namespace string }
	}
	require.NoError(t, yaml.Unmarshal(data, &file))
	layer, err := chart.ParseLayer("values/"+name+".yaml", data)
	require.NoError(t, err)
	return layer, chart.Options{
		Release: file.Pipeline.Release, Namespace: file.Pipeline.Namespace, KubeVersion: kubeVersion,
	}
}

func text(manifests []chart.Manifest) string {
	var b strings.Builder
	for _, m := range manifests {
		fmt.Fprintf(&b, "---\n# Source: %s\n%s", m.File, m.YAML)
	}
	return b.String()
}

func TestEveryEnvironmentPassesTheGateAndRendersItsGoldenManifests(t *testing.T) {
	for _, name := range environments(t) {
		t.Run(name, func(t *testing.T) {
			layer, opts := environment(t, name)
			manifests, err := chart.Check(chartDir, chart.Compose(layer, images()), opts)
			require.NoError(t, err)

			golden := filepath.Join("golden", name+".yaml")
			if *update {
				require.NoError(t, os.MkdirAll("golden", 0o755))
				require.NoError(t, os.WriteFile(golden, []byte(text(manifests)), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err, "run: go test ./test/render -update")
			assert.Equal(t, string(want), text(manifests), "if this is meant, run: go test ./test/render -update")
		})
	}
}
