// Package integration tests the README's commands on a real cluster. The host needs
// no running container engine: the first deploy finds one, or installs and starts it.
package integration
