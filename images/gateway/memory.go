package main

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// memoryShare is the part of the container's memory limit that becomes Go's soft limit.
// The rest is for the binary and the memory of the kernel.
const memoryShare = 0.75

// limitMemory sets Go's soft memory limit from the limit of the control group. It does
// nothing if GOMEMLIMIT is set, because the runtime reads that itself.
func limitMemory(getenv func(string) string) {
	if getenv("GOMEMLIMIT") != "" {
		return
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		content, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if limit := softLimit(string(content)); limit > 0 {
			debug.SetMemoryLimit(limit)
			return
		}
	}
}

// softLimit returns the soft limit for the content of a control group's file, or 0 for no limit.
func softLimit(content string) int64 {
	limit, err := strconv.ParseInt(strings.TrimSpace(content), 10, 64)
	if err != nil || limit <= 0 || limit > 1<<40 {
		return 0
	}
	return int64(float64(limit) * memoryShare)
}
