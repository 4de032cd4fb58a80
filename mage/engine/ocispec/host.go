package ocispec

import (
	"fmt"
	"os"
)

// ReadHost reads the limits of this process from the Linux kernel.
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

// RestrictFile applies Restrict to a file.
func (h Host) RestrictFile(path string, kind Kind) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	restricted, err := h.Restrict(document, kind)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, restricted, info.Mode().Perm())
}
