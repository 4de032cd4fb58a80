package integration

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"todo-chatbot/test/project"
)

const (
	namespace   = "todo-dev"
	backendFile = "images/backend/app/main.py"
)

// life is one deployment from nothing to nothing. Its chapters follow one
// another: each finds what the one before left.
type life struct {
	*project.Project
	cache string
}

func TestTheLifeOfADeployment(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a cluster: not under -short")
	}
	l := start(t)
	for _, chapter := range []struct {
		name string
		tell func(*testing.T)
	}{
		{"wrong words and wrong files are refused before anything is touched", l.badInput},
		{"a port in use is named, with the cure", l.portInUse},
		{"a cluster that was being made is made anew", l.creation},
		{"one command brings up an application that answers", l.firstDeploy},
		{"smoke passes", l.smokePasses},
		{"smoke names what is broken", l.smokeFails},
		{"a deploy mends what was changed by hand", l.mend},
		{"nothing changed, nothing done", l.unchanged},
		{"one line changed, one image built", l.oneLine},
		{"a second run at once is told to wait", l.twoAtOnce},
		{"a deploy that was stopped is taken up by the next", l.stopped},
		{"a day without a network", l.offline},
		{"a full disk is named, with the cure", l.fullDisk},
		{"two people use it in a browser", long(l.browser)},
		{"the API keeps its contract", long(l.contract)},
		{"a database that is killed loses nothing that was confirmed", long(l.killed)},
		{"staging stands beside dev, and nobody notices its updates", long(l.staging)},
		{"a release with a migration goes forward and back, and keeps what both wrote", long(l.migrated)},
		{"an Ingress and a Gateway let people in by a host name", long(l.ingress)},
		{"a backup brings the data back, and new credentials keep it", long(l.data)},
		{"a deploy that fails goes back to what served, with its evidence", long(l.failures)},
		{"hostile", long(l.hostile)},
		{"a stopped node comes back with its data", l.stoppedNode},
		{"clean removes what is ours and nothing else", l.clean},
		{"a second clean finds nothing", l.cleanAgain},
	} {
		if !t.Run(chapter.name, chapter.tell) {
			_, _ = l.Mage(context.WithoutCancel(t.Context()), "clean", "-yes")
			t.FailNow()
		}
	}
}

// long is a chapter that takes minutes, and is told only where it is asked for.
func long(tell func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) {
		if os.Getenv("TODO_TEST_LONG") == "" {
			t.Skip("takes minutes: mage test:integration -long tells it")
		}
		tell(t)
	}
}

func start(t *testing.T) *life {
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
	l := &life{Project: p, cache: cache}
	t.Cleanup(func() {
		content, err := os.ReadFile(kubeconfig)
		assert.NoError(t, err)
		assert.Equal(t, "apiVersion: v1\nkind: Config\n", string(content), "the user's kubeconfig is as it was")
	})
	return l
}

func (l *life) mage(t *testing.T, args ...string) project.Result {
	t.Helper()
	result, err := l.Mage(t.Context(), args...)
	require.NoError(t, err)
	return result
}

// deploy is a deploy that must succeed.
func (l *life) deploy(t *testing.T) project.Result {
	t.Helper()
	result := l.mage(t, "deploy:dev")
	require.Zero(t, result.Code, result.Stderr)
	require.Equal(t, []string{"passed"}, result.Lines("verdict"))
	return result
}

func (l *life) badInput(t *testing.T) {
	dockerfile := filepath.Join(l.Dir, "images", "backend", "Dockerfile")
	values := filepath.Join(l.Dir, "values", "dev.yaml")
	for _, c := range []struct {
		name   string
		file   string
		append string
		env    []string
		args   []string
		says   []string
	}{
		{name: "unknown environment", args: []string{"deploy:to", "qa"}, says: []string{`"qa"`, "dev", "staging"}},
		{name: "unknown key in values", file: values, append: "\nbackendd: {}\n", args: []string{"deploy:dev"}, says: []string{"backendd", "dev.yaml"}},
		{name: "wrong type in values", file: values, append: "\npostgresql: {persistence: many}\n", args: []string{"deploy:dev"}, says: []string{"persistence"}},
		{name: "malformed Dockerfile", file: dockerfile, append: "\nFORM scratch\n", args: []string{"deploy:dev"}, says: []string{"FORM", "Dockerfile"}},
		{name: "port that is none", env: []string{"TODO_PORT=http"}, args: []string{"deploy:dev"}, says: []string{"TODO_PORT", "http"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.file != "" {
				before, err := os.ReadFile(c.file)
				require.NoError(t, err)
				defer func() { require.NoError(t, os.WriteFile(c.file, before, 0o644)) }()
				require.NoError(t, os.WriteFile(c.file, append(before, c.append...), 0o644))
			}
			result, err := l.MageWith(t.Context(), c.env, c.args...)
			require.NoError(t, err)
			assert.Equal(t, 2, result.Code)
			for _, words := range c.says {
				assert.Contains(t, result.Stderr, words)
			}
			assert.NotContains(t, result.Stderr, "cluster ", "nothing was begun")
		})
	}
}

