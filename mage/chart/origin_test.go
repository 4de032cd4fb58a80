package chart_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/resource"

	"todo-chatbot/mage/chart"
)

func TestFindingNamesTheValuesThatDecideIt(t *testing.T) {
	image := edit{deployment, "{{ .Values.image.repository }}:1", `{{ printf "%s/%s" (.Values.global.colour | default "a") .Values.image.repository }}`}
	env := edit{deployment, "          ports:", "          env: {{ toJson .Values.env }}\n          ports:"}
	for name, tc := range map[string]struct {
		edits  []edit
		values string
		want   string
	}{
		"value of the user": {
			nil, "title: x\nweb:\n  replicas: 2\n",
			"(values/test.yaml:3 web.replicas) [spread]"},
		"default of the chart": {
			[]edit{{"charts/web/values.yaml", "replicas: 1", "replicas: 2"}}, "",
			"(default of web.replicas in good/charts/web/values.yaml:2) [spread]"},
		"default of the parent chart for its subchart": {
			[]edit{{"values.yaml", "title: hello", "title: hello\nweb:\n  replicas: 2"}}, "",
			"(default of web.replicas in good/values.yaml:3) [spread]"},
		"value of the user and a default": {
			[]edit{image}, "global: {colour: red}\n",
			"(values/test.yaml:1 global.colour, default of web.image.repository in good/charts/web/values.yaml:3) [image]"},
		"element of a list": {
			[]edit{env}, "web:\n  env:\n    - {name: OK, value: fine}\n    - {name: A_TOKEN, value: hunter2}\n",
			"containers[0].env[1]: A_TOKEN is in the manifest; read it from a Secret that is created outside the chart (values/test.yaml:4 web.env.1.name, values/test.yaml:4 web.env.1.value) [secret]"},
		"default that the user removed": {
			[]edit{{deployment, "requests: {cpu: 10m, memory: 16Mi}", "requests: {{ toJson .Values.image.requests }}"}, {"charts/web/values.yaml", "digest: \"\"", "digest: \"\", requests: {cpu: 10m, memory: 16Mi}"}, {"charts/web/values.schema.json", `"repository"`, `"requests": {}, "repository"`}},
			"web: {image: {requests: {cpu: null}}}\n",
			"resources: needs requests for cpu and memory, and a memory limit (values/test.yaml:1 web.image.requests.cpu, default of web.image.requests.memory in good/charts/web/values.yaml:3) [resources]"},
		"missing key in an element of a list": {
			[]edit{env}, "web: {env: [{value: fine}]}\n",
			"env[0].name: is required (values/test.yaml:1 web.env.0.value) [schema]"},
		"table with many values": {
			[]edit{{deployment, "requests: {cpu: 10m, memory: 16Mi}", "requests: {{ toJson .Values.image.requests }}"}, {"charts/web/values.yaml", "digest: \"\"", "digest: \"\", requests: {cpu: 10m, memory: 16Mi, a: 1, b: 2}"}, {"charts/web/values.schema.json", `"repository"`, `"requests": {}, "repository"`}},
			"web: {image: {requests: {cpu: null}}}\n",
			"resources: needs requests for cpu and memory, and a memory limit (values/test.yaml:1 web.image.requests.cpu) [resources]"},
		"fixed in the template": {
			[]edit{{deployment, "            readOnlyRootFilesystem: true\n", ""}}, "web: {replicas: 1}\n",
			"readOnlyRootFilesystem: must be true; mount an emptyDir where the container writes (written in the template) [read-only]"},
		"name of a resource": {
			[]edit{{"templates/configmap.yaml", "{{ .Release.Name }}-title", "{{ .Values.title }}"}, {deployment, "configMapRef: {name: {{ .Release.Name }}-title}", "configMapRef: {name: x, optional: true}"}}, "title: Hello\n",
			`metadata.name: "Hello": a lowercase RFC 1123 subdomain`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := chart.Check(broken(t, tc.edits...), values(t, tc.values), release)
			require.ErrorContains(t, err, tc.want)
			if name == "name of a resource" {
				assert.ErrorContains(t, err, "(values/test.yaml:1 title) [name]")
			}
		})
	}
}

func TestFindingOnASecretDoesNotContainIt(t *testing.T) {
	_, err := chart.Check(broken(t, edit{deployment, "          ports:", "          env: {{ toJson .Values.env }}\n          ports:"}),
		values(t, "web: {env: [{name: A_TOKEN, value: hunter2}, {name: URL, value: 'http://me:hunter2@there/'}]}"), release)
	require.ErrorContains(t, err, "A_TOKEN")
	require.ErrorContains(t, err, "URL")
	assert.NotContains(t, err.Error(), "hunter2")
}

