//go:build linux || darwin

package host

import "golang.org/x/sys/unix"

// measure asks the file system of a path that exists.
func measure(path string) (free uint64, noInodes, known bool) {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return 0, false, false
	}
	// Some file systems make inodes as needed and count none.
	return uint64(stat.Bavail) * uint64(stat.Bsize), stat.Files > 0 && stat.Ffree == 0, true
}
