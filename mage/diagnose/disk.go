package diagnose

import (
	"slices"
	"strings"

	"todo-chatbot/mage/host"
)

// pressure are the words of kubelet and scheduler for a node whose disk is
// nearly full: it refuses pods and evicts those that it has.
var pressure = []string{"diskpressure", "disk-pressure", "low on resource: ephemeral-storage", "low on resource: inodes"}

func tellsOfFullDisk(words string) bool {
	lower := strings.ToLower(words)
	return host.SaysFull(words) || slices.ContainsFunc(pressure, func(p string) bool { return strings.Contains(lower, p) })
}

// blameDisk makes a full disk of the node the cause, where a line that belongs
// to it shows one: what fails beside it then fails for that too.
func (c *Cause) blameDisk(lines ...string) {
	i := slices.IndexFunc(lines, tellsOfFullDisk)
	if i < 0 {
		return
	}
	c.Kind = KindDisk
	if lines[i] != c.Message {
		c.Message = joined(c.Message, clip(oneLine(lines[i]), 200))
	}
	c.Message += ": a disk of the node is full: " + host.FreeSpace
}
