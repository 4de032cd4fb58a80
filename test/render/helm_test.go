package render_test

import (
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/action"
	helmchart "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/kube/fake"
	"helm.sh/helm/v3/pkg/lint/support"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"

	"todo-chatbot/mage/chart"
)

// helmInstall does the same as helm install --dry-run=client.
func helmInstall(t *testing.T, values map[string]any, name, namespace string) (*release.Release, error) {
	t.Helper()
	var c *helmchart.Chart
	c, err := loader.Load(chartDir)
	require.NoError(t, err)
	install := action.NewInstall(&action.Configuration{
		Releases:   storage.Init(driver.NewMemory()),
		KubeClient: &fake.PrintingKubeClient{Out: io.Discard},
		Log:        t.Logf,
	})
	version, err := chartutil.ParseKubeVersion(kubeVersion)
	require.NoError(t, err)
	install.DryRun, install.ClientOnly, install.KubeVersion = true, true, version
	install.ReleaseName, install.Namespace = name, namespace
	return install.Run(c, values)
}

// helmRelease returns the release that Helm would install.
func helmRelease(t *testing.T, values chart.Values, opts chart.Options) *release.Release {
	t.Helper()
	rel, err := helmInstall(t, values.Map(), opts.Release, opts.Namespace)
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

// everything returns a release's manifest with its hooks.
func everything(rel *release.Release) string {
	text := rel.Manifest
	for _, hook := range rel.Hooks {
		text += "---\n# Source: " + hook.Path + "\n" + hook.Manifest + "\n"
	}
	return text
}

func TestRenderingMatchesHelm(t *testing.T) {
	for _, name := range environments(t) {
		t.Run(name, func(t *testing.T) {
			layer, opts := environment(t, name)
			values := chart.Compose(layer, images())
			rendered, err := chart.Check(chartDir, values, opts)
			require.NoError(t, err)
			assert.Equal(t, sources(everything(helmRelease(t, values, opts))), sources(rendering(rendered.Manifests).text()))
		})
	}
}

func TestHelmCommandAcceptsEnvironmentFiles(t *testing.T) {
	for _, name := range environments(t) {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(valuesDir, name+".yaml")
			values, err := chartutil.ReadValuesFile(file)
			require.NoError(t, err)
			require.Contains(t, values, "pipeline", "the file has no pipeline block")
			layer, opts := environment(t, name)
			rendered, err := chart.Check(chartDir, chart.Compose(layer), opts)
			require.NoError(t, err)

			rel, err := helmInstall(t, values, opts.Release, opts.Namespace)
			require.NoError(t, err)
			assert.Equal(t, sources(rendering(rendered.Manifests).text()), sources(everything(rel)), "the pipeline block changes the manifests")
			lint := action.NewLint()
			lint.Strict, lint.Namespace = true, opts.Namespace
			result := lint.Run([]string{chartDir}, values)
			assert.Empty(t, result.Errors)
			for _, message := range result.Messages {
				assert.Less(t, message.Severity, support.WarningSev, "%v", message)
			}
		})
	}
}

func TestDevHasOnlyTestHooks(t *testing.T) {
	layer, opts := environment(t, "dev")
	for _, hook := range helmRelease(t, chart.Compose(layer, images()), opts).Hooks {
		assert.Equal(t, []release.HookEvent{release.HookTest}, hook.Events, "%s would slow every deploy down", hook.Name)
	}
}

func TestNotesTellHowToOpenApplication(t *testing.T) {
	for name, tc := range map[string]struct{ values, want string }{
		"by default":      {"", "kubectl -n todo-test port-forward service/todo-frontend :80"},
		"node port":       {"frontend: {service: {type: NodePort, nodePort: 30080}}", "port 30080 of any node"},
		"any node port":   {"frontend: {service: {type: NodePort}}", "get service todo-frontend -o jsonpath="},
		"load balancer":   {"frontend: {service: {type: LoadBalancer}}", "get service todo-frontend --watch"},
		"ingress":         {"frontend: {ingress: {enabled: true, host: todo.test}}", "http://todo.test/ through Ingress controller nginx"},
		"ingress and TLS": {"frontend: {ingress: {enabled: true, host: todo.test, tlsSecretName: cert}}", "https://todo.test/"},
		"gateway":         {"frontend: {httpRoute: {enabled: true, parentRefs: [{name: a}]}}", "get httproute todo-frontend"},
		"mage":            {"", "go tool mage open -env=test\n"},
		"credentials":     {"", "kubectl -n todo-test create secret generic todo-credentials --from-env-file=/dev/stdin"},
		"backups":         {"postgresql: {backup: {enabled: true}}", "kubectl -n todo-test exec todo-postgresql-0 -- ls -l /backups"},
		"a closed model":  {"global: {networkPolicy: {enabled: true}}", "Network policies block the servers of models"},
	} {
		t.Run(name, func(t *testing.T) {
			layer, err := chart.ParseLayer(name, []byte(tc.values))
			require.NoError(t, err)
			assert.Contains(t, helmRelease(t, chart.Compose(layer), testRelease).Info.Notes, tc.want)
		})
	}
	for values, not := range map[string]string{
		"global: {credentialsSecret: mine}":                                                 "create secret",
		"global: {networkPolicy: {enabled: true}}\nbackend: {config: {openai: {model: m}}}": "servers of models",
		"": "/backups",
	} {
		layer, err := chart.ParseLayer("test", []byte(values))
		require.NoError(t, err)
		assert.NotContains(t, helmRelease(t, chart.Compose(layer), testRelease).Info.Notes, not)
	}
}
