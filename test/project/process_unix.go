//go:build unix

package project

import (
	"os"
	"syscall"
)

// ownGroup lets an interrupt reach mage and all that it started, as a
// terminal's Ctrl-C does, and nothing else.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func interrupt(process *os.Process) error { return syscall.Kill(-process.Pid, syscall.SIGINT) }

func kill(process *os.Process) error { return syscall.Kill(-process.Pid, syscall.SIGKILL) }
