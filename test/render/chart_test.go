package render_test

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	yamlv3 "go.yaml.in/yaml/v3"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/kube/fake"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"todo-chatbot/mage/chart"
)

// installed returns the release that Helm itself would install.
func installed(t *testing.T, values chart.Values, opts chart.Options) *release.Release {
	t.Helper()
	c, err := chart.Load(chartDir)
	require.NoError(t, err)
	install := action.NewInstall(&action.Configuration{
		Releases:   storage.Init(driver.NewMemory()),
		KubeClient: &fake.PrintingKubeClient{Out: io.Discard},
		Log:        t.Logf,
	})
	version, err := chartutil.ParseKubeVersion(kubeVersion)
	require.NoError(t, err)
	install.DryRun, install.ClientOnly, install.KubeVersion = true, true, version
	install.ReleaseName, install.Namespace = opts.Release, opts.Namespace
	rel, err := install.Run(c, values.Map())
	require.NoError(t, err)
	return rel
}

// sources returns every resource of a rendering by its template and content.
func sources(rendered string) []string {
	var docs []string
	for doc := range strings.SplitSeq(rendered, "---\n# Source: ") {
		if doc = strings.TrimSpace(doc); doc != "" {
			docs = append(docs, doc)
		}
	}
	return slices.Sorted(slices.Values(docs))
}

func TestRenderingGivesWhatHelmInstalls(t *testing.T) {
	for _, name := range environments(t) {
		t.Run(name, func(t *testing.T) {
			layer, opts := environment(t, name)
			values := chart.Compose(layer, images())
			manifests, err := chart.Check(chartDir, values, opts)
			require.NoError(t, err)
			rel := installed(t, values, opts)
			assert.Equal(t, sources(rel.Manifest), sources(text(manifests)))
			assert.Empty(t, rel.Hooks)
		})
	}
}

func TestNotesTellHowToReachTheApplication(t *testing.T) {
	for name, tc := range map[string]struct{ values, want string }{
		"by default":      {"", "kubectl -n todo-test port-forward service/todo-frontend 8080:80"},
		"node port":       {"frontend: {service: {type: NodePort, nodePort: 30080}}", "port 30080 of any node"},
		"any node port":   {"frontend: {service: {type: NodePort}}", "get service todo-frontend -o jsonpath="},
		"load balancer":   {"frontend: {service: {type: LoadBalancer}}", "get service todo-frontend --watch"},
		"ingress":         {"frontend: {ingress: {enabled: true, host: todo.test}}", "http://todo.test/"},
		"ingress and TLS": {"frontend: {ingress: {enabled: true, host: todo.test, tlsSecretName: cert}}", "https://todo.test/"},
	} {
		t.Run(name, func(t *testing.T) {
			layer, err := chart.ParseLayer(name, []byte(tc.values))
			require.NoError(t, err)
			rel := installed(t, chart.Compose(layer), chart.Options{Release: "todo", Namespace: "todo-test"})
			assert.Contains(t, rel.Info.Notes, tc.want)
		})
	}
}

// find returns the resource of a kind and name, decoded into out.
func find(t *testing.T, manifests []chart.Manifest, kind, name string, out any) bool {
	t.Helper()
	for _, m := range manifests {
		if m.Kind == kind && m.Name == name {
			require.NoError(t, yaml.UnmarshalStrict([]byte(m.YAML), out))
			return true
		}
	}
	return false
}

func render(t *testing.T, values string) []chart.Manifest {
	t.Helper()
	layer, err := chart.ParseLayer("values/test.yaml", []byte(values))
	require.NoError(t, err)
	manifests, err := chart.Check(chartDir, chart.Compose(layer),
		chart.Options{Release: "todo", Namespace: "todo-test", KubeVersion: kubeVersion})
	require.NoError(t, err)
	return manifests
}

func TestADigestWinsOverATagAndATagOverTheVersion(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	for values, want := range map[string]string{
		"":                            "todo-chatbot/backend:0.1.0",
		"backend: {image: {tag: v2}}": "todo-chatbot/backend:v2",
		"global: {imageRegistry: 'localhost:5000'}":                                  "localhost:5000/todo-chatbot/backend:0.1.0",
		"global: {imageRegistry: a}\nbackend: {image: {registry: b, repository: c}}": "b/c:0.1.0",
		"backend: {image: {tag: v2, digest: '" + digest + "'}}":                      "todo-chatbot/backend@" + digest,
	} {
		var deployment appsv1.Deployment
		require.True(t, find(t, render(t, values), "Deployment", "todo-backend", &deployment))
		spec := deployment.Spec.Template.Spec
		assert.Equal(t, want, spec.Containers[0].Image, values)
		assert.Equal(t, want, spec.InitContainers[0].Image, "the migration is of the same version")
	}
}

