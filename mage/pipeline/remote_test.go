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

func TestAClusterOnTheNetworkLetsNobodyInWithoutTLSUnlessTold(t *testing.T) {
	for name, c := range map[string]struct {
		old, with, want string
	}{
		"a port of its nodes": {"frontend:\n", "frontend:\n  service: {type: NodePort}\n", "Service todo-frontend: spec.type: NodePort publishes the application without TLS"},
		"a load balancer":     {"frontend:\n", "frontend:\n  service: {type: LoadBalancer}\n", "Service todo-frontend: spec.type: LoadBalancer publishes the application without TLS"},
		"an Ingress":          {"    tlsSecretName: todo-tls\n", "", "Ingress todo-frontend: spec.rules[0].host: is published without TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			root := copyProject(t, "")
			file := filepath.Join(root, "values", "remote.yaml")
			require.NoError(t, load(t, root, "remote", nil).checkChart())
			edit(t, file, c.old, c.with)
			err := load(t, root, "remote", nil).checkChart()
			require.Error(t, err)
			assert.Equal(t, ExitUsage, ExitCode(err))
			assert.ErrorContains(t, err, c.want)
			assert.ErrorContains(t, err, "pipeline.allowPlainHttp: true")
			assert.Regexp(t, `values/remote\.yaml:\d+ frontend\.(service\.type|ingress\.host)`, err.Error(), "the place in the user's file")

			edit(t, file, "  release: todo\n", "  release: todo\n  allowPlainHttp: true\n")
			assert.NoError(t, load(t, root, "remote", nil).checkChart())
		})
	}
}

func TestAPortOfAClusterOnThisMachineNeedsNoTLS(t *testing.T) {
	root := copyProject(t, "")
	edit(t, filepath.Join(root, "values", "remote.yaml"), "provider: kubecontext", "provider: kind")
	edit(t, filepath.Join(root, "values", "remote.yaml"), "  release: todo\n", "  release: todo\n  url: {port: 8090}\n")
	edit(t, filepath.Join(root, "values", "remote.yaml"), "frontend:\n", "frontend:\n  service: {type: NodePort, nodePort: 30090}\n")
	assert.NoError(t, load(t, root, "remote", nil).checkChart())
}

func TestAnEnvironmentWithoutANodePortIsReachedByAForward(t *testing.T) {
	p := load(t, projectRoot, "remote", nil)
	_, ok := p.published(t.Context(), &cluster.Cluster{})
	assert.False(t, ok)
	assert.Empty(t, p.env.Published())
}

// A port-forward asks the Service for its port by name: the number is a value of
// the chart.
func TestTheFrontendsServiceHasThePortThatAForwardAsksFor(t *testing.T) {
	for _, name := range []string{"dev", "staging", "remote"} {
		p := load(t, projectRoot, name, nil)
		rendered, err := p.render(true)
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
