package cluster

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKindCreatesCluster(t *testing.T) {
	free := freePort(t)
	w := newWorld(t, func(o *KindOptions) { o.Ports = map[int]int{free: 30080} })

	c, err := w.kind.Ensure(t.Context())
	require.NoError(t, err)

	assert.Equal(t, "kind", c.Provider)
	assert.Equal(t, "kind-todo", c.Context)
	assert.Equal(t, "127.0.0.1:"+w.publish["5000"], c.Registry.Push)
	assert.Equal(t, "localhost:5000", c.Registry.Pull)
	require.NotNil(t, c.Registry.Login, "the registry requires it")
	assert.Len(t, c.Registry.Login.Password(), 26)
	addr, ok := c.Published(30080)
	assert.True(t, ok)
	assert.Equal(t, net.JoinHostPort("127.0.0.1", strconv.Itoa(free)), addr)
	_, ok = c.Published(30081)
	assert.False(t, ok)

	run := w.lines("docker run")
	require.Len(t, run, 1)
	assert.NotContains(t, run[0], "0.0.0.0", "no port is published to other machines")
	assert.Equal(t, 3, strings.Count(run[0], "--publish=127.0.0.1:"), run[0])
	assert.True(t, strings.HasSuffix(run[0], " node:test"))
	require.Contains(t, w.networks, "kind")
	assert.Equal(t, map[string]any{networkLabel: userAgent}, w.networks["kind"]["Labels"])
	assert.Equal(t, "1400", w.networks["kind"]["Options"].(map[string]any)[mtuOption], "the engine's MTU is kept")

	require.FileExists(t, c.Kubeconfig)
	if info, err := os.Stat(c.Kubeconfig); assert.NoError(t, err) && runtime.GOOS != "windows" {
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	assert.NoFileExists(t, os.Getenv("KUBECONFIG"), "the user's kubeconfig is not written")
	again, err := loadContext(c.Kubeconfig, c.Context)
	require.NoError(t, err)
	assert.NoError(t, alive(t.Context(), again))
}

func TestKindStartsRegistryWhileKubeadmRuns(t *testing.T) {
	w := newWorld(t, nil)
	w.hang = make(chan struct{})
	begun := make(chan error, 1)
	go func() {
		begun <- poll(30*time.Second).Until(t.Context(), func(context.Context) error {
			for _, name := range []string{"registry", "coredns"} {
				if w.api.get("/apis/apps/v1/namespaces/kube-system/deployments/"+name) == nil {
					return errors.New(name + " does not exist yet")
				}
			}
			return nil
		})
		close(w.hang)
	}()
	_, err := w.kind.Ensure(t.Context())
	require.NoError(t, err)
	require.NoError(t, <-begun)
	replicas := digInto(w.api.get("/apis/apps/v1/namespaces/kube-system/deployments/coredns"), "spec", "replicas")
	assert.EqualValues(t, 1, replicas)
}

func TestKindDoesNotChangeRunningCluster(t *testing.T) {
	w := newWorld(t, nil)
	w.settle("running")

	c, err := w.kind.Ensure(t.Context())
	require.NoError(t, err)
	_, ok := c.Published(30080)
	assert.True(t, ok, "the node keeps its ports")
	assert.Empty(t, w.lines("docker"), "the docker command is not run")
	for _, request := range w.requests {
		assert.True(t, strings.HasPrefix(request, "GET "), "%s changes the engine", request)
	}
	assert.Equal(t, []string{"/api/v1/namespaces/kube-public/configmaps/local-registry-hosting"}, w.api.applied)

	_, err = w.kind.Ensure(t.Context())
	require.NoError(t, err)
	assert.Len(t, w.api.applied, 1, "the second call writes nothing")
}

func TestKindIgnoresReportsFromBeforeRestart(t *testing.T) {
	w := newWorld(t, nil)
	w.settle("exited")
	w.api.makeReady(t, time.Now().Add(-time.Minute)) // reports from before the stop
	w.kind.taken = func(context.Context, int) bool { return false }

	_, err := w.kind.Ensure(t.Context())
	require.ErrorContains(t, err, "has not reported since its restart")
	assert.Contains(t, w.requests, "POST /containers/todo-control-plane/start")

	w.api.makeReady(t, time.Now().Add(time.Hour))
	_, err = w.kind.Ensure(t.Context())
	require.NoError(t, err)
	assert.Empty(t, w.lines("docker run"), "the node is not recreated")
}

func TestKindGivesUpOnNewNodeThatStaysBroken(t *testing.T) {
	w := newWorld(t, nil)
	w.api.remove("/apis/storage.k8s.io/v1/storageclasses/standard")
	_, err := w.kind.Ensure(t.Context())
	require.ErrorContains(t, err, "does not keep running")
	assert.Len(t, w.lines("docker run"), 1)
}

func TestKindRefusesClusterOfAnotherProgram(t *testing.T) {
	w := newWorld(t, nil)
	delete(w.settle("running").ports, "5000/tcp")

	var notOurs *NotOurs
	_, err := w.kind.Ensure(t.Context())
	require.ErrorAs(t, err, &notOurs)
	_, err = w.kind.Delete(t.Context())
	require.ErrorAs(t, err, &notOurs)
	assert.Contains(t, w.containers, "todo-control-plane")
	found, err := w.kind.Find(t.Context())
	require.NoError(t, err)
	assert.Nil(t, found)
}

func TestKindReportsPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	w := newWorld(t, func(o *KindOptions) { o.Ports = map[int]int{port: 30080} })

	_, err = w.kind.Ensure(t.Context())
	var inUse *PortInUse
	require.ErrorAs(t, err, &inUse)
	inUse.Holder = "" // on Linux, it is this test
	assert.Equal(t, PortInUse{Port: port, Target: 30080}, *inUse)
	assert.Contains(t, err.Error(), "choose another host port")
	assert.Empty(t, w.containers, "no node is created")

	w.settle("exited").ports["30080/tcp"][0]["HostPort"] = strconv.Itoa(port)
	_, err = w.kind.Ensure(t.Context())
	require.ErrorAs(t, err, &inUse)
	assert.True(t, inUse.Made)
}

