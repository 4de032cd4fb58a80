package cluster

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// freezers is the folder of the freezer control groups of version 1. Version 2
// needs no thaw: it can kill frozen processes.
const freezers = "/sys/fs/cgroup/freezer"

// thaw resumes all frozen control groups of a container, and returns their number.
// In a node, runc freezes a pod's group while it changes the group's limits. If
// the node is killed at that moment, its frozen processes receive no signal, and
// the engine cannot end the node. thaw finds nothing if the engine runs on another
// machine or freezers does not exist.
func thaw(freezers, container string) int {
	thawed := 0
	groups, _ := filepath.Glob(filepath.Join(freezers, "*", "*"+container+"*")) // docker/ID, or system.slice/docker-ID.scope
	for _, group := range groups {
		_ = filepath.WalkDir(group, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.Name() != "freezer.state" {
				return nil // the group has ended meanwhile
			}
			// A group is FREEZING until its last process has stopped.
			if state, err := os.ReadFile(path); err == nil && !strings.HasPrefix(string(state), "THAWED") {
				if os.WriteFile(path, []byte("THAWED"), 0) == nil {
					thawed++
				}
			}
			return nil
		})
	}
	return thawed
}
