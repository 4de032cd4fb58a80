package integration

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"todo-chatbot/mage/kube"
	"todo-chatbot/test/project"
)

const namespace = "todo-dev"

// fixture is the cluster that the scenarios share, and a copy of the sources that
// is deployed to it. A scenario may change the sources, as long as they can still
// be deployed when it ends.
type fixture struct {
	*project.Project
	cache  string
	served bool // a deploy of this run has succeeded
}

// start copies the sources. When the test ends, the cluster is removed, and the
// user's kubeconfig must be unchanged.
func start(t *testing.T) *fixture {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	p, err := project.Copy(t.Context(), root, t.TempDir(), "todo-integration", t.Output())
	require.NoError(t, err)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(kubeconfig, []byte("apiVersion: v1\nkind: Config\n"), 0o600))
	p.Env = append(p.Env, "KUBECONFIG="+kubeconfig, "TODO_PROVIDER=kind")
	cache := os.Getenv("TODO_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		require.NoError(t, err)
		cache = filepath.Join(user, "todo-chatbot")
	}
	f := &fixture{Project: p, cache: cache}
	t.Cleanup(func() {
		f.remove(t)
		content, err := os.ReadFile(kubeconfig)
		assert.NoError(t, err)
		assert.Equal(t, "apiVersion: v1\nkind: Config\n", string(content), "the user's kubeconfig changed")
	})
	return f
}

// anything is the set-up of a scenario that neither needs a cluster nor touches it.
func (f *fixture) anything(*testing.T) {}

// absent makes sure that there is no cluster.
func (f *fixture) absent(t *testing.T) {
	t.Helper()
	f.remove(t)
}

// remove removes the cluster, if one was ever made.
func (f *fixture) remove(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(f.kubeconfig()); err != nil {
		return
	}
	result, err := f.Mage(context.WithoutCancel(t.Context()), "clean", "-yes")
	assert.NoError(t, err)
	assert.Zero(t, result.Code, result.Stderr)
}

// serving makes sure that the cluster is up and dev serves the sources of the copy.
// A deploy is enough for that, whatever the scenario before left; where it is not,
// the test fails and goes on with a new cluster.
func (f *fixture) serving(t *testing.T) {
	t.Helper()
	_, err := os.Stat(f.kubeconfig())
	found := err == nil
	result := f.mage(t, "deploy:dev")
	if result.Code == 0 && slices.Equal(result.Lines("verdict"), []string{"passed"}) {
		f.served = true
		return
	}
	require.True(t, found, "the first deploy failed: %s", result.Stderr)
	assert.False(t, f.served, "a deploy did not repair the state that the scenario before left: %s", result.Stderr)
	f.remove(t)
	f.deploy(t)
}

func (f *fixture) mage(t *testing.T, args ...string) project.Result {
	t.Helper()
	result, err := f.Mage(t.Context(), args...)
	require.NoError(t, err)
	return result
}

// deploy is a deploy of dev that must succeed.
func (f *fixture) deploy(t *testing.T) project.Result {
	t.Helper()
	result := f.mage(t, "deploy:dev")
	require.Zero(t, result.Code, result.Stderr)
	require.Equal(t, []string{"passed"}, result.Lines("verdict"))
	f.served = true
	return result
}

func (f *fixture) kubeconfig() string {
	return filepath.Join(f.cache, "kind-"+f.Cluster+".kubeconfig")
}

func (f *fixture) clients(t *testing.T) *kube.Clients {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", f.kubeconfig())
	require.NoError(t, err)
	clients, err := kube.Connect(config)
	require.NoError(t, err)
	return clients
}

func (f *fixture) client(t *testing.T) kubernetes.Interface {
	t.Helper()
	return f.clients(t).Clientset
}

// eventually tries until it succeeds. After within it ends the test with the last error.
func eventually(t *testing.T, within time.Duration, try func(ctx context.Context) error) {
	t.Helper()
	require.NoError(t, kube.Poll{Within: within, RetryRefusals: true}.Until(t.Context(), try))
}

func docker(t *testing.T) *client.Client {
	t.Helper()
	api, err := client.New(client.FromEnv)
	require.NoError(t, err)
	t.Cleanup(func() { api.Close() })
	return api
}