func TestKindReportsErrorLineOfKubeadm(t *testing.T) {
	w := newWorld(t, nil)
	w.initExit = 1
	_, err := w.kind.Ensure(t.Context())
	require.ErrorContains(t, err, "create the node")
	assert.Contains(t, err.Error(), "trace of this error")
	assert.Empty(t, w.containers, "no incomplete node remains")
}

func TestKindRemovesNodeWhenContextEnds(t *testing.T) {
	w := newWorld(t, nil)
	w.hang = make(chan struct{})
	w.initExit = 1 // kubeadm fails when its node is removed
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		assert.NoError(t, poll(30*time.Second).Until(t.Context(), func(context.Context) error {
			if len(w.lines("docker exec --privileged todo-control-plane kubeadm init")) == 0 {
				return errors.New("kubeadm has not started")
			}
			return nil
		}))
		cancel()
		time.AfterFunc(500*time.Millisecond, func() { close(w.hang) })
	}()
	began := time.Now()
	_, err := w.kind.Ensure(ctx)
	require.ErrorIs(t, err, context.Canceled)
	assert.Less(t, time.Since(began), 30*time.Second)
	assert.Empty(t, w.containers, "no incomplete node remains")
}

func TestKindFindsRunningClusterOnly(t *testing.T) {
	w := newWorld(t, nil)
	c, err := w.kind.Find(t.Context())
	require.NoError(t, err)
	assert.Nil(t, c, "absent")

	w.settle("exited")
	c, err = w.kind.Find(t.Context())
	require.NoError(t, err)
	assert.Nil(t, c, "stopped")

	w.settle("running")
	c, err = w.kind.Find(t.Context())
	require.NoError(t, err)
	require.NotNil(t, c)
	assert.NotEmpty(t, c.Registry.Push)
}

