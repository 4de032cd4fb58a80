package project

import (
	"os"
	"syscall"
)

func ownGroup() *syscall.SysProcAttr { return nil }

// interrupt cannot send Ctrl-C to another process on Windows.
func interrupt(process *os.Process) error { return process.Kill() }

func kill(process *os.Process) error { return process.Kill() }
