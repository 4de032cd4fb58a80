package cluster

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// frozen writes freezer.state files in the form of the kernel.
func frozen(t *testing.T, states map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	for group, state := range states {
		require.NoError(t, os.MkdirAll(filepath.Join(root, group), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, group, "freezer.state"), []byte(state+"\n"), 0o600))
	}
	return root
}

func TestThawResumesFrozenGroupsOfContainerOnly(t *testing.T) {
	root := frozen(t, map[string]string{
		"docker/1a2b":                    "THAWED",
		"docker/1a2b/kubelet/pod/c1":     "FROZEN",
		"docker/1a2b/kubelet/pod/c2":     "FREEZING",
		"system.slice/docker-1a2b.scope": "FROZEN",
		"docker/9f9f":                    "FROZEN",
	})
	assert.Equal(t, 3, thaw(root, "1a2b"))
	for group, want := range map[string]string{
		"docker/1a2b/kubelet/pod/c1": "THAWED", "docker/1a2b/kubelet/pod/c2": "THAWED",
		"system.slice/docker-1a2b.scope": "THAWED", "docker/9f9f": "FROZEN\n",
	} {
		state, err := os.ReadFile(filepath.Join(root, group, "freezer.state"))
		require.NoError(t, err)
		assert.Equal(t, want, string(state), group)
	}
	assert.Zero(t, thaw(filepath.Join(root, "absent"), "1a2b"))
}

func TestKindRemovesNodeWithFrozenProcesses(t *testing.T) {
	w := newWorld(t, nil)
	w.settle("running")
	w.unkillable = 1
	w.kind.freezers = frozen(t, map[string]string{"docker/id-todo-control-plane/kubelet/pod": "FROZEN"})
	_, err := w.kind.Delete(t.Context())
	require.NoError(t, err)
	assert.Empty(t, w.containers)
}

func TestKindReportsNodeThatCannotBeRemoved(t *testing.T) {
	w := newWorld(t, nil)
	w.settle("running")
	w.unkillable = 10
	w.kind.freezers = frozen(t, nil)
	_, err := w.kind.Delete(t.Context())
	require.ErrorContains(t, err, `remove container "todo-control-plane": `)
	require.ErrorContains(t, err, "did not receive an exit event")
	assert.Equal(t, 9, w.unkillable, "one attempt, because no process was frozen")
}
