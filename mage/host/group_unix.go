//go:build unix

package host

import (
	"os/exec"
	"syscall"
)

// ownGroup starts the command in a process group of its own, and interrupts that
// group as a whole. A failing mmdebstrap sends SIGHUP to its process group, which
// must not be the pipeline's. The returned function kills the remaining processes
// of the group.
func ownGroup(command *exec.Cmd) (end func()) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGINT) }
	return func() {
		if command.Process != nil {
			_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // ESRCH: no process remains
		}
	}
}
