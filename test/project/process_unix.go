//go:build unix

package project

import (
	"os"
	"syscall"
)

// ownGroup puts mage and its child processes into a process group, which an interrupt
// reaches as Ctrl-C in a terminal does.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func interrupt(process *os.Process) error { return syscall.Kill(-process.Pid, syscall.SIGINT) }

func kill(process *os.Process) error { return syscall.Kill(-process.Pid, syscall.SIGKILL) }
