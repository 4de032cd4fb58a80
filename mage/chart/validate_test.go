package chart_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/chart"
)

func TestGateReportsABrokenTemplateWithItsFile(t *testing.T) {
	for name, tc := range map[string]struct {
		edits []edit
		want  string
	}{
		"unknown field": {
			[]edit{{deployment, "  replicas:", "  replica:"}},
			"good/charts/web/templates/deployment.yaml: Deployment todo-web: spec.replica: unknown field; did you mean \"replicas\"? (default of web.replicas in good/charts/web/values.yaml:2) [schema]"},
		"field deep in a list": {
			[]edit{{deployment, "          image:", "          imagePolicy: Always\n          image:"}},
			"Deployment todo-web: spec.template.spec.containers[0].imagePolicy: unknown field (written in the template) [schema]"},
		"field given twice": {
			[]edit{{service, "  selector:", "  type: ClusterIP\n  type: NodePort\n  selector:"}},
			`Service todo-web: key "type" is given twice`},
		"mistyped field": {
			[]edit{{deployment, "containerPort: 8080", "containerPort: web"}},
			"is of type string, must be integer"},
		"misspelt value": {
			[]edit{{deployment, ".Values.replicas", ".Values.replicaCount"}},
			`charts/web/templates/deployment.yaml:6: `},
		"unknown function": {
			[]edit{{deployment, ".Values.replicas", ".Values.replicas | twice"}}, `function "twice" not defined`},
		"broken YAML":  {[]edit{{service, "  selector: {app: web}", " selector: {app: web"}}, service},
		"unknown kind": {[]edit{{service, "kind: Service", "kind: Servise"}}, "v1 Servise is not known to Kubernetes"},
		"no kind":      {[]edit{{service, "kind: Service\n", ""}}, "has no apiVersion or kind"},
		"invalid name": {[]edit{{service, "{{ .Release.Name }}-web", "Web_1"}}, `metadata.name: "Web_1"`},
		"namespace": {
			[]edit{{service, "metadata:", "metadata:\n  namespace: default"}}, `metadata.namespace: is "default"; remove it, because the release decides the namespace`},
		"random value":             {[]edit{{service, "{app: web}", `{app: web, x: {{ randAlphaNum 5 }}}`}}, `service.yaml:6: uses "randAlphaNum"`},
		"current time":             {[]edit{{service, "{app: web}", `{app: web, x: "{{ now | date "2006" }}"}`}}, `uses "now"`},
		"lookup in the cluster":    {[]edit{{service, "{app: web}", `{app: web, x: "{{ (lookup "v1" "Pod" "" "") | len }}"}`}}, `uses "lookup"`},
		"removed API":              {[]edit{{"charts/web/templates/pdb.yaml", "", pdb}}, "policy/v1beta1 was removed in Kubernetes 1.25; use policy/v1"},
		"API too new":              {[]edit{{"templates/new.yaml", "", tooNew}}, "needs Kubernetes 1.30 or later, and the cluster has 1.25"},
		"privileged pod":           {[]edit{{deployment, "allowPrivilegeEscalation: false", "privileged: true"}}, `Pod Security "restricted" forbids privileged`},
		"root":                     {[]edit{{deployment, "runAsNonRoot: true", "runAsUser: 0"}}, `Pod Security "restricted" forbids runAsNonRoot`},
		"selector without pods":    {[]edit{{deployment, "labels: {app: web}", "labels: {app: other}"}}, "spec.selector: does not select the pods of the template"},
		"Service without pods":     {[]edit{{service, "selector: {app: web}", "selector: {app: wob}"}}, "spec.selector: selects no pod of the chart"},
		"unknown port":             {[]edit{{service, "targetPort: http", "targetPort: https"}}, `Deployment todo-web has no port "https"`},
		"probe of an unknown port": {[]edit{{deployment, "tcpSocket: {port: http}", "tcpSocket: {port: https}"}}, `livenessProbe.tcpSocket.port: there is no port "https"`},
		"missing volume":           {[]edit{{deployment, "- name: tmp", "- name: temp"}}, `there is no volume "tmp"`},
		"missing ConfigMap":        {[]edit{{deployment, "-title}", "-titel}"}}, `there is no ConfigMap "todo-titel"`},
		"missing ServiceAccount":   {[]edit{{deployment, "serviceAccountName: default", "serviceAccountName: web"}}, `there is no ServiceAccount "web"`},
		"no limits":                {[]edit{{deployment, "            limits: {memory: 16Mi}\n", ""}}, "needs requests for cpu and memory, and a memory limit"},
		"secret in plain":          {[]edit{{deployment, "          ports:", "          env: [{name: DB_PASSWORD, value: hunter2}]\n          ports:"}}, "DB_PASSWORD is in the manifest"},
		"duplicate resource":       {[]edit{{"templates/again.yaml", "", again}}, `"todo-title" is also defined in`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := chart.Check(broken(t, tc.edits...), chart.Values{}, release)
			require.Error(t, err)
			assert.Contains(t, err.Error(), tc.want)
		})
	}
}

const (
	pdb    = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata:\n  name: web\nspec:\n  maxUnavailable: 1\n"
	tooNew = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata:\n  name: web\nspec:\n  validations: []\n"
	again  = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-title\n"
)

func TestRenderRefusesAnUnsupportedKubernetesVersion(t *testing.T) {
	c, err := chart.Load(good)
	require.NoError(t, err)
	opts := release
	opts.KubeVersion = "1.24.9"
	_, err = chart.Render(c, chart.Values{}, opts)
	assert.ErrorContains(t, err, "it requires Kubernetes >=1.25.0-0, and the cluster has v1.24.9")
}

func TestRenderRefusesInvalidReleaseNamesAndVersions(t *testing.T) {
	c, err := chart.Load(good)
	require.NoError(t, err)
	_, err = chart.Render(c, chart.Values{}, chart.Options{Release: "Todo_1"})
	assert.ErrorContains(t, err, `release name "Todo_1"`)
	_, err = chart.Render(c, chart.Values{}, chart.Options{Release: "todo", KubeVersion: "newest"})
	assert.ErrorContains(t, err, `Kubernetes version "newest"`)
}
