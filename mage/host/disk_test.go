package host

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFullDiskReportsFolderFreeSpaceAndFixes(t *testing.T) {
	disk := Disk{Of: "the container engine", Path: "/var/lib/docker"}
	cause := errors.New("write /usr/lib/x: no space left on device")
	measured := func(free uint64, noInodes bool) *FullDisk {
		return &FullDisk{Disk: disk, Free: free, NoInodes: noInodes, Measured: true, Cause: cause}
	}
	for name, c := range map[string]struct {
		full  *FullDisk
		facts string
	}{
		"no byte free":        {measured(0, false), "/var/lib/docker, 0 bytes free"},
		"some bytes free":     {measured(12_345, false), "/var/lib/docker, 12345 bytes free"},
		"some megabytes free": {measured(52_300_000, false), "/var/lib/docker, 52.3 MB free"},
		"no inode free":       {measured(3_210_000_000, true), "/var/lib/docker, 3.2 GB free, but no inode"},
		"on another machine":  {&FullDisk{Disk: disk, Cause: cause}, "/var/lib/docker, its free space is unknown"},
		"folder not known":    {&FullDisk{Disk: Disk{Of: "the container engine"}, Cause: cause}, "its free space is unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.EqualError(t, c.full, "write /usr/lib/x: no space left on device: the disk of the container engine is full ("+c.facts+"): "+FreeSpace)
			assert.ErrorIs(t, c.full, cause)
		})
	}
	for _, command := range []string{"`mage clean:all`", "`docker system prune`"} {
		assert.Contains(t, FreeSpace, command)
	}
}

func TestSaysFullRecognisesMessages(t *testing.T) {
	for text, full := range map[string]bool{
		"Error processing tar file(exit status 1): write /x: no space left on device":   true,
		`PANIC:  could not write to file "pg_wal/xlogtemp.29": No space left on device`: true,
		"open x: disk quota exceeded":                                     true,
		"write C:\\x: There is not enough space on the disk.":             true,
		"E: You don't have enough free space in /var/cache/apt/archives/": true,
		"Docker is out of disk space! (/var is at 100% of capacity)":      true,
		"inotify_add_watch /sys/fs/cgroup: no space left on device":       false,
		"cannot allocate memory":                                          false,
	} {
		assert.Equal(t, full, SaysFull(text), text)
	}
}

func TestExplainLeavesOtherErrorsUnchanged(t *testing.T) {
	disk := Disk{Of: "the container engine"}
	assert.NoError(t, disk.Explain(nil))
	other := errors.New("connection refused")
	assert.Same(t, other, disk.Explain(other))
	once := disk.Explain(fmt.Errorf("load: %w", syscall.ENOSPC))
	again := fmt.Errorf("create the node: %w", once)
	assert.Same(t, again, Disk{Of: "another"}.Explain(again), "an explained error is not explained again")
}

func TestFreeSpaceOfMissingFolderIsThatOfItsParent(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" && runtime.GOOS != "windows" {
		t.Skip("disks are not measured on this system")
	}
	folder := t.TempDir()
	here, known := Free(folder)
	require.True(t, known)
	below, known := Free(filepath.Join(folder, "not", "there"))
	require.True(t, known)
	assert.InDelta(t, here, below, 1e9)
}

func TestEngineDiskIsLocalOnlyBehindLinuxSocket(t *testing.T) {
	linux := runtime.GOOS == "linux"
	for _, c := range []struct {
		address, root, system string
		here                  bool
	}{
		{"unix:///var/run/docker.sock", "/var/lib/docker", "Debian GNU/Linux 12 (bookworm)", linux},
		{"unix:///home/me/.docker/desktop/docker.sock", "/var/lib/docker", "Docker Desktop", false},
		{"tcp://192.0.2.7:2376", "/var/lib/docker", "Debian GNU/Linux 12 (bookworm)", false},
		{"ssh://me@builder", "/var/lib/docker", "Ubuntu 24.04", false},
		{"unix:///var/run/docker.sock", "", "", false},
	} {
		assert.Equal(t, Disk{Of: "the container engine", Path: c.root, Here: c.here}, EngineDisk(c.address, c.root, c.system), c.address)
	}
}
