package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// theirs returns the context of another person's cluster, with a registry that
// answers.
func theirs(t *testing.T, change func(*api.Config)) (*kubeAPI, *KubeContext) {
	t.Helper()
	server, path := newKubeAPI(t), filepath.Join(t.TempDir(), "config")
	server.makeReady(t, time.Now())
	registry, _ := newRegistry(t)
	address := registry.Listener.Addr().String()
	cfg, err := clientcmd.Load(server.kubeconfig(t, "theirs"))
	require.NoError(t, err)
	if change != nil {
		change(cfg)
	}
	require.NoError(t, clientcmd.WriteToFile(*cfg, path))
	p, err := NewKubeContext(ContextOptions{Kubeconfig: path, Context: "theirs", Registry: Registry{Push: address, Pull: address}})
	require.NoError(t, err)
	p.bound = time.Minute
	return server, p
}

func TestRefusedLoginIsReportedWithoutWaiting(t *testing.T) {
	for name, change := range map[string]func(*api.Config){
		"invalid token":         func(c *api.Config) { c.AuthInfos["theirs"].Token = "another" },
		"untrusted certificate": func(c *api.Config) { c.Clusters["theirs"].CertificateAuthorityData = nil },
		"missing login program": func(c *api.Config) {
			c.AuthInfos["theirs"] = &api.AuthInfo{Exec: &api.ExecConfig{Command: "no-such-login", APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: api.NeverExecInteractiveMode}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, p := theirs(t, change)
			began := time.Now()
			for what, ask := range map[string]func(context.Context) (*Cluster, error){"Find": p.Find, "Ensure": p.Ensure} {
				_, err := ask(t.Context())
				unreachable, ok := errors.AsType[*Unreachable](err)
				require.True(t, ok, "%s: %v", what, err)
				assert.ErrorContains(t, unreachable, `query cluster "theirs"`)
			}
			assert.Less(t, time.Since(began), 10*time.Second)
		})
	}
}

func TestSlowLoginIsAwaited(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the login program is a shell script")
	}
	login := filepath.Join(t.TempDir(), "login")
	script := fmt.Sprintf("#!/bin/sh\nsleep 6\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"%s\"}}'\n", token)
	require.NoError(t, os.WriteFile(login, []byte(script), 0o755))
	_, p := theirs(t, func(c *api.Config) {
		c.AuthInfos["theirs"] = &api.AuthInfo{Exec: &api.ExecConfig{Command: login, APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: api.NeverExecInteractiveMode}}
	})
	found := make(chan error, 1)
	go func() {
		c, err := p.Find(t.Context())
		if err == nil && c == nil {
			err = errors.New("Find returned no cluster")
		}
		found <- err
	}()
	s, err := p.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Running, s.State, s.Detail)
	require.NoError(t, <-found)
}

func TestUserWithNamespaceRightsCanUseCluster(t *testing.T) {
	server, p := theirs(t, nil)
	for _, path := range []string{
		"/api/v1/nodes", "/api/v1/pods", "/apis/storage.k8s.io/v1/storageclasses", "/apis/apps/v1/daemonsets",
		"/api/v1/namespaces/kube-system/pods", "/api/v1/namespaces/default/serviceaccounts/default",
	} {
		server.special[path] = func(w http.ResponseWriter, _ *http.Request) {
			status(w, http.StatusForbidden, metav1.StatusReasonForbidden)
		}
	}
	began := time.Now()
	_, err := p.Ensure(t.Context())
	require.NoError(t, err)
	assert.Less(t, time.Since(began), 10*time.Second)
	s, err := p.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Running, s.State)
	assert.Empty(t, s.NotReady, "parts that the user may not read are ignored")
}

func TestUnreadableRegistryAnnouncementNamesSetting(t *testing.T) {
	server, p := theirs(t, nil)
	p.opts.Registry = Registry{}
	server.special["/api/v1/namespaces/kube-public/configmaps/local-registry-hosting"] = func(w http.ResponseWriter, _ *http.Request) {
		status(w, http.StatusForbidden, metav1.StatusReasonForbidden)
	}
	_, err := p.Ensure(t.Context())
	require.ErrorContains(t, err, "set push and pull of pipeline.cluster.kubecontext.registry")
}

func TestOursIsFalseForClustersOfOthers(t *testing.T) {
	_, context := theirs(t, nil)
	m := newTestMinikube(t, nil)
	is := func(p Provider) bool {
		ours, err := p.Ours(t.Context())
		require.NoError(t, err)
		return ours
	}
	assert.False(t, is(context))
	assert.True(t, is(newWorld(t, nil).kind))
	f, _ := newFakeMinikube(t)
	assert.True(t, is(m), "a profile that Ensure would create")
	f.exists("docker", 2, 4096, "v1.36.3", "Running")
	assert.False(t, is(m))
	f.exists("docker", 2, 4096, "v1.36.3", "Stopped", minikubeMark)
	assert.True(t, is(m))
}

