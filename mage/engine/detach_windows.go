package engine

import "syscall"

// detached is never called on Windows, where the pipeline starts no daemon.
func detached() *syscall.SysProcAttr { return nil }
