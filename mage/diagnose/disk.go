package diagnose

import (
	"slices"
	"strings"

	"todo-chatbot/mage/host"
)

// tellsOfFullDisk tells whether a text says that a disk is full. The kubelet and the
// scheduler have words of their own for a node whose disk is nearly full: it
// refuses pods and evicts running ones.
func tellsOfFullDisk(text string) bool {
	pressure := []string{"diskpressure", "disk-pressure", "low on resource: ephemeral-storage", "low on resource: inodes"}
	lower := strings.ToLower(text)
	return host.SaysFull(text) || slices.ContainsFunc(pressure, func(p string) bool { return strings.Contains(lower, p) })
}

// blameDisk makes a full disk of the node the cause if a line says that it is full:
// the other problems then follow from it.
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