func TestKindDeleteRemovesOnlyItsOwnObjects(t *testing.T) {
	w := newWorld(t, nil)
	_, err := w.kind.Ensure(t.Context())
	require.NoError(t, err)
	w.containers["other"] = &box{}

	removed, err := w.kind.Delete(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{`container "todo-control-plane" with its volume`, `file "` + w.opts.Kubeconfig + `"`}, removed)
	assert.Contains(t, w.networks, "kind", "another container uses it")

	delete(w.containers, "other")
	removed, err = w.kind.Delete(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{`network "kind"`}, removed)

	removed, err = w.kind.Delete(t.Context())
	require.NoError(t, err)
	assert.Empty(t, removed, "nothing remains for a second call")

	w.networks["kind"] = map[string]any{"Id": "id-kind", "Name": "kind"}
	removed, err = w.kind.Delete(t.Context())
	require.NoError(t, err)
	assert.Empty(t, removed, "the pipeline did not create this network")
}

func TestKindStatusDescribesEachState(t *testing.T) {
	w := newWorld(t, nil)
	s, err := w.kind.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Absent, s.State)

	w.settle("exited")
	s, err = w.kind.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Stopped, s.State)

	w.settle("running")
	s, err = w.kind.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Status{Provider: "kind", Name: "todo", State: Running, Kubernetes: "v1.36.3",
		Registry: Registry{Push: "127.0.0.1:" + w.publish["5000"], Pull: "localhost:5000"}, Ports: map[int]int{30080: 18080}}, s)

	delete(w.settle("running").files, adminConf)
	s, err = w.kind.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Broken, s.State)
	assert.Contains(t, s.Detail, "its file /etc/kubernetes/admin.conf is missing")

	w.settle("running").files = nil
	s, err = w.kind.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Broken, s.State)
	assert.Contains(t, s.Detail, "interrupted")
}

func TestKindCreatesMissingRegistry(t *testing.T) {
	w := newWorld(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0") // served only once the Deployment exists
	require.NoError(t, err)
	w.publish["5000"] = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.api.get("/apis/apps/v1/namespaces/kube-system/deployments/registry") == nil {
			http.Error(rw, "no registry yet", http.StatusBadGateway)
			return
		}
		guarded(w.api)(rw, r)
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })

	c, err := w.kind.Ensure(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1:"+w.publish["5000"], c.Registry.Push)
	image := digInto(w.api.get("/apis/apps/v1/namespaces/kube-system/deployments/registry"), "spec", "template", "spec", "containers", 0, "image")
	assert.Equal(t, "registry:test", image)
}

// digInto returns a nested field.
func digInto(v any, path ...any) any {
	for _, p := range path {
		switch key := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[key]
		case int:
			l, _ := v.([]any)
			if key >= len(l) {
				return nil
			}
			v = l[key]
		}
	}
	return v
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestSettleWaitsForDNSOfNewCluster(t *testing.T) {
	w := newWorld(t, nil)
	w.kind.bound = 500 * time.Millisecond
	w.api.remove("/api/v1/namespaces/kube-system/pods/coredns-1")
	made, err := w.kind.Ensure(t.Context())
	require.NoError(t, err, "installing a release does not need DNS")
	require.ErrorContains(t, made.Settle(t.Context()), `cluster "todo": wait for the cluster to be ready: after 500ms: CoreDNS has no pod yet`)

	_, err = w.kind.Ensure(t.Context())
	require.ErrorContains(t, err, "CoreDNS has no pod yet", "Ensure waits for the DNS of an existing cluster")
	w.api.makeReady(t, time.Now().Add(time.Hour))
	require.NoError(t, made.Settle(t.Context()))
}
