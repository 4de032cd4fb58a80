//go:build unix

package engine

import "syscall"

// detached starts a process in a new session, so that Ctrl-C in the terminal does
// not reach it.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
