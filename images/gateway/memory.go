package main

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// memoryShare of the container's limit is what the heap may grow to before the
// collector works harder; the rest is for stacks of the kernel's and the binary.
const memoryShare = 0.75

// limitMemory sets Go's soft limit from the control group's, unless GOMEMLIMIT is
// set: the runtime has read it then.
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

// softLimit is 0 where the file says that there is no limit.
func softLimit(content string) int64 {
	limit, err := strconv.ParseInt(strings.TrimSpace(content), 10, 64)
	if err != nil || limit <= 0 || limit > 1<<40 {
		return 0
	}
	return int64(float64(limit) * memoryShare)
}
