package cluster

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeMinikube answers like minikube v1.38, and like docker to its one request.
type fakeMinikube struct {
	t   *testing.T
	api *kubeAPI

	mu       sync.Mutex
	profile  map[string]any // nil: none
	host     string         // Running, Stopped …
	ip       string         // of the node
	registry int            // the published port; 0: the driver publishes none
	enabled  func()         // called when the addon is enabled
	startErr bool
	exposed  []string          // like 127.0.0.1:8080:30080
	replay   map[string]answer // recorded answers, by minikube's command
	addons   map[string]bool   // of the profile that exists makes; minikube stores them at the end of a start
}

func newFakeMinikube(t *testing.T) (*fakeMinikube, *stage) {
	t.Helper()
	f := &fakeMinikube{t: t, api: newKubeAPI(t), host: "Stopped", ip: "192.168.49.2", enabled: func() {}}
	f.api.makeReady(t, time.Now())
	_, f.registry = newRegistry(t)
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "users-own"))
	return f, newStage(t, f.act, "minikube", "docker")
}

// exists adds a profile. names are additional names of its API server.
func (f *fakeMinikube) exists(driver string, cpus, memory int, version, host string, names ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.host = host
	f.profile = map[string]any{
		"Name": "todo", "Status": "Skipped", "Active": false, "ActiveKubeContext": false,
		"Config": map[string]any{
			"Name": "todo", "Driver": driver, "CPUs": cpus, "Memory": memory, "APIServerPort": 8443, "ExposedPorts": f.exposed,
			"KubernetesConfig": map[string]any{"KubernetesVersion": version, "ClusterName": "todo", "APIServerNames": names, "ContainerRuntime": "containerd"},
			"Nodes":            []any{map[string]any{"Name": "", "IP": f.ip, "Port": 8443, "KubernetesVersion": version, "ControlPlane": true, "Worker": true}},
			"Addons":           f.addons,
		},
	}
}

func (f *fakeMinikube) act(c call) answer {
	line := strings.Join(c.Args, " ")
	if c.Name == "minikube" {
		f.mu.Lock()
		recorded, ok := f.replay[c.Args[0]]
		f.mu.Unlock()
		if ok {
			return recorded
		}
	}
	if c.Name == "minikube" && strings.HasPrefix(line, "start ") {
		f.mu.Lock()
		broken := f.startErr
		f.mu.Unlock()
		if broken {
			return answer{Exit: 80, Stdout: event1("step", `"currentstep":"8","message":"Creating docker container (CPUs=2, Memory=4096MB) ...","name":"Creating Container","totalsteps":"19"`) +
				event1("error", `"advice":"Free some space: minikube delete --all","exitcode":"26","issues":"","message":"Docker is out of disk space!","name":"RSRC_DOCKER_STORAGE","url":""`)}
		}
		f.mu.Lock()
		made := f.profile == nil
		f.mu.Unlock()
		if made {
			var names []string
			for _, arg := range c.Args {
				if name, ok := strings.CutPrefix(arg, "--apiserver-names="); ok {
					names = append(names, name)
				}
			}
			f.exists("docker", 2, 4096, "v1.36.3", "Running", names...)
		}
		f.mu.Lock()
		f.host = "Running"
		f.mu.Unlock()
		return f.writeContext(c, event1("step", `"currentstep":"0","message":"[todo] minikube v1.38.1 on Debian 12","name":"Initial Minikube Setup","totalsteps":"19"`)+
			event1("step", `"currentstep":"19","message":"Done!","name":"Done","totalsteps":"19"`))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case c.Name == "docker" && strings.HasPrefix(line, "container inspect --format {{json .NetworkSettings.Ports}} todo"):
		if f.registry == 0 {
			return answer{Stderr: "Error response from daemon: No such container: todo\n", Exit: 1}
		}
		return answer{Stdout: fmt.Sprintf(`{"22/tcp":[{"HostIp":"127.0.0.1","HostPort":"32771"}],"2376/tcp":[{"HostIp":"127.0.0.1","HostPort":"32772"}],"32443/tcp":[{"HostIp":"127.0.0.1","HostPort":"32773"}],"5000/tcp":[{"HostIp":"127.0.0.1","HostPort":"%d"}],"8443/tcp":[{"HostIp":"127.0.0.1","HostPort":"32774"}]}`+"\n", f.registry)}
	case strings.HasPrefix(line, "profile list"):
		valid := []any{}
		if f.profile != nil {
			valid = append(valid, f.profile)
		}
		data, _ := json.Marshal(map[string]any{"valid": valid, "invalid": []any{}})
		return answer{Stdout: string(data)}
	case strings.HasPrefix(line, "status"):
		exit := 0
		other := f.host
		if f.host != "Running" {
			exit, other = 7, "Stopped"
		}
		return answer{Stdout: fmt.Sprintf(`{"Name":"todo","Host":%q,"Kubelet":%q,"APIServer":%q,"Kubeconfig":"Configured","Worker":false}`, f.host, other, other), Exit: exit}
	case strings.HasPrefix(line, "update-context"):
		return f.writeContext(c, "* \"todo\" context has been updated to point to 127.0.0.1:32774\n* Current context is \"todo\"\n")
	case strings.HasPrefix(line, "addons enable registry"):
		f.enabled()
		f.api.put(f.t, "/api/v1/namespaces/kube-system/pods/registry-1", readyPod("registry-1", time.Now()))
		return answer{Stdout: "* Verifying registry addon...\n* The 'registry' addon is enabled\n"}
	case strings.HasPrefix(line, "delete"):
		f.profile = nil
		return answer{Stdout: "* Removed all traces of the \"todo\" cluster.\n"}
	}
	return answer{Stderr: "unknown command: " + line, Exit: 64}
}

