package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// filledDisk mounts a file system of one megabyte and fills it.
func filledDisk(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	if err := unix.Mount("tmpfs", folder, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("only root mounts a file system: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(folder, 0)) })
	require.ErrorIs(t, os.WriteFile(filepath.Join(folder, "filling"), make([]byte, 2<<20), 0o600), syscall.ENOSPC)
	return folder
}

func TestFullDiskIsMeasured(t *testing.T) {
	full := filledDisk(t)
	_, err := os.Create(filepath.Join(full, "one", "two"))
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.Same(t, err, Disk{}.Explain(err), "an error with another cause")

	more := filepath.Join(full, "more")
	err = os.WriteFile(more, make([]byte, 1<<20), 0o600)
	require.ErrorIs(t, err, syscall.ENOSPC)
	err = Disk{Of: "the container engine", Path: "/elsewhere"}.Explain(fmt.Errorf("note the process: %w", err))
	assert.ErrorContains(t, err, "note the process: write "+more)
	assert.ErrorContains(t, err, "the disk of this machine is full ("+full+", 0 bytes free)", "the file in the error determines the disk")
	assert.ErrorIs(t, err, syscall.ENOSPC)

	engine := Disk{Of: "the container engine", Path: filepath.Join(full, "not", "there"), Here: true}
	err = engine.Explain(errors.New("Error response from daemon: no space left on device"))
	assert.ErrorContains(t, err, "the disk of the container engine is full ("+engine.Path+", 0 bytes free)")
}
