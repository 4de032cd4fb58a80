package host

import "golang.org/x/sys/windows"

// measure reads the free space of the volume of an existing path. Windows has no
// inodes.
func measure(path string) (free uint64, noInodes, known bool) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, false, false
	}
	err = windows.GetDiskFreeSpaceEx(name, &free, nil, nil)
	return free, false, err == nil
}
