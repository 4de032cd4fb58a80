package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gofrs/flock"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/engine"
)

// afterRuns returns a clean of the caches of a pipeline whose cache folder and reports
// have the files of earlier runs.
func afterRuns(t *testing.T) *cleaning {
	t.Helper()
	p := load(t, copyProject(t, ""), "dev", nil)
	require.NoError(t, p.makeCache())
	for _, name := range []string{
		"builds/images/x", "bin/runtime-wrapper", "go/x", "images/x", "pulled/x", "rootfs/x", "python/x", "engine/dockerd.log",
		"apt.lock", "cluster-todo.lock", "kind-todo.kubeconfig", "kind-todo.kubeconfig.lock", "minikube-a.kubeconfig", "kind-todo.kubeconfig.123",
	} {
		write(t, filepath.Join(p.env.Cache, name), "")
	}
	for _, name := range reports {
		write(t, filepath.Join(p.env.Root, "build", name), "")
	}
	return cleanAll(p)
}

func cleanAll(p *Pipeline) *cleaning { return &cleaning{p: p, opts: CleanOptions{Caches: true}} }

func TestCleanAllRemovesCacheFolderAndReports(t *testing.T) {
	c := afterRuns(t)
	build := filepath.Join(c.p.env.Root, "build")
	require.NoError(t, c.caches())
	assert.Equal(t, Cleaned{Removed: []string{"folder " + build, "folder " + c.p.env.Cache}}, c.done)
	assert.NoDirExists(t, c.p.env.Cache)
	assert.NoDirExists(t, build)

	c = cleanAll(c.p)
	require.NoError(t, c.caches(), "a second time")
	assert.Equal(t, Cleaned{}, c.done)
}

func TestCleanAllKeepsBackupsAndForeignFiles(t *testing.T) {
	c := afterRuns(t)
	p := c.p
	build := filepath.Join(p.env.Root, "build")
	backup, mine, diary := filepath.Join(build, "backups", "dev", "a.dump"), filepath.Join(build, "notes.txt"), filepath.Join(p.env.Cache, "diary.txt")
	album := filepath.Join(p.env.Cache, "photos", "1.jpg")
	for _, file := range []string{backup, mine, diary, album} {
		write(t, file, "the only copy")
	}
	require.NoError(t, c.caches())
	for _, file := range []string{backup, mine, diary, album} {
		assert.FileExists(t, file)
	}
	assert.NoFileExists(t, filepath.Join(build, "smoke.json"))
	assert.NoDirExists(t, filepath.Join(p.env.Cache, "builds"))
	assert.Equal(t, []string{
		filepath.Join(build, "backups") + ": only you remove backups",
		mine + ": the pipeline did not create it",
		diary + ": the pipeline did not create it",
		filepath.Dir(album) + ": the pipeline did not create it",
	}, c.done.Kept)
}

func TestCleanAllKeepsCacheFolderWithoutMarker(t *testing.T) {
	p := load(t, copyProject(t, ""), "dev", nil)
	file := filepath.Join(p.env.Cache, "images", "mine.png")
	write(t, file, "")
	c := cleanAll(p)
	require.NoError(t, c.caches())
	assert.FileExists(t, file)
	assert.Empty(t, c.done.Removed)
	assert.Equal(t, []string{p.env.Cache + ": it has no CACHEDIR.TAG that the pipeline wrote"}, c.done.Kept)
}

func TestCleanAllDoesNotFollowSymbolicLinks(t *testing.T) {
	elsewhere := t.TempDir()
	treasure := filepath.Join(elsewhere, "smoke.json")
	write(t, treasure, "")
	c := afterRuns(t)
	p := c.p
	build := filepath.Join(p.env.Root, "build")
	require.NoError(t, os.RemoveAll(build))
	require.NoError(t, os.Symlink(elsewhere, build))
	require.NoError(t, os.RemoveAll(filepath.Join(p.env.Cache, "images")))
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(p.env.Cache, "images")))
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(p.env.Cache, "builds", "inside")))
	require.NoError(t, c.caches())
	assert.FileExists(t, treasure)
	assert.Equal(t, []string{
		build + ": it is a symbolic link, so its target is not removed",
		filepath.Join(p.env.Cache, "images") + ": it is a symbolic link, and the pipeline creates none",
	}, c.done.Kept)
}

