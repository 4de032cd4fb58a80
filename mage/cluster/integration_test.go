package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"todo-chatbot/mage/progress"
)

// TestRealKindCluster creates, stops, damages and removes a real cluster. It needs a
// Docker Engine and these variables:
//
//	TEST_KIND_NODE_IMAGE        a node image in the engine, with a CNI of its own
//	TEST_KIND_REGISTRY_IMAGE    the registry's image, in that node image or to be pulled by it
//	TEST_KIND_REGISTRY_ARCHIVE  a docker archive of any image, to be pushed (optional)
func TestRealKindCluster(t *testing.T) {
	image := os.Getenv("TEST_KIND_NODE_IMAGE")
	if testing.Short() || image == "" {
		t.Skip("this test creates a real cluster: set TEST_KIND_NODE_IMAGE to a node image in a running Docker Engine, without -short")
	}
	docker, k := realKind(t, image)
	archive := os.Getenv("TEST_KIND_REGISTRY_ARCHIVE")
	c := ensure(t, k, "create")
	for host, node := range k.opts.Ports {
		addr, ok := c.Published(node)
		assert.True(t, ok)
		assert.Equal(t, fmt.Sprintf("127.0.0.1:%d", host), addr)
	}
	pushed := pushAndRun(t, c, archive)

	began := time.Now()
	found, err := k.Find(t.Context())
	require.NoError(t, err)
	require.NotNil(t, found)
	t.Logf("find %s", time.Since(began))
	ensure(t, k, "unchanged")

	node := k.opts.Name + "-control-plane"
	_, err = docker.ContainerStop(t.Context(), node, client.ContainerStopOptions{})
	require.NoError(t, err)
	s, err := k.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Stopped, s.State)
	again := ensure(t, k, "started again")
	assert.Equal(t, c.Registry, again.Registry, "the cluster keeps its ports")
	if pushed != "" {
		d, err := name.NewDigest(again.Registry.Push + "/" + pushed)
		require.NoError(t, err)
		_, err = remote.Head(d, remote.WithContext(t.Context()))
		assert.NoError(t, err, "pushed images survive a restart of the node")
	}

	remove := func(file string) {
		out, err := exec.CommandContext(t.Context(), "docker", "exec", node, "rm", file).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	remove(adminConf)
	s, err = k.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Broken, s.State)
	_, err = k.Ensure(t.Context())
	var damaged *Damaged
	require.ErrorAs(t, err, &damaged, "a complete cluster is not removed")
	remove(completeMark)
	ensure(t, k, "recreated")

	removed, err := k.Delete(t.Context())
	require.NoError(t, err)
	t.Logf("removed %q", removed)
	assert.Contains(t, removed, fmt.Sprintf("container %q with its volume", node))
	removed, err = k.Delete(t.Context())
	require.NoError(t, err)
	assert.Empty(t, removed)
}

// realKind returns the provider of a cluster that is removed after the test.
func realKind(t *testing.T, image string) (*client.Client, *Kind) {
	t.Helper()
	docker, err := client.New(client.FromEnv)
	require.NoError(t, err)
	opts := KindOptions{
		Name: "cluster-test", Kubeconfig: filepath.Join(t.TempDir(), "kubeconfig"),
		NodeImage:     func(context.Context) (string, error) { return image, nil },
		RegistryImage: os.Getenv("TEST_KIND_REGISTRY_IMAGE"),
		Ports:         map[int]int{freePort(t): 30080},
		Restricted:    true, DisableDefaultCNI: true,
		Progress: progress.New(testWriter{t}, progress.Options{}),
	}
	k, err := NewKind(docker, opts)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, err := k.Delete(ctx)
		assert.NoError(t, err)
	})
	_, err = k.Delete(t.Context()) // of an interrupted run
	require.NoError(t, err)
	return docker, k
}

func ensure(t *testing.T, k *Kind, what string) *Cluster {
	t.Helper()
	began := time.Now()
	c, err := k.Ensure(t.Context())
	require.NoError(t, err)
	t.Logf("%s %s", what, time.Since(began))
	s, err := k.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Running, s.State)
	assert.Empty(t, s.NotReady)
	return c
}

// pushAndRun pushes an image from this machine and runs it in a pod. It returns the
// image as NAME@DIGEST, or "" without an archive.
func pushAndRun(t *testing.T, c *Cluster, archive string) string {
	t.Helper()
	if archive == "" {
		return ""
	}
	img, err := tarball.ImageFromPath(archive, nil)
	require.NoError(t, err)
	cfg, err := img.ConfigFile()
	require.NoError(t, err)
	own := cfg.Config
	own.Labels = map[string]string{"of": "a test"}
	// The label makes the image different from the loaded one, whose layers
	// containerd would remove together with those of an equal pulled image.
	img, err = mutate.Config(img, own)
	require.NoError(t, err)
	digest, err := img.Digest()
	require.NoError(t, err)
	tag, err := name.NewTag(c.Registry.Push + "/test/registry:1")
	require.NoError(t, err)
	require.ErrorContains(t, remote.Write(tag, img, remote.WithContext(t.Context())), "UNAUTHORIZED", "a push needs the login")
	require.NoError(t, remote.Write(tag, img, remote.WithContext(t.Context()), remote.WithAuth(c.Registry.Login.Authenticator())))

	pods := c.Clients.Clientset.CoreV1().Pods("default")
	_, err = pods.Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "pulled"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: c.Registry.Pull + "/test/registry@" + digest.String()}}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.NoError(t, poll(time.Minute).Until(t.Context(), func(ctx context.Context) error {
		pod, err := pods.Get(ctx, "pulled", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if why := podNotReady(pod, time.Time{}); why != "" {
			return fmt.Errorf("%s", why)
		}
		return nil
	}))

	addr, stop, err := Forward(t.Context(), c.Clients, ServicePort{"kube-system", registryName, intstr.FromInt32(80)}, 0)
	require.NoError(t, err)
	defer stop()
	assert.NoError(t, answers(t.Context(), addr), "through the API server")
	return "test/registry@" + digest.String()
}

// testWriter writes progress to the test's log.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p)
	return len(p), nil
}
