//go:build unix

package host

import (
	"os/exec"
	"syscall"
)

// ownGroup makes the command the leader of a process group of its own, which
// is interrupted as one: mmdebstrap, when it fails, hangs up its whole group,
// and that would be the pipeline's too. The returned function ends what the
// command left of the group.
func ownGroup(command *exec.Cmd) (end func()) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGINT) }
	return func() {
		if command.Process != nil {
			_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // ESRCH: nothing was left
		}
	}
}