func TestCleanAllEmptiesCacheFolderBehindSymbolicLink(t *testing.T) {
	c := afterRuns(t)
	p := c.p
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(p.env.Cache, link))
	behind := p.env.Cache
	p.env.Cache = link
	require.NoError(t, c.caches())
	assert.Empty(t, c.done.Kept)
	entries, err := os.ReadDir(behind)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestMakeCacheRefusesFolderWithForeignFiles(t *testing.T) {
	p := load(t, copyProject(t, ""), "dev", nil)
	write(t, filepath.Join(p.env.Cache, "diary.txt"), "written after the check of the settings")
	err := p.makeCache()
	require.Error(t, err)
	assert.Equal(t, ExitUsage, ExitCode(err))
	assert.ErrorContains(t, err, "it contains diary.txt, which the pipeline did not create")
}

func TestRemoveBelowDoesNotFollowSymbolicLinks(t *testing.T) {
	root, elsewhere := t.TempDir(), t.TempDir()
	theirs := filepath.Join(elsewhere, "evidence", "dev", "theirs.txt")
	write(t, theirs, "")
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(root, "build")))
	require.Error(t, removeBelow(root, filepath.Join("build", "evidence", "dev")))
	assert.FileExists(t, theirs)
	write(t, filepath.Join(root, "ours", "a"), "")
	require.NoError(t, removeBelow(root, "ours"))
	require.NoError(t, removeBelow(root, "ours"), "a missing folder is not an error")
	assert.NoDirExists(t, filepath.Join(root, "ours"))
}

// dockerd is the API of a container engine with containers and volumes by name.
type dockerd struct {
	mu         sync.Mutex
	containers map[string]map[string]any // the answers of inspect
	volumes    map[string]bool
	execs      map[string]bool // true if they still run
	broken     bool
}

func (d *dockerd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w.Header().Set("Api-Version", "1.41")
	w.Header().Set("Content-Type", "application/json")
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if strings.HasPrefix(parts[0], "v1.") {
		parts = parts[1:]
	}
	answer := func(there bool, body any) {
		if !there {
			w.WriteHeader(http.StatusNotFound)
			body = map[string]string{"message": "no such thing"}
		}
		_ = json.NewEncoder(w).Encode(body)
	}
	switch kind, name := parts[0], parts[len(parts)-1]; {
	case kind == "_ping":
	case d.broken:
		w.WriteHeader(http.StatusInternalServerError)
		answer(true, map[string]string{"message": "the disk is gone"})
	case kind == "containers" && len(parts) == 2 && name == "json":
		all := []any{}
		for name, c := range d.containers {
			all = append(all, map[string]any{"Id": name, "Names": []string{"/" + name}, "Labels": c["Labels"]})
		}
		answer(true, all)
	case kind == "containers" && r.Method == http.MethodDelete:
		delete(d.containers, name)
	case kind == "containers":
		answer(d.containers[parts[1]] != nil, d.containers[parts[1]])
	case kind == "exec":
		answer(true, map[string]any{"ID": parts[1], "Running": d.execs[parts[1]]})
	case kind == "volumes" && r.Method == http.MethodDelete:
		delete(d.volumes, name)
	case kind == "volumes":
		answer(d.volumes[name], map[string]any{"Name": name})
	default:
		answer(false, nil)
	}
}

// withBuilder returns a clean of a pipeline whose engine has the builder and its cache.
func withBuilder(t *testing.T) (*dockerd, *cleaning, *services) {
	t.Helper()
	d := &dockerd{
		containers: map[string]map[string]any{engine.BuildKitName: {"Id": "b", "ExecIDs": []string{"a-build"}}},
		volumes:    map[string]bool{engine.BuildKitName: true}, execs: map[string]bool{},
	}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	docker, err := client.New(client.WithHost(strings.Replace(server.URL, "http", "tcp", 1)))
	require.NoError(t, err)
	t.Setenv("PATH", t.TempDir()) // without minikube
	p := load(t, projectRoot, "dev", map[string]string{"TODO_PROVIDER": "kind"})
	require.NoError(t, p.makeCache())
	found := &engine.Engine{Client: docker}
	return d, cleanAll(p), &services{engine: found, others: newWire(p).others(found)}
}

