package cluster

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// freezers is where Linux keeps the states of frozen processes, in control
// groups of version 1. Version 2 has none: it kills what is frozen too.
const freezers = "/sys/fs/cgroup/freezer"

// thaw lets run again what is frozen anywhere inside the container, and tells
// how many groups that were. Inside a node, runc freezes a pod's group while it
// changes its limits; a node that is killed in that moment keeps processes that
// no signal reaches, and the engine cannot end it. On a machine that is not the
// engine's own, and where freezers is not there, nothing is found.
func thaw(freezers, container string) int {
	thawed := 0
	groups, _ := filepath.Glob(filepath.Join(freezers, "*", "*"+container+"*")) // docker/ID, or system.slice/docker-ID.scope
	for _, group := range groups {
		_ = filepath.WalkDir(group, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.Name() != "freezer.state" {
				return nil // a group that ended meanwhile holds nothing any more
			}
			// A group is FREEZING for as long as one of its processes does not stop.
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