// writeContext writes the kubeconfig like start and update-context.
func (f *fakeMinikube) writeContext(c call, stdout string) answer {
	if err := writeFile(c.Env["KUBECONFIG"], f.api.kubeconfig(f.t, "todo")); err != nil {
		return answer{Stderr: err.Error(), Exit: 1}
	}
	return answer{Stdout: stdout}
}

func event1(kind, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"5f2c","source":"https://minikube.sigs.k8s.io/","type":"io.k8s.sigs.minikube.%s","datacontenttype":"application/json","data":{%s}}`+"\n", kind, data)
}

func newTestMinikube(t *testing.T, change func(*MinikubeOptions)) *Minikube {
	t.Helper()
	opts := MinikubeOptions{Profile: "todo", CPUs: 2, Memory: 4096, Kubeconfig: filepath.Join(t.TempDir(), "own", "kubeconfig")}
	if change != nil {
		change(&opts)
	}
	m, err := NewMinikube(opts)
	require.NoError(t, err)
	m.bound, m.root = time.Second, false
	return m
}

func TestMinikubeCreatesProfile(t *testing.T) {
	f, s := newFakeMinikube(t)
	free := freePort(t)
	m := newTestMinikube(t, func(o *MinikubeOptions) {
		o.Home, o.Driver = "/elsewhere", "docker"
		o.StartArgs = []string{"--force", "--preload=false"}
		o.Ports = map[int]int{free: 30080}
	})
	c, err := m.Ensure(t.Context())
	require.NoError(t, err)
	defer c.Close()

	assert.Equal(t, []string{"minikube start --profile=todo --output=json --interactive=false --cpus=2 --memory=4096mb" +
		" --apiserver-names=made-by.todo-chatbot-pipeline.internal --driver=docker" +
		" --ports=127.0.0.1:" + strconv.Itoa(free) + ":30080 --force --preload=false"}, s.lines("minikube start"))
	assert.Equal(t, Registry{Push: "127.0.0.1:" + strconv.Itoa(f.registry), Pull: "localhost:5000"}, c.Registry)
	for _, call := range s.calls {
		if call.Name == "minikube" {
			assert.Equal(t, m.opts.Kubeconfig, call.Env["KUBECONFIG"], "minikube never writes the user's kubeconfig")
			assert.Equal(t, "/elsewhere", call.Env["MINIKUBE_HOME"])
		}
	}
	require.NoError(t, alive(t.Context(), c.Clients))
	assert.Equal(t, []string{"/api/v1/namespaces/kube-public/configmaps/local-registry-hosting"}, f.api.applied)
}

func TestMinikubeDoesNotChangeRunningProfile(t *testing.T) {
	f, s := newFakeMinikube(t)
	f.exists("docker", 4, 8192, "v1.36.3", "Running")
	m := newTestMinikube(t, nil)
	c, err := m.Ensure(t.Context())
	require.NoError(t, err)
	assert.NotEmpty(t, c.Registry.Push)
	assert.Empty(t, s.lines("minikube start"))
	assert.Empty(t, s.lines("minikube addons"), "the registry answers already")
	assert.Len(t, s.lines("minikube update-context"), 1, "the kubeconfig was missing")

	_, err = m.Ensure(t.Context())
	require.NoError(t, err)
	assert.Len(t, s.lines("minikube update-context"), 1, "the kubeconfig exists now")
}

func TestMinikubeStartsStoppedProfileWithoutResizing(t *testing.T) {
	f, s := newFakeMinikube(t)
	f.exists("docker", 4, 8192, "v1.36.3", "Stopped")
	m := newTestMinikube(t, func(o *MinikubeOptions) { o.StartArgs = []string{"--force"} })
	_, err := m.Ensure(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"minikube start --profile=todo --output=json --interactive=false --force"}, s.lines("minikube start"))
}

func TestMinikubeRefusesOldKubernetesWithFix(t *testing.T) {
	f, s := newFakeMinikube(t)
	f.exists("kvm2", 2, 4096, "v1.24.17", "Running")
	_, err := newTestMinikube(t, nil).Ensure(t.Context())
	for _, part := range []string{`"v1.24.17"`, "1.25", "minikube delete -p todo"} {
		assert.ErrorContains(t, err, part)
	}
	assert.Empty(t, s.lines("minikube start"))
}

func TestMinikubeEnablesAddonWithOverrides(t *testing.T) {
	f, s := newFakeMinikube(t)
	f.exists("docker", 2, 4096, "v1.36.3", "Running")
	f.mu.Lock()
	f.registry = freePort(t) // no registry answers
	f.mu.Unlock()
	m := newTestMinikube(t, func(o *MinikubeOptions) {
		o.AddonImages = map[string]string{"Registry": "registry:own", "KubeRegistryProxy": "proxy:own"}
		o.AddonRegistries = map[string]string{"Registry": "localhost:5001"}
	})
	_, err := m.Ensure(t.Context())
	require.ErrorContains(t, err, "wait for the image registry", "an enabled addon may not answer yet")
	assert.Equal(t, []string{"minikube addons enable registry --profile=todo --images=KubeRegistryProxy=proxy:own,Registry=registry:own --registries=Registry=localhost:5001"},
		s.lines("minikube addons"))
}

func TestMinikubeForwardsPortToUnpublishedRegistry(t *testing.T) {
	f, _ := newFakeMinikube(t)
	f.exists("kvm2", 2, 4096, "v1.36.3", "Running")
	server, _ := newRegistry(t)
	serveForward(t, f.api, "kube-system", "registry-1", server.Listener.Addr().String())
	addon := service("registry", 80, 5000)
	addon.Spec.Selector = registryLabels()
	f.api.put(t, "/api/v1/namespaces/kube-system/services/registry", addon)

	c, err := newTestMinikube(t, nil).Ensure(t.Context())
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(c.Registry.Push, "127.0.0.1:"))
	require.NoError(t, answers(t.Context(), c.Registry.Push))
	_, ok := c.Published(30080)
	assert.False(t, ok)
	announced := digInto(f.api.get("/api/v1/namespaces/kube-public/configmaps/local-registry-hosting"), "data", hostingKey)
	assert.NotContains(t, announced, c.Registry.Push, "the address of a port-forward is not announced")
	c.Close()
	assert.Error(t, answers(t.Context(), c.Registry.Push), "closed")
}

func TestMinikubeErrorHasMessageAndAdvice(t *testing.T) {
	f, _ := newFakeMinikube(t)
	f.mu.Lock()
	f.startErr = true
	f.mu.Unlock()
	_, err := newTestMinikube(t, nil).Ensure(t.Context())
	require.ErrorContains(t, err, "Docker is out of disk space! Free some space")
	assert.ErrorContains(t, err, "the disk of the cluster's node is full")
}

func TestMinikubeDeleteRemovesItsOwnProfileOnly(t *testing.T) {
	f, s := newFakeMinikube(t)
	f.exists("docker", 2, 4096, "v1.36.3", "Running")
	m := newTestMinikube(t, nil)
	removed, err := m.Delete(t.Context())
	require.NoError(t, err)
	assert.Empty(t, removed)
	assert.Empty(t, s.lines("minikube delete"), "the pipeline did not create the profile")

	f.exists("docker", 2, 4096, "v1.36.3", "Stopped", "elsewhere", minikubeMark)
	removed, err = m.Delete(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{`minikube profile "todo"`}, removed)
	assert.Equal(t, []string{"minikube delete --profile=todo"}, s.lines("minikube delete"))

	removed, err = m.Delete(t.Context())
	require.NoError(t, err)
	assert.Empty(t, removed, "nothing remains for a second call")
}

func TestMinikubeFindAndStatusDescribeEachState(t *testing.T) {
	f, s := newFakeMinikube(t)
	m := newTestMinikube(t, nil)
	for _, c := range []struct {
		host  string
		state State
		found bool
	}{{"", Absent, false}, {"Stopped", Stopped, false}, {"Nonexistent", Broken, false}, {"Running", Running, true}} {
		if c.host != "" {
			f.exists("docker", 2, 4096, "v1.36.3", c.host)
		}
		st, err := m.Status(t.Context())
		require.NoError(t, err)
		assert.Equal(t, c.state, st.State)
		found, err := m.Find(t.Context())
		require.NoError(t, err)
		assert.Equal(t, c.found, found != nil, c.host)
	}
	assert.Empty(t, s.lines("minikube start"))
}

func TestMinikubeStatusIsThatOfFirstNode(t *testing.T) {
	newStage(t, func(call) answer {
		return answer{Stdout: `[{"Name":"todo","Host":"Running","Kubelet":"Running","APIServer":"Running","Kubeconfig":"Configured","Worker":false},{"Name":"todo-m02","Host":"Stopped","Kubelet":"Stopped","APIServer":"Irrelevant","Kubeconfig":"Irrelevant","Worker":true}]`, Exit: 7}
	}, "minikube")
	st, err := minikubeCLI{}.status(t.Context(), "todo")
	require.NoError(t, err)
	assert.True(t, st.running())
}

func TestMissingMinikubeIsReported(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := newTestMinikube(t, nil).Ensure(t.Context())
	require.ErrorContains(t, err, "not on the PATH: install it, or choose another cluster provider")
}

func TestNewMinikubeReportsEveryProblemAtOnce(t *testing.T) {
	_, err := NewMinikube(MinikubeOptions{Profile: "A b", CPUs: 1, Memory: 1024})
	require.Error(t, err)
	for _, part := range []string{`profile "A b"`, "kubeconfig is missing", "CPUs 1", "memory 1024"} {
		assert.Contains(t, err.Error(), part)
	}
	m := newTestMinikube(t, nil)
	assert.False(t, slices.ContainsFunc(m.createArgs(), func(arg string) bool { return strings.HasPrefix(arg, "--driver") }), "minikube chooses the driver")
}