func TestNamesInTheUsersValuesMayBeMissingInTheChart(t *testing.T) {
	dir := broken(t, edit{deployment, "configMapRef: {name: {{ .Release.Name }}-title}", "configMapRef: {name: {{ .Values.image.repository }}}"})
	_, err := chart.Check(dir, chart.Values{}, release)
	assert.ErrorContains(t, err, `there is no ConfigMap "web"`, "a default of the chart must exist in the chart")
	_, err = chart.Check(dir, values(t, "web: {image: {repository: mine}}"), release)
	assert.NoError(t, err)
}

func TestMistakeInSeveralKubernetesVersionsIsReportedOnce(t *testing.T) {
	_, err := chart.Check(broken(t, edit{deployment, "{name: http, containerPort: 8080}", "{name: http, containerPort: 8080, protocol: tcp}"}), chart.Values{}, release)
	require.Error(t, err)
	assert.Equal(t, 1, strings.Count(err.Error(), "\n")+1, err)
}

func TestGateChecksTheOldestKubernetesForANewCluster(t *testing.T) {
	sleep := func(condition string) string {
		return broken(t, edit{deployment, "          ports:", condition + "          lifecycle: {preStop: {sleep: {seconds: 3}}}\n" + end(condition) + "          ports:"})
	}
	_, err := chart.Check(sleep(""), chart.Values{}, release)
	assert.ErrorContains(t, err, "lifecycle.preStop.sleep: unknown field in Kubernetes 1.25")
	rendered, err := chart.Check(sleep("          {{- if semverCompare \">=1.30-0\" .Capabilities.KubeVersion.Version }}\n"), chart.Values{}, release)
	require.NoError(t, err)
	assert.Contains(t, rendered.Manifests[0].YAML, "sleep: {seconds: 3}", "the manifests are rendered for the version of the cluster")
}

func end(condition string) string {
	if condition == "" {
		return ""
	}
	return "          {{- end }}\n"
}

func TestFitRefusesEnvironmentsThatExceedTheClusterTogether(t *testing.T) {
	rendered := func(name, text string) chart.Rendered {
		layer, err := chart.ParseLayer("values/"+name+".yaml", []byte(text))
		require.NoError(t, err)
		dir := broken(t, edit{deployment, "    spec:\n      serviceAccountName", "    spec:\n      affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: web}}}}]}}\n      serviceAccountName"})
		rendered, err := chart.Check(dir, chart.Compose(layer), release)
		require.NoError(t, err)
		rendered.Environment = name
		return rendered
	}
	dev, staging := rendered("dev", "web: {replicas: 60}"), rendered("staging", "title: x\nweb: {replicas: 90}")
	assert.NoError(t, chart.Fit(chart.Capacity{}, dev))
	assert.NoError(t, chart.Fit(chart.Capacity{}, dev, staging))
	// 150 × 10m and 16Mi, and 23 more of the larger one's while it is updated.
	assert.NoError(t, chart.Fit(chart.Capacity{CPU: resource.MustParse("1731m"), Memory: resource.MustParse("2769Mi")}, dev, staging))
	assert.EqualError(t, chart.Fit(chart.Capacity{CPU: resource.MustParse("1730m"), Memory: resource.MustParse("2768Mi")}, dev, staging), strings.Join([]string{
		"the CPU requests of all environments on the cluster are 1500m, and 230m more during an update of one; the sum must be below 1730m; lower them, or use fewer replicas:",
		"good/" + deployment + ": Deployment todo-web: spec.replicas: environment \"dev\" has 600m: todo-web 60 × 10m (values/dev.yaml:1 web.replicas) [capacity]",
		"good/" + deployment + ": Deployment todo-web: spec.replicas: environment \"staging\" has 900m: todo-web 90 × 10m (values/staging.yaml:2 web.replicas) [capacity]",
		"the memory limits of all environments on the cluster are 2400Mi, and 368Mi more during an update of one; the sum must be below 2768Mi; lower them, or use fewer replicas:",
		"good/" + deployment + ": Deployment todo-web: spec.replicas: environment \"dev\" has 960Mi: todo-web 60 × 16Mi (values/dev.yaml:1 web.replicas) [capacity]",
		"good/" + deployment + ": Deployment todo-web: spec.replicas: environment \"staging\" has 1440Mi: todo-web 90 × 16Mi (values/staging.yaml:2 web.replicas) [capacity]",
	}, "\n"))
}

func TestNewestKubernetesIsTheVersionOfClientGo(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	require.NoError(t, err)
	minor := strings.Split(chart.NewestKubernetes, ".")[1]
	assert.Contains(t, string(data), "k8s.io/client-go v0."+minor+".",
		"client-go has another version: change mage/chart/schemas and kubeschema.go, then run go generate ./mage/chart")
}
