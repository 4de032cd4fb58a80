package airgap

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/host"
)

func TestFullDiskIsNamedWhenProgramDoesNotNameIt(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounts a small file system: needs root")
	}
	small := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small).CombinedOutput(); err != nil {
		t.Skipf("no file system can be mounted here: %s", out)
	}
	t.Cleanup(func() { assert.NoError(t, exec.Command("umount", small).Run()) })
	failed := errors.New("it failed to run")
	_, err := cache{dir: small}.entry(t.Context(), "rootfs", "a", func(dir string) error {
		_ = os.WriteFile(filepath.Join(dir, "root.tar"), make([]byte, 3<<20), 0o644) // fills the disk
		return failed
	})
	require.ErrorIs(t, err, failed)
	var disk *host.FullDisk
	require.ErrorAs(t, err, &disk)
	assert.Equal(t, small, disk.Path)
	assert.ErrorContains(t, err, "the disk of the caches is full ("+small)

	_, err = cache{dir: small}.entry(t.Context(), "rootfs", "a", func(string) error { return failed })
	assert.Equal(t, failed, err, "the disk is no longer full, so the error has another cause")
}
