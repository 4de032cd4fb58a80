package host

import (
	"context"
	"os"
	"os/exec"
	"runtime"
)

// CompileFlags are the flags of go build for every program that goes into a
// container. Programs with the same flags share Go's cache of compiled packages.
// Without debug information the compiler needs a fifth less time.
func CompileFlags() []string {
	return []string{"-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false"}
}

// Go returns a go command that builds static programs for Linux and this
// machine's architecture. It overrides the user's Go settings.
func Go(ctx context.Context, dir string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+runtime.GOARCH, "GOWORK=off", "GOFLAGS=-mod=readonly")
	return command
}
