package cluster

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"k8s.io/client-go/tools/clientcmd/api"
)

func TestKubeconfigWriteNamesFullDisk(t *testing.T) {
	full := t.TempDir()
	if err := unix.Mount("tmpfs", full, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("only root mounts a file system: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(full, 0)) })
	require.ErrorIs(t, os.WriteFile(filepath.Join(full, "filling"), make([]byte, 2<<20), 0o600), syscall.ENOSPC)

	kubeconfig := api.NewConfig()
	kubeconfig.CurrentContext = "kind-todo"
	err := writeKubeconfig(filepath.Join(full, "kubeconfig"), kubeconfig)
	require.ErrorIs(t, err, syscall.ENOSPC)
	assert.ErrorContains(t, err, "write kubeconfig: write ")
	assert.ErrorContains(t, err, "the disk of this machine is full ("+full+", 0 bytes free)")
	assert.NoFileExists(t, filepath.Join(full, "kubeconfig"))
}