func TestUnreadableMinikubeProfileIsAnError(t *testing.T) {
	newStage(t, func(call) answer {
		return answer{Stdout: `{"valid":[],"invalid":[{"Name":"todo","Status":"","Config":null}]}`}
	}, "minikube")
	m := newTestMinikube(t, nil)
	for what, ask := range map[string]func() error{
		"Find":   func() error { _, err := m.Find(t.Context()); return err },
		"Delete": func() error { _, err := m.Delete(t.Context()); return err },
		"Status": func() error { _, err := m.Status(t.Context()); return err },
		"Ours":   func() error { _, err := m.Ours(t.Context()); return err },
	} {
		err := ask()
		require.ErrorContains(t, err, "shows it as invalid", what)
		assert.ErrorContains(t, err, LosesData)
	}
}

func TestOthersFindsClustersByRegistryPort(t *testing.T) {
	w := newWorld(t, nil)
	w.settle("running")
	node := func(cluster, port string) *box {
		return &box{status: "exited", labels: map[string]string{kindLabel: cluster}, ports: map[string][]map[string]string{port: {{"HostIp": "127.0.0.1", "HostPort": "1"}}}}
	}
	w.containers["second-control-plane"] = node("second", "5000/tcp")
	w.containers["plain-control-plane"] = node("plain", "6443/tcp") // created by kind without the pipeline
	w.containers["database"] = &box{status: "running", labels: map[string]string{}}
	others, err := Others(t.Context(), w.kind.docker, "todo")
	require.NoError(t, err)
	assert.Equal(t, []string{"second"}, others)
}

func TestOtherProfilesAreThoseOfThePipeline(t *testing.T) {
	f, _ := newFakeMinikube(t)
	installed := func(string) (string, error) { return "minikube", nil }
	f.exists("docker", 2, 4096, "v1.36.3", "Running", minikubeMark)
	for own, want := range map[string][]string{"another": {"todo"}, "todo": nil} {
		others, err := OtherProfiles(t.Context(), own, "", installed)
		require.NoError(t, err)
		assert.Equal(t, want, others)
	}
	f.exists("docker", 2, 4096, "v1.36.3", "Running")
	others, err := OtherProfiles(t.Context(), "another", "", installed)
	require.NoError(t, err)
	assert.Empty(t, others, "the pipeline did not create it")
	others, err = OtherProfiles(t.Context(), "another", "", func(string) (string, error) { return "", os.ErrNotExist })
	require.NoError(t, err)
	assert.Empty(t, others)
}

func TestPortInUseNamesHolderAndLosslessFixFirst(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	w := newWorld(t, nil)
	w.settle("exited").ports["30080/tcp"][0]["HostPort"] = fmt.Sprint(port)
	_, err = w.kind.Ensure(t.Context())
	require.Error(t, err)
	message := err.Error()
	lossless, down, loss := strings.Index(message, "nothing is lost"), strings.Index(message, "cluster:down"), strings.Index(message, LosesData)
	assert.Greater(t, lossless, 0, message)
	assert.Less(t, lossless, down, "the fix that loses nothing comes first: %s", message)
	assert.Less(t, down, loss, "the fix that deletes data says so: %s", message)
	if runtime.GOOS == "linux" {
		assert.Contains(t, message, fmt.Sprintf("(process %d)", os.Getpid()))
	}
	assert.Empty(t, portHolder(t.TempDir(), port), "/proc has no information")
}

func TestLosslessFixComesBeforeFixThatDeletesData(t *testing.T) {
	unfit := &profile{Name: "todo"}
	unfit.Config.KubernetesConfig.KubernetesVersion = "v1.24.17"
	own := &profile{Name: "todo"}
	own.Config.KubernetesConfig.APIServerNames = []string{minikubeMark}
	m := newTestMinikube(t, nil)
	failed := errors.New("exit status 80")
	for name, c := range map[string]struct {
		err            error
		lossless, loss string
	}{
		"port in use":                   {&PortInUse{Port: 1, Made: true}, "stop that program", "cluster:down"},
		"damaged cluster":               {&Damaged{Node: "n"}, "docker restart", "cluster:down"},
		"start of own profile failed":   {m.startFix(own, failed), "set another profile name", "cluster:down"},
		"start of other profile failed": {m.startFix(unfit, failed), "set another profile name", "minikube delete"},
		"Kubernetes of profile too old": {unfit.check(), "set another profile name", "minikube delete"},
	} {
		t.Run(name, func(t *testing.T) {
			message := c.err.Error()
			first, second, says := strings.Index(message, c.lossless), strings.Index(message, c.loss), strings.Index(message, LosesData)
			assert.GreaterOrEqual(t, first, 0, message)
			assert.Less(t, first, second, message)
			assert.Less(t, second, says, message)
		})
	}
}

func TestExistingClusterNeedsNoDefaultStorageClass(t *testing.T) {
	server, p := theirs(t, nil)
	p.bound = time.Second
	server.remove(ownClass)
	_, err := p.Ensure(t.Context())
	require.ErrorContains(t, err, "there is no storage class")

	server.put(t, "/apis/storage.k8s.io/v1/storageclasses/fast", map[string]any{"metadata": map[string]any{"name": "fast"}})
	_, err = p.Ensure(t.Context())
	require.NoError(t, err, "the values can name it")
}
