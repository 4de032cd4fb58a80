package chart_test

import (
	"bytes"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/chart"
)

const (
	good       = "testdata/good"
	deployment = "charts/web/templates/deployment.yaml"
	service    = "charts/web/templates/service.yaml"
)

var release = chart.Options{Release: "todo", Namespace: "todo-test", KubeVersion: "1.36.3"}

// edit is one replacement in a file of the good chart. With an empty old text it
// writes the whole file.
type edit struct{ file, old, new string }

// broken returns a copy of the good chart with edits.
func broken(t *testing.T, edits ...edit) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "good")
	require.NoError(t, os.CopyFS(dir, os.DirFS(good)))
	for _, e := range edits {
		file := filepath.Join(dir, e.file)
		text := e.new
		if e.old != "" {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Contains(t, string(data), e.old, "the edited text must exist")
			text = strings.ReplaceAll(string(data), e.old, e.new)
		}
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	return dir
}

func values(t *testing.T, text string) chart.Values {
	t.Helper()
	layer, err := chart.ParseLayer("values/test.yaml", []byte(text))
	require.NoError(t, err)
	return chart.Compose(layer)
}

func TestGoodChartPassesTheGate(t *testing.T) {
	rendered, err := chart.Check(good, chart.Values{}, release)
	require.NoError(t, err)
	var got []string
	for _, m := range rendered.Manifests {
		got = append(got, m.Kind+" "+m.Name+" "+m.File)
	}
	assert.Equal(t, []string{
		"Deployment todo-web good/" + deployment,
		"Service todo-web good/" + service,
		"ConfigMap todo-title good/templates/configmap.yaml",
	}, got)
}

func TestLoadNamesTheCauseOfAnInvalidChart(t *testing.T) {
	for name, tc := range map[string]struct {
		edits []edit
		want  string
	}{
		"dependency missing in charts": {
			[]edit{{"Chart.yaml", "  - name: web\n", "  - name: db\n    version: 1.0.0\n  - name: web\n"}}, `"db" 1.0.0`},
		"dependency with another version in charts": {
			[]edit{{"Chart.yaml", "version: 0.1.0\n    condition", "version: 0.2.0\n    condition"}}, `"web" 0.2.0`},
		"malformed Chart.yaml":         {[]edit{{"Chart.yaml", "name: good", "name: [good"}}, "Chart.yaml"},
		"version that is not a semver": {[]edit{{"Chart.yaml", "\nversion: 0.1.0", "\nversion: soon"}}, "soon"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := chart.Load(broken(t, tc.edits...))
			require.Error(t, err)
			assert.Contains(t, err.Error(), tc.want)
		})
	}
	t.Run("folder without a chart", func(t *testing.T) {
		_, err := chart.Load(t.TempDir())
		assert.ErrorContains(t, err, "the folder has no Chart.yaml")
	})
}

func TestWrongValueIsReportedWithKeyFileAndLine(t *testing.T) {
	for name, tc := range map[string]struct{ values, want string }{
		"misspelt key": {
			"title: a\nweb:\n  replcas: 2\n", `values/test.yaml:3: web.replcas: unknown key; did you mean "replicas"?`},
		"misspelt key without a default": {
			"web:\n  image:\n    pulPolicy: Always\n", `values/test.yaml:3: web.image.pulPolicy: unknown key; did you mean "pullPolicy"?`},
		"unknown key at the top level": {
			"database: {}\n", `values/test.yaml:1: database: unknown key; known keys: global, title, web`},
		"unknown global": {
			"global: {taste: sweet}\n", `values/test.yaml:1: global.taste: unknown key; known keys: colour`},
		"string instead of a number": {
			"web: {replicas: many}\n", `values/test.yaml:1: web.replicas: is of type string, must be integer`},
		"number in quotes": {
			"web: {replicas: \"2\"}\n", `values/test.yaml:1: web.replicas: is of type string, must be integer`},
		"string instead of a table": {
			"web:\n  image: nginx\n", `values/test.yaml:2: web.image: is of type string, must be object`},
		"boolean instead of a subchart": {
			"web: off\n", `values/test.yaml:1: web: is of type boolean, must be object`},
		"table instead of a string": {
			"title: {de: hallo}\n", `values/test.yaml:1: title: is of type object, must be string`},
		"string instead of the condition of a dependency": {
			"web: {enabled: \"yes\"}\n", `values/test.yaml:1: web.enabled: is of type string, must be boolean`},
		"below the minimum": {
			"web: {replicas: -1}\n", `values/test.yaml:1: web.replicas: minimum: got -1, want 0`},
		"value that is not in the enum": {
			"web: {image: {pullPolicy: Sometimes}}\n", `values/test.yaml:1: web.image.pullPolicy: is "Sometimes", must be one of "Always", "IfNotPresent"`},
		"malformed digest": {
			"web: {image: {digest: latest}}\n", `values/test.yaml:1: web.image.digest: is "latest", must match ^(sha256:[0-9a-f]{64})?$`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := chart.Check(good, values(t, tc.values), release)
			assert.EqualError(t, err, tc.want)
		})
	}
}

