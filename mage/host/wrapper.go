package host

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// BuildRuntimeWrapper compiles scripts/runtime-wrapper of the project at root
// into the cache and returns the program's path. Go's build cache makes a second
// call fast. A rename replaces the program, because the engine may be running it.
func BuildRuntimeWrapper(ctx context.Context, root, cache string) (string, error) {
	dir := filepath.Join(cache, "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("create cache folder: %w", err)
	}
	program := filepath.Join(dir, "runtime-wrapper")
	fresh, err := os.MkdirTemp(dir, "runtime-wrapper-")
	if err != nil {
		return "", fmt.Errorf("create cache folder: %w", err)
	}
	defer os.RemoveAll(fresh)
	target := filepath.Join(fresh, "runtime-wrapper")
	args := append([]string{"build"}, CompileFlags()...)
	build := Go(ctx, root, append(args, "-ldflags=-s -w", "-o", target, "./scripts/runtime-wrapper")...)
	if err := Run(build, &bytes.Buffer{}); err != nil {
		return "", CachesDisk(cache).Explain(fmt.Errorf("compile the runtime wrapper: %w", err))
	}
	return program, os.Rename(target, program)
}