func TestEveryFeaturePassesTheGateAndShows(t *testing.T) {
	for name, tc := range map[string]struct{ values, want string }{
		"ingress":             {"frontend: {ingress: {enabled: true, annotations: {a: b}}}", "ingressClassName: nginx"},
		"ingress with TLS":    {"frontend: {ingress: {enabled: true, tlsSecretName: cert}}", "secretName: cert"},
		"load balancer":       {"frontend: {service: {type: LoadBalancer, port: 8080}}", "type: LoadBalancer"},
		"external database":   {"postgresql: {enabled: false}\nglobal: {database: {host: db.test}}", `DATABASE_HOST: "db.test"`},
		"own credentials":     {"global: {credentialsSecret: mine}", "name: mine"},
		"pull secrets":        {"global: {imagePullSecrets: [key]}", "imagePullSecrets:\n        - name: key"},
		"server settings":     {"postgresql: {parameters: {work_mem: 8MB}}", `"work_mem=8MB"`},
		"storage":             {"postgresql: {persistence: {size: 5Gi, storageClass: fast}}", "storageClassName: fast"},
		"more environment":    {"backend: {extraEnv: [{name: A, value: b}]}", "- name: A\n              value: b"},
		"another model":       {"backend: {config: {openai: {baseUrl: 'http://llm:8080/v1', model: m}}}", `OPENAI_BASE_URL: "http://llm:8080/v1"`},
		"public address":      {"frontend: {config: {publicUrl: 'https://todo.test'}}", `PUBLIC_URL: "https://todo.test"`},
		"another port":        {"global: {backendPort: 9000, database: {port: 5433}}", "BACKEND_URL: http://todo-backend:9000"},
		"placement":           {"backend: {nodeSelector: {disk: ssd}, tolerations: [{operator: Exists}], priorityClassName: high}", "priorityClassName: high"},
		"no wait before stop": {"frontend: {preStopSeconds: 0}\nbackend: {preStopSeconds: 0}", "kind: Deployment"},
	} {
		t.Run(name, func(t *testing.T) { assert.Contains(t, text(render(t, tc.values)), tc.want) })
	}
	assert.NotContains(t, text(render(t, "postgresql: {enabled: false}\nglobal: {database: {host: db.test}}")), "StatefulSet")
}

func TestValuesThatCannotWorkAreRefused(t *testing.T) {
	for values, want := range map[string]string{
		"frontend: {service: {nodePort: 80}}":             "frontend.service.nodePort",
		"frontend: {service: {nodePort: '30080'}}":        "is of type string, must be integer",
		"frontend: {service: {type: Nodeport}}":           `must be one of "ClusterIP", "NodePort", "LoadBalancer"`,
		"backend: {replica: 2}":                           `did you mean "replicas"?`,
		"backend: {resources: {limits: {memory: 512MB}}}": "backend.resources.limits.memory",
		"postgresql: {persistence: {size: 0Gi}}":          "postgresql.persistence.size",
		"global: {database: {user: 'to\"do'}}":            "global.database.user",
	} {
		layer, err := chart.ParseLayer("values/test.yaml", []byte(values))
		require.NoError(t, err)
		_, err = chart.Check(chartDir, chart.Compose(layer), chart.Options{Release: "todo", Namespace: "x"})
		require.Error(t, err, values)
		assert.Contains(t, err.Error(), want)
		assert.Contains(t, err.Error(), "values/test.yaml")
	}
}

func TestWithoutItsPostgreSQLTheChartAsksForAnother(t *testing.T) {
	layer, err := chart.ParseLayer("values/test.yaml", []byte("postgresql: {enabled: false}"))
	require.NoError(t, err)
	_, err = chart.Check(chartDir, chart.Compose(layer), chart.Options{Release: "todo", Namespace: "x"})
	assert.ErrorContains(t, err, "global.database.host")
}

func TestConfigurationChangesRestartOnlyThePodsThatReadIt(t *testing.T) {
	checksum := func(values, component string) string {
		var workload struct {
			Spec struct{ Template corev1.PodTemplateSpec }
		}
		for _, m := range render(t, values) {
			if m.Name == "todo-"+component && (m.Kind == "Deployment" || m.Kind == "StatefulSet") {
				require.NoError(t, yaml.Unmarshal([]byte(m.YAML), &workload))
			}
		}
		sum := workload.Spec.Template.Annotations["checksum/config"]
		require.NotEmpty(t, sum, component)
		return sum
	}
	change := "backend: {config: {logLevel: debug}}"
	assert.NotEqual(t, checksum("", "backend"), checksum(change, "backend"))
	assert.Equal(t, checksum("", "frontend"), checksum(change, "frontend"))
	assert.Equal(t, checksum("", "postgresql"), checksum(change, "postgresql"))
}

