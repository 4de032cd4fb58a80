//go:build unix

package engine

import "syscall"

// detached puts a process into a session of its own, so that Ctrl-C in the
// terminal does not reach it.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
