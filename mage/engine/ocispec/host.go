package ocispec

import (
	"fmt"
	"os"
)

// ReadHost asks the Linux kernel about this process.
func ReadHost() (Host, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return Host{}, fmt.Errorf("read the process's capabilities: %w", err)
	}
	adj, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		return Host{}, fmt.Errorf("read the process's oom_score_adj: %w", err)
	}
	return ParseHost(string(status), string(adj))
}

// RestrictFile is Restrict on a file, in place.
func (h Host) RestrictFile(path string, process bool) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	restricted, err := h.Restrict(document, process)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, restricted, info.Mode().Perm())
}