// kindNode returns the engine's answer for a node of one of the pipeline's clusters.
func kindNode(cluster string) map[string]any {
	return map[string]any{
		"Labels":     map[string]string{"io.x-k8s.kind.cluster": cluster},
		"HostConfig": map[string]any{"PortBindings": map[string]any{"5000/tcp": []map[string]string{{"HostIp": "127.0.0.1", "HostPort": "1"}}}},
	}
}

// holdLock holds the lock of another cluster, as a run on it does.
func holdLock(t *testing.T, p *Pipeline, name string) {
	t.Helper()
	path := filepath.Join(p.env.Cache, "cluster-"+name+".lock")
	lock := flock.New(path)
	locked, err := lock.TryLock()
	require.NoError(t, err)
	require.True(t, locked)
	t.Cleanup(func() { _ = lock.Unlock() })
	write(t, path+".holder", "process 1, deploy:dev")
}

func TestCleanRemovesUnusedBuilder(t *testing.T) {
	d, c, s := withBuilder(t)
	d.containers["todo-control-plane"] = kindNode("todo") // the environment's own cluster
	write(t, filepath.Join(c.p.env.Cache, "cluster-killed.lock"), "")
	write(t, filepath.Join(c.p.env.Cache, "cluster-killed.lock.holder"), "process 1, deploy:dev")
	require.NoError(t, c.builder(t.Context(), s))
	assert.Equal(t, []string{"container " + engine.BuildKitName, "volume " + engine.BuildKitName}, c.done.Removed)
	assert.Empty(t, c.done.Kept)
	assert.Empty(t, d.volumes)
}

func TestCleanKeepsBuilderThatOthersUse(t *testing.T) {
	for name, c := range map[string]struct {
		use func(*testing.T, *dockerd, *Pipeline)
		who string
	}{
		"another cluster of the pipeline": {func(_ *testing.T, d *dockerd, _ *Pipeline) {
			d.containers["second-control-plane"] = kindNode("second")
		}, `cluster "second"`},
		"a build of another checkout": {func(_ *testing.T, d *dockerd, _ *Pipeline) { d.execs["a-build"] = true }, "a running build"},
		"a run on another cluster":    {func(t *testing.T, _ *dockerd, p *Pipeline) { holdLock(t, p, "third") }, `a run on cluster "third"`},
	} {
		t.Run(name, func(t *testing.T) {
			d, cleaning, s := withBuilder(t)
			c.use(t, d, cleaning.p)
			require.NoError(t, cleaning.builder(t.Context(), s))
			assert.Empty(t, cleaning.done.Removed)
			assert.Equal(t, []string{"container " + engine.BuildKitName + ": it also serves " + c.who}, cleaning.done.Kept)
			assert.NotEmpty(t, d.volumes, "its cache stays too")
		})
	}
}

func TestCleanFailsIfEngineCannotBeAskedForBuilder(t *testing.T) {
	d, c, s := withBuilder(t)
	d.broken = true
	require.ErrorContains(t, c.builder(t.Context(), s), "the disk is gone")

	gone := errors.New("permission denied")
	require.ErrorIs(t, c.builder(t.Context(), &services{noEngine: gone}), gone)
	assert.Equal(t, []string{"container " + engine.BuildKitName + ": the engine could not be asked whether it exists"}, c.done.Kept)
	assert.NoError(t, c.builder(t.Context(), &services{}), "without an engine there is no builder")
}

