package host

import "golang.org/x/sys/windows"

// measure asks the volume of a path that exists. Windows has no inodes that
// could run out.
func measure(path string) (free uint64, noInodes, known bool) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, false, false
	}
	err = windows.GetDiskFreeSpaceEx(name, &free, nil, nil)
	return free, false, err == nil
}
