//go:build linux || darwin

package pipeline

import "golang.org/x/sys/unix"

// freeSpace is what an ordinary user may still write to the folder's file
// system, in bytes.
func freeSpace(dir string) (free uint64, known bool) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return 0, false
	}
	return uint64(stat.Bavail) * uint64(stat.Bsize), true
}
