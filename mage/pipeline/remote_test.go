package pipeline

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"todo-chatbot/mage/chart"
	"todo-chatbot/mage/cluster"
)

func TestRemoteClusterNeedsTLSUnlessPlainHTTPIsAllowed(t *testing.T) {
	for name, c := range map[string]struct {
		old, with, want string
	}{
		"NodePort":     {"frontend:\n", "frontend:\n  service: {type: NodePort}\n", "Service todo-frontend: spec.type: NodePort publishes the application without TLS"},
		"LoadBalancer": {"frontend:\n", "frontend:\n  service: {type: LoadBalancer}\n", "Service todo-frontend: spec.type: LoadBalancer publishes the application without TLS"},
		"Ingress":      {"    tlsSecretName: todo-tls\n", "", "Ingress todo-frontend: spec.rules[0].host: is published without TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			root := copyProject(t, "")
			file := filepath.Join(root, "values", "remote.yaml")
			require.NoError(t, checkOnly(load(t, root, "remote", nil)))
			edit(t, file, c.old, c.with)
			err := checkOnly(load(t, root, "remote", nil))
			require.Error(t, err)
			assert.Equal(t, ExitUsage, ExitCode(err))
			assert.ErrorContains(t, err, c.want)
			assert.ErrorContains(t, err, "pipeline.allowPlainHttp: true")
			assert.Regexp(t, `values/remote\.yaml:\d+ frontend\.(service\.type|ingress\.host)`, err.Error(), "it names the line in the user's file")

			edit(t, file, "  release: todo\n", "  release: todo\n  allowPlainHttp: true\n")
			assert.NoError(t, checkOnly(load(t, root, "remote", nil)))
		})
	}
}

func TestLocalClusterNeedsNoTLS(t *testing.T) {
	root := copyProject(t, "")
	edit(t, filepath.Join(root, "values", "remote.yaml"), "provider: kubecontext", "provider: kind")
	edit(t, filepath.Join(root, "values", "remote.yaml"), "  release: todo\n", "  release: todo\n  url: {port: 8090}\n")
	edit(t, filepath.Join(root, "values", "remote.yaml"), "frontend:\n", "frontend:\n  service: {type: NodePort, nodePort: 30090}\n")
	assert.NoError(t, checkOnly(load(t, root, "remote", nil)))
}

func TestEnvironmentWithoutNodePortHasNoPublishedURL(t *testing.T) {
	p := load(t, projectRoot, "remote", nil)
	_, ok := p.publishedURL(t.Context(), network{Cluster: &cluster.Cluster{}})
	assert.False(t, ok)
	assert.Empty(t, p.env.Published())
}

// A port-forward names the port of the Service, because its number is a value of the
// chart.
func TestFrontendServiceHasPortOfPortForward(t *testing.T) {
	for _, name := range []string{"dev", "staging", "remote"} {
		p := load(t, projectRoot, name, nil)
		rendered, err := p.render(chart.Options{OneVersion: true})
		require.NoError(t, err)
		assert.True(t, hasPort(t, rendered.Manifests, p.env.Release+"-frontend", frontendPort.StrVal), name)
	}
}

func hasPort(t *testing.T, manifests []chart.Manifest, service, port string) bool {
	t.Helper()
	for _, m := range manifests {
		if m.Kind != "Service" || m.Name != service {
			continue
		}
		var s corev1.Service
		require.NoError(t, yaml.Unmarshal([]byte(m.YAML), &s))
		for _, p := range s.Spec.Ports {
			if p.Name == port {
				return true
			}
		}
	}
	return false
}

func TestContextOfAnotherClusterIsUsageError(t *testing.T) {
	root := copyProject(t, "")
	kubeconfig := filepath.Join(t.TempDir(), "config")
	write(t, kubeconfig, "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\ncontexts: [{name: remote, context: {cluster: c}}]\n")
	provider := func() error {
		w := newWire(load(t, root, "remote", map[string]string{"TODO_KUBECONFIG": kubeconfig}))
		_, err := w.provider(t.Context(), nil, nil, nil)
		return err
	}
	require.NoError(t, provider())

	edit(t, filepath.Join(root, "values", "remote.yaml"), "      context: remote\n", "      context: remote\n      server: https://k8s.example.com\n")
	err := provider()
	assert.ErrorContains(t, err, `context "remote" of kubeconfig`)
	assert.ErrorContains(t, err, "is the cluster https://127.0.0.1:1, but this environment is for https://k8s.example.com")
	assert.Equal(t, ExitUsage, ExitCode(err))
}
