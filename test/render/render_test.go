// Package render compares the manifests of every environment with golden files, so that
// a change of the chart shows its effect, and has assertions for each feature.
package render_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"todo-chatbot/mage/chart"
)

// go test ./test/render -update writes the golden files and the tables of docs/chart.md;
// review the difference.
var update = flag.Bool("update", false, "write the golden files and docs/chart.md")

const (
	chartDir    = "../../helm/todo-chatbot"
	valuesDir   = "../../values"
	kubeVersion = "1.36.3" // of the clusters that the pipeline makes
)

var testRelease = chart.Options{Release: "todo", Namespace: "todo-test", KubeVersion: kubeVersion}

// images returns values like a build's, with fixed digests.
func images() chart.Layer {
	image := func(digit string) map[string]any {
		return map[string]any{"image": map[string]any{"digest": "sha256:" + strings.Repeat(digit, 64)}}
	}
	return chart.Layer{Origin: "the build", Values: map[string]any{
		"global":   map[string]any{"imageRegistry": "localhost:5000"},
		"frontend": withGateway(image("f"), image("e")), "backend": image("b"), "postgresql": image("d"),
	}}
}

// withGateway adds the gateway's image to the frontend.
func withGateway(frontend, gateway map[string]any) map[string]any {
	frontend["gateway"] = gateway
	return frontend
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

// rendering is the list of manifests for some values.
type rendering []chart.Manifest

var deployments sync.Map //nolint:gochecknoglobals // environment → rendering; a rendering takes a second, so tests share it

// deployed runs the gate for an environment, as a deploy does.
func deployed(t *testing.T, name string) rendering {
	t.Helper()
	if r, ok := deployments.Load(name); ok {
		return r.(rendering)
	}
	layer, opts := environment(t, name)
	rendered, err := chart.Check(chartDir, chart.Compose(layer, images()), opts)
	require.NoError(t, err)
	deployments.Store(name, rendering(rendered.Manifests))
	return rendered.Manifests
}

// render runs the gate with values.
func render(t *testing.T, values string) rendering {
	t.Helper()
	layer, err := chart.ParseLayer("values/test.yaml", []byte(values))
	require.NoError(t, err)
	rendered, err := chart.Check(chartDir, chart.Compose(layer), testRelease)
	require.NoError(t, err)
	return rendered.Manifests
}

// refused returns the gate's error for values.
func refused(t *testing.T, values string) string {
	t.Helper()
	layer, err := chart.ParseLayer("values/test.yaml", []byte(values))
	require.NoError(t, err)
	_, err = chart.Check(chartDir, chart.Compose(layer), testRelease)
	require.Error(t, err, values)
	return err.Error()
}

func (r rendering) text() string {
	var b strings.Builder
	for _, m := range r {
		fmt.Fprintf(&b, "---\n# Source: %s\n%s", m.File, m.YAML)
	}
	return b.String()
}

// has tells whether a resource exists.
func (r rendering) has(kind, name string) bool {
	for _, m := range r {
		if m.Kind == kind && m.Name == name {
			return true
		}
	}
	return false
}

// get decodes a resource.
func get[T any](t *testing.T, r rendering, kind, name string) T {
	t.Helper()
	var out T
	for _, m := range r {
		if m.Kind == kind && m.Name == name {
			require.NoError(t, yaml.UnmarshalStrict([]byte(m.YAML), &out))
			return out
		}
	}
	require.Fail(t, "not rendered", "%s %s", kind, name)
	return out
}

// pod is a pod, or the pod template of a workload.
type pod struct {
	chart.Manifest
	corev1.PodTemplateSpec

	replicas int
}

// pods returns the pods of all workloads and hooks.
func (r rendering) pods(t *testing.T) []pod {
	t.Helper()
	var pods []pod
	for _, m := range r {
		p := pod{Manifest: m, replicas: 1}
		switch m.Kind {
		case "Pod":
			require.NoError(t, yaml.Unmarshal([]byte(m.YAML), &p.PodTemplateSpec))
		case "Deployment", "StatefulSet", "Job":
			var workload struct {
				Spec struct {
					Replicas *int
					Template corev1.PodTemplateSpec
				}
			}
			require.NoError(t, yaml.Unmarshal([]byte(m.YAML), &workload))
			p.PodTemplateSpec = workload.Spec.Template
			if workload.Spec.Replicas != nil {
				p.replicas = *workload.Spec.Replicas
			}
		default:
			continue
		}
		pods = append(pods, p)
	}
	return pods
}

func (p pod) containers() []corev1.Container {
	return append(append([]corev1.Container{}, p.Spec.InitContainers...), p.Spec.Containers...)
}

func TestEnvironmentsRenderGoldenManifests(t *testing.T) {
	for _, name := range environments(t) {
		t.Run(name, func(t *testing.T) {
			got := deployed(t, name).text()
			golden := filepath.Join("golden", name+".yaml")
			if *update {
				require.NoError(t, os.MkdirAll("golden", 0o755))
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err, "run: go test ./test/render -update")
			assert.Equal(t, string(want), got, "if the change is intended, run: go test ./test/render -update")
		})
	}
}