func TestAllWrongValuesAreReportedInOneError(t *testing.T) {
	var logged bytes.Buffer
	log.SetOutput(&logged)
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	_, err := chart.Check(good, values(t, "titel: x\nweb:\n  replicas: many\n  image: nginx\n"), release)
	require.Error(t, err)
	assert.Equal(t, strings.Join([]string{
		`values/test.yaml:1: titel: unknown key; did you mean "title"?`,
		`values/test.yaml:3: web.replicas: is of type string, must be integer`,
		`values/test.yaml:4: web.image: is of type string, must be object`,
	}, "\n"), err.Error())
	assert.Empty(t, logged.String())
}

func TestWrongDefaultIsReportedWithTheValuesFileOfItsChart(t *testing.T) {
	dir := broken(t, edit{"charts/web/values.yaml", "replicas: 1", "replicas: one"})
	_, err := chart.Check(dir, chart.Values{}, release)
	assert.EqualError(t, err, "good/charts/web/values.yaml: web.replicas: is of type string, must be integer")
}

func TestCheckLogsNothingAndReturnsTheChartUnchanged(t *testing.T) {
	var logged bytes.Buffer
	log.SetOutput(&logged)
	t.Cleanup(func() { log.SetOutput(os.Stderr) })

	_, err := chart.Check(good, values(t, "title: {a: b}\nweb: {image: x, enabled: maybe, env: {a: b}}\n"), release)
	require.Error(t, err)
	rendered, err := chart.Check(good, values(t, "web: {enabled: false}\n"), release)
	require.NoError(t, err)
	require.Len(t, rendered.Manifests, 1, "without the subchart")
	loaded, err := chart.Load(good)
	require.NoError(t, err)
	assert.Equal(t, loaded, rendered.Chart)
	manifests, err := chart.Render(rendered.Chart, chart.Values{}, release)
	require.NoError(t, err)

	assert.Len(t, manifests, 3, "the subchart is still there")
	assert.Empty(t, logged.String())
}

func TestRefusalOfATemplateIsTheOnlyErrorAndLogsNothing(t *testing.T) {
	for name, tc := range map[string]struct{ name, want string }{
		"required value":                      {`{{ required "give a title to the page" .Values.title }}`, "good/templates/configmap.yaml:4: give a title to the page"},
		"call of fail":                        {`{{ fail "choose either" }}`, "good/templates/configmap.yaml:4: choose either"},
		"message with two lines":              {`{{ fail "choose\nor leave" }}`, "good/templates/configmap.yaml:4: choose\nor leave"},
		"missing key before a required value": {`{{ .Values.absent }}{{ required "give a title" .Values.title }}`, `map has no entry for key "absent"`},
	} {
		t.Run(name, func(t *testing.T) {
			var logged bytes.Buffer
			log.SetOutput(&logged)
			t.Cleanup(func() { log.SetOutput(os.Stderr) })
			dir := broken(t, edit{"templates/configmap.yaml", "{{ .Release.Name }}-title", tc.name})
			for _, version := range []string{release.KubeVersion, ""} {
				opts := release
				opts.KubeVersion = version
				_, err := chart.Check(dir, values(t, "title: \"\"\n"), opts)
				require.ErrorContains(t, err, tc.want)
				assert.NotContains(t, err.Error(), "RFC 1123", "an empty name is a consequence, not the cause")
			}
			assert.Empty(t, logged.String())
		})
	}
}

func TestComposeLetsLaterLayersWin(t *testing.T) {
	base, err := chart.ParseLayer("base.yaml", []byte("pipeline: {release: x}\na: {b: 1, c: [1, 2]}\nd: 1\n"))
	require.NoError(t, err)
	over, err := chart.ParseLayer("over.yaml", []byte("a: {c: [3]}\nd: null\n"))
	require.NoError(t, err)
	digest := chart.Layer{Origin: "the build", Values: map[string]any{"a": map[string]any{"e": "sha256:0"}}}

	v := chart.Compose(base, over, digest)

	got := v.Map()
	assert.Equal(t, "sha256:0", got["a"].(map[string]any)["e"])
	assert.Len(t, got["a"].(map[string]any)["c"], 1, "lists are replaced")
	assert.EqualValues(t, 1, got["a"].(map[string]any)["b"], "tables are merged")
	assert.Contains(t, got, "d", "null stays, so that Helm removes the default")
	assert.NotContains(t, got, chart.PipelineKey)
	got["a"].(map[string]any)["e"] = "changed"
	assert.Equal(t, "sha256:0", v.Map()["a"].(map[string]any)["e"], "Map returns a copy")

	for path, want := range map[string]string{"a.b": "base.yaml", "a.c": "over.yaml", "a.e": "the build", "d": "over.yaml", "f": ""} {
		file, _ := v.Origin(strings.Split(path, ".")...)
		assert.Equal(t, want, file, path)
	}
	_, line := v.Origin("d")
	assert.Equal(t, 2, line)
}

func TestParseLayerRefusesFilesThatHelmMisreads(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"malformed":             {"a: [1\n", "values/x.yaml"},
		"duplicate key":         {"a: 1\nb: 2\na: 3\n", `"a" already set`},
		"two documents":         {"a: 1\n---\nb: 2\n", "more than one YAML document"},
		"list at the top level": {"- a\n", "values/x.yaml"},
		"tabs for indentation":  {"a:\n\tb: 1\n", "values/x.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := chart.ParseLayer("values/x.yaml", []byte(tc.text))
			require.Error(t, err)
			assert.Contains(t, err.Error(), tc.want)
		})
	}
	layer, err := chart.ParseLayer("values/empty.yaml", nil)
	require.NoError(t, err, "an empty file changes no value")
	assert.Empty(t, layer.Values)
}
