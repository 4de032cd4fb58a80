package host

import (
	"context"
	"os"
	"os/exec"
	"runtime"
)

// CompileFlags are `go build`'s for every program that goes into a container:
// one set, because programs of the same flags share Go's cache of compiled
// packages. Without debug information the compiler needs a fifth less time.
func CompileFlags() []string {
	return []string{"-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false"}
}

// Go is a go command in a folder that makes static programs for Linux on this
// machine's architecture, whatever the user's own settings are.
func Go(ctx context.Context, dir string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+runtime.GOARCH, "GOWORK=off", "GOFLAGS=-mod=readonly")
	return command
}
