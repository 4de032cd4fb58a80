//go:build !linux && !darwin && !windows

package host

// measure is not implemented for this system.
func measure(string) (free uint64, noInodes, known bool) { return 0, false, false }
