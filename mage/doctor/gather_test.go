package doctor

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/release"
)

func TestGoModGivesRequiredVersion(t *testing.T) {
	assert.Equal(t, "go1.26.8", requiredGo([]byte("module m\n\ngo 1.26.8\n\nrequire x v1\n")))
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module m\n\ngo 1.20\n"), 0o644))
	versions := goVersions(t.Context(), root)
	require.NoError(t, versions.Err)
	assert.Equal(t, "go1.20", versions.Required)
	assert.NotContains(t, versions.Found, " ")
	assert.ErrorContains(t, goVersions(t.Context(), t.TempDir()).Err, "read the required version of Go")
}

func TestMemoryIsReadFromMeminfo(t *testing.T) {
	assert.Equal(t, uint64(2<<20), memTotal([]byte("MemFree: 1 kB\nMemTotal:      2048 kB\n")))
	assert.Zero(t, memTotal(nil))
}

func TestPortIsFreeOnlyWithoutListener(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	assert.False(t, portFree(t.Context(), port))
	listener.Close()
	assert.True(t, portFree(t.Context(), port))
}

// pulls records each call of CanPull. Only the registry away.example does not answer.
type pulls struct{ asked []string }

func (p *pulls) CanPull(_ context.Context, ref string) (bool, error) {
	p.asked = append(p.asked, ref)
	return ref != "away.example/b:1", nil
}

func TestEachRegistryIsAskedOnce(t *testing.T) {
	var f Facts
	puller := &pulls{}
	f.GatherRegistries(t.Context(), puller, []string{"near.example/c:1", "near.example/a:1", "away.example/b:1", "near.example/a:1", "not a reference"})
	assert.Equal(t, []Registry{
		{Name: "away.example", Images: []string{"away.example/b:1"}},
		{Name: "near.example", Answers: true, Images: []string{"near.example/a:1", "near.example/c:1"}},
	}, f.Registries)
	assert.Equal(t, []string{"away.example/b:1", "near.example/a:1"}, puller.asked)
}

type provider struct {
	status cluster.Status
	err    error
	found  *cluster.Cluster
}

func (p provider) Status(context.Context) (cluster.Status, error) { return p.status, p.err }
func (p provider) Find(context.Context) (*cluster.Cluster, error) { return p.found, nil }

func TestReleaseIsObservedOnlyInRunningCluster(t *testing.T) {
	var observations int
	observe := func(*cluster.Cluster) (release.Observation, error) {
		observations++
		return release.Observation{Revision: 3}, nil
	}
	running := cluster.Status{State: cluster.Running}
	for name, c := range map[string]struct {
		provider provider
		facts    Facts
		observed int
	}{
		"running":          {provider{status: running, found: &cluster.Cluster{}}, Facts{}, 1},
		"stopped":          {provider{status: cluster.Status{State: cluster.Stopped}}, Facts{}, 0},
		"gone meanwhile":   {provider{status: running}, Facts{}, 0},
		"not asked":        {provider{status: running, found: &cluster.Cluster{}}, Facts{Provider: "minikube"}, 0},
		"refuses a status": {provider{err: errors.New("refused")}, Facts{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			observations = 0
			c.facts.GatherCluster(t.Context(), c.provider, observe)
			assert.Equal(t, c.observed, observations)
			assert.Equal(t, c.observed == 1, c.facts.Observed != nil)
			assert.Equal(t, c.provider.err, c.facts.ClusterErr)
		})
	}
}

func TestFailedObservationIsKept(t *testing.T) {
	var f Facts
	f.GatherCluster(t.Context(), provider{status: cluster.Status{State: cluster.Running}, found: &cluster.Cluster{}},
		func(*cluster.Cluster) (release.Observation, error) { return release.Observation{}, release.ErrNotFound })
	assert.ErrorIs(t, f.ObservedErr, release.ErrNotFound)
	assert.Nil(t, f.Observed)
}

func TestMinikubeThatFailsIsAFact(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "minikube")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\necho cannot load a library >&2\nexit 127\n"), 0o755))
	require.ErrorContains(t, runs(t.Context(), path, "version"), "cannot load a library")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\nexit 0\n"), 0o755))
	require.NoError(t, runs(t.Context(), path, "version"))
}

func TestLimitIsNumberOfKernelSetting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "max_user_instances")
	assert.Zero(t, limit(path))
	require.NoError(t, os.WriteFile(path, []byte("128\n"), 0o600))
	assert.Equal(t, 128, limit(path))
}
