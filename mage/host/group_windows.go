package host

import (
	"os"
	"os/exec"
)

// ownGroup interrupts the command alone: Windows has no process groups that
// hang up together.
func ownGroup(command *exec.Cmd) (end func()) {
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	return func() {}
}
