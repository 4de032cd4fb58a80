package engine

import "syscall"

// detached is not reached on Windows, where no daemon is started.
func detached() *syscall.SysProcAttr { return nil }