func TestCleanKeepsCachesAndEngineThatAnotherRunUses(t *testing.T) {
	_, c, _ := withBuilder(t)
	write(t, filepath.Join(c.p.env.Cache, "engine", "dockerd.pid"), "4194399")
	write(t, filepath.Join(c.p.env.Cache, "builds", "x"), "")
	holdLock(t, c.p, "third")
	require.NoError(t, c.machine(t.Context(), newWire(c.p).daemon()))
	assert.Empty(t, c.done.Removed)
	assert.Equal(t, []string{
		"container engine: a run on cluster third uses it",
		"folder " + c.p.env.Cache + ": a run on cluster third uses it",
	}, c.done.Kept)
	assert.FileExists(t, filepath.Join(c.p.env.Cache, "builds", "x"))
}

func TestUnreachableEngineIsAnErrorOfEveryTarget(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	t.Setenv("DOCKER_HOST", "tcp://"+listener.Addr().String())
	p := load(t, projectRoot, "dev", map[string]string{"TODO_PROVIDER": "kind"})
	for name, ask := range map[string]func() error{
		"clean":          func() error { _, err := p.Clean(t.Context(), CleanOptions{}); return err },
		"cluster:down":   func() error { _, err := p.ClusterDown(t.Context()); return err },
		"cluster:status": func() error { _, err := p.ClusterStatus(t.Context()); return err },
		"release:status": func() error { _, err := p.Status(t.Context()); return err },
		"db:list":        func() error { _, err := p.Backups(t.Context()); return err },
		"logs":           func() error { return p.Logs(t.Context(), io.Discard, LogOptions{}) },
		"open":           func() error { return p.Open(t.Context(), io.Discard, OpenOptions{}) },
	} {
		err := ask()
		require.ErrorContains(t, err, "no container engine answers", name)
		assert.Equal(t, ExitBroken, ExitCode(err), name)
	}
}

func TestEngineTraceFindsFilesOfEarlierRuns(t *testing.T) {
	p := load(t, projectRoot, "dev", nil)
	assert.Empty(t, p.engineTrace())
	write(t, filepath.Join(p.env.Cache, "engine", "dockerd.pid"), "4194399")
	assert.Equal(t, filepath.Join(p.env.Cache, "engine", "dockerd.pid"), p.engineTrace())
	write(t, filepath.Join(p.env.Cache, "kind-todo.kubeconfig"), "")
	assert.Equal(t, filepath.Join(p.env.Cache, "kind-todo.kubeconfig"), p.engineTrace())
}

func TestCleanReportsReleaseThatItCannotLookFor(t *testing.T) {
	p := load(t, projectRoot, "dev", nil)
	for name, c := range map[string]struct {
		provider stub
		says     string
	}{
		"unreachable cluster": {stub{found: &cluster.Unreachable{Cluster: "theirs", Cause: errors.New("no route")}}, `query cluster "theirs": no route`},
		"stopped profile":     {stub{state: cluster.Stopped}, `cluster "todo" is stopped`},
		"broken cluster":      {stub{state: cluster.Broken}, `cluster "todo" is broken`},
	} {
		t.Run(name, func(t *testing.T) {
			cleaning := &cleaning{p: p}
			unknown, err := cleaning.release(t.Context(), &services{provider: c.provider})
			require.NoError(t, err, "the rest is cleaned")
			require.ErrorContains(t, unknown, c.says)
			assert.Equal(t, []string{"release todo-dev/todo: the cluster could not be asked whether it exists"}, cleaning.done.Kept)
		})
	}
}

// unanswered is a provider whose program fails.
type unanswered struct {
	stub
	cause error
}

func (u unanswered) Ours(context.Context) (bool, error) { return false, u.cause }

func TestCleanContinuesIfProviderDoesNotAnswer(t *testing.T) {
	c := &cleaning{p: load(t, projectRoot, "dev", nil)}
	cause := errors.New("minikube does not work on this machine")
	unknown, err := c.cluster(t.Context(), &services{provider: unanswered{cause: cause}})
	require.NoError(t, err, "the rest is cleaned")
	require.ErrorIs(t, unknown, cause)
	assert.Equal(t, []string{"the cluster: the provider could not be asked whether the pipeline made it"}, c.done.Kept)
}
