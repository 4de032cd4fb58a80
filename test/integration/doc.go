// Package integration proves on a real cluster what the README promises, by
// the commands that it names. It needs no running container engine: the first
// deploy finds, or installs and starts, what it needs.
package integration
