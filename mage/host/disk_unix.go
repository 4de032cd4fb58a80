//go:build linux || darwin

package host

import "golang.org/x/sys/unix"

// measure reads the free space of the file system of an existing path.
func measure(path string) (free uint64, noInodes, known bool) {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return 0, false, false
	}
	// A file system that creates inodes on demand reports 0 files.
	return uint64(stat.Bavail) * uint64(stat.Bsize), stat.Files > 0 && stat.Ffree == 0, true
}