func TestDefaultsAreTheSpecificationsNumbers(t *testing.T) {
	manifests := render(t, "")
	for name, want := range map[string][4]string{
		"todo-backend":  {"200m", "256Mi", "500m", "512Mi"},
		"todo-frontend": {"100m", "128Mi", "300m", "256Mi"},
	} {
		var deployment appsv1.Deployment
		require.True(t, find(t, manifests, "Deployment", name, &deployment))
		r := deployment.Spec.Template.Spec.Containers[0].Resources
		assert.Equal(t, want, [4]string{r.Requests.Cpu().String(), r.Requests.Memory().String(), r.Limits.Cpu().String(), r.Limits.Memory().String()}, name)
		assert.Equal(t, 0, deployment.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue(), name)
	}
	var set appsv1.StatefulSet
	require.True(t, find(t, manifests, "StatefulSet", "todo-postgresql", &set))
	storage := set.Spec.VolumeClaimTemplates[0].Spec.Resources.Requests[corev1.ResourceStorage]
	assert.Equal(t, "1Gi", storage.String())
	var service corev1.Service
	require.True(t, find(t, manifests, "Service", set.Spec.ServiceName, &service), "the StatefulSet's Service")
	assert.Equal(t, corev1.ClusterIPNone, service.Spec.ClusterIP)
}

func TestAllEnvironmentsTogetherStayWithinTheSpecificationsMemory(t *testing.T) {
	var cpu, memory resource.Quantity
	for _, name := range environments(t) {
		layer, opts := environment(t, name)
		manifests, err := chart.Check(chartDir, chart.Compose(layer, images()), opts)
		require.NoError(t, err)
		for _, m := range manifests {
			var workload struct {
				Spec struct {
					Replicas int
					Template corev1.PodTemplateSpec
				}
			}
			if m.Kind != "Deployment" && m.Kind != "StatefulSet" {
				continue
			}
			require.NoError(t, yaml.Unmarshal([]byte(m.YAML), &workload))
			for range workload.Spec.Replicas {
				for _, c := range workload.Spec.Template.Spec.Containers {
					cpu.Add(*c.Resources.Requests.Cpu())
					memory.Add(*c.Resources.Limits.Memory())
				}
			}
		}
	}
	t.Logf("requests of cpu %s, limits of memory %s", &cpu, &memory)
	assert.Negative(t, memory.Cmp(resource.MustParse("4Gi")))
	// What the control plane of a 2-CPU node leaves (950m of it are taken).
	assert.LessOrEqual(t, cpu.MilliValue(), int64(2000-950))
}

func TestSubchartsAreVersionedWithTheirParent(t *testing.T) {
	c, err := chart.Load(chartDir)
	require.NoError(t, err)
	require.Len(t, c.Dependencies(), 3)
	for _, sub := range c.Dependencies() {
		assert.Equal(t, c.Metadata.Version, sub.Metadata.Version, sub.Name())
		assert.Equal(t, c.Metadata.AppVersion, sub.Metadata.AppVersion, sub.Name())
		assert.Equal(t, c.Metadata.KubeVersion, sub.Metadata.KubeVersion, sub.Name())
	}
}

func TestEveryKeyOfTheDefaultsHasACommentOfItsOwn(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(chartDir, "charts", "*", "values.yaml"))
	require.NoError(t, err)
	files = append(files, filepath.Join(chartDir, "values.yaml"))
	require.Len(t, files, 4)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var doc yamlv3.Node
		require.NoError(t, yamlv3.Unmarshal(data, &doc))
		for _, key := range bare(doc.Content[0], "") {
			assert.Fail(t, "no comment", "%s: %s", file, key)
		}
	}
}

// bare returns the keys without a comment. A table whose keys are on lines of
// their own needs none: its keys have theirs.
func bare(table *yamlv3.Node, prefix string) []string {
	var keys []string
	for i := 0; i+1 < len(table.Content); i += 2 {
		key, value := table.Content[i], table.Content[i+1]
		block := value.Kind == yamlv3.MappingNode && value.Style&yamlv3.FlowStyle == 0
		switch {
		case block:
			keys = append(keys, bare(value, prefix+key.Value+".")...)
		case key.HeadComment == "":
			keys = append(keys, prefix+key.Value)
		}
	}
	return keys
}

func TestEnvironmentsHoldDifferencesOnly(t *testing.T) {
	c, err := chart.Load(chartDir)
	require.NoError(t, err)
	defaults := maps.Clone(c.Values)
	for _, sub := range c.Dependencies() {
		own, _ := defaults[sub.Name()].(map[string]any)
		defaults[sub.Name()] = chartutil.CoalesceTables(maps.Clone(own), maps.Clone(sub.Values))
	}
	for _, name := range environments(t) {
		layer, _ := environment(t, name)
		values := maps.Clone(layer.Values)
		delete(values, chart.PipelineKey)
		assert.Empty(t, same(values, defaults, ""), name)
	}
}

// same returns the keys at which both hold the same scalar.
func same(values, defaults map[string]any, prefix string) []string {
	var keys []string
	for key, value := range values {
		table, isTable := value.(map[string]any)
		below, _ := defaults[key].(map[string]any)
		switch {
		case isTable:
			keys = append(keys, same(table, below, prefix+key+".")...)
		case assert.ObjectsAreEqualValues(value, defaults[key]):
			keys = append(keys, prefix+key)
		}
	}
	return keys
}
