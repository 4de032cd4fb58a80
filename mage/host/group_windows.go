package host

import (
	"os"
	"os/exec"
)

// ownGroup interrupts the command only: Windows has no process groups with
// common signals.
func ownGroup(command *exec.Cmd) (end func()) {
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	return func() {}
}