func (l *life) firstDeploy(t *testing.T) {
	result := l.deploy(t)
	assert.Len(t, result.Lines("image"), 4)
	assert.Equal(t, []string{"1 new"}, result.Lines("revision"))
	url := result.Lines("url")
	require.Len(t, url, 1)
	assert.True(t, strings.HasPrefix(url[0], "http://127.0.0.1:"), url[0])
	response, err := http.Get(url[0])
	require.NoError(t, err)
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Contains(t, string(page), "Todo")
}

func (l *life) smokePasses(t *testing.T) {
	result := l.mage(t, "test:smoke")
	assert.Zero(t, result.Code, result.Stderr)
	for _, report := range []string{"smoke.xml", "smoke.json"} {
		assert.FileExists(t, filepath.Join(l.Dir, "build", report))
	}
}

func (l *life) smokeFails(t *testing.T) {
	_, err := l.client(t).AppsV1().Deployments(namespace).Patch(t.Context(), "todo-backend", types.MergePatchType,
		[]byte(`{"spec":{"replicas":0}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		pods, err := l.client(t).CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=backend"})
		return err == nil && len(pods.Items) == 0
	}, 2*time.Minute, time.Second)
	result := l.mage(t, "test:smoke")
	assert.Equal(t, 3, result.Code)
	assert.Contains(t, result.Stderr, "backend: live")
}

func (l *life) mend(t *testing.T) {
	result := l.deploy(t)
	assert.Equal(t, []string{"2 new"}, result.Lines("revision"))
	assert.Contains(t, result.Stderr, "todo-backend")
}

func (l *life) unchanged(t *testing.T) {
	before := l.mage(t, "release:history")
	result := l.deploy(t)
	assert.Equal(t, []string{"2 unchanged"}, result.Lines("revision"))
	assert.Equal(t, 5, strings.Count(result.Stderr, "unchanged"), "four images and the release say so")
	assert.NotContains(t, result.Stderr, "built")
	assert.Equal(t, before.Stdout, l.mage(t, "release:history").Stdout)
}

func (l *life) oneLine(t *testing.T) {
	before := l.deploy(t).Lines("image")
	require.NoError(t, l.Append(backendFile, "\nONE_LINE = 1\n"))
	result := l.deploy(t)
	assert.Equal(t, []string{"3 new"}, result.Lines("revision"))
	assert.Equal(t, 1, strings.Count(result.Stderr, "built, pushed"))
	assert.Regexp(t, `image +backend +built, pushed .* [1-2] of \d+ layers new`, result.Stderr)
	after := result.Lines("image")
	require.Len(t, after, 4)
	for i := range after {
		if strings.HasPrefix(after[i], "backend ") {
			assert.NotEqual(t, before[i], after[i])
		} else {
			assert.Equal(t, before[i], after[i])
		}
	}
}

func (l *life) kubeconfig() string {
	return filepath.Join(l.cache, "kind-"+l.Cluster+".kubeconfig")
}

func (l *life) config(t *testing.T) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", l.kubeconfig())
	require.NoError(t, err)
	return config
}

func (l *life) client(t *testing.T) kubernetes.Interface {
	t.Helper()
	clients, err := kubernetes.NewForConfig(l.config(t))
	require.NoError(t, err)
	return clients
}

func docker(t *testing.T) *client.Client {
	t.Helper()
	api, err := client.New(client.FromEnv)
	require.NoError(t, err)
	t.Cleanup(func() { api.Close() })
	return api
}

// foreign starts a container and makes a network that are none of the
// pipeline's, and look as much like a kind cluster as they can.
func foreign(t *testing.T, api *client.Client) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	images, err := api.ImageList(ctx, client.ImageListOptions{})
	require.NoError(t, err)
	require.NotEmpty(t, images.Items)
	_, err = api.ContainerCreate(ctx, client.ContainerCreateOptions{
		Name: "foreign-control-plane",
		Config: &container.Config{
			Image: images.Items[0].ID, Entrypoint: []string{"sleep"}, Cmd: []string{"600"},
			Labels: map[string]string{"io.x-k8s.kind.cluster": "foreign"},
		},
	})
	require.NoError(t, err)
	_, err = api.ContainerStart(ctx, "foreign-control-plane", client.ContainerStartOptions{})
	require.NoError(t, err)
	_, err = api.NetworkCreate(ctx, "foreign-network", client.NetworkCreateOptions{Driver: "bridge"})
	require.NoError(t, err)
}
