package targets

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
)

// lint runs the linters of .golangci.yml and returns the linter's program. Its
// module is not part of the project's own: test/lint/go.mod pins it.
func lint(ctx context.Context) (program string, err error) {
	step := reporter().Start("lint", "Go sources")
	step.Update("compile golangci-lint")
	var path bytes.Buffer
	compile := goCommand(ctx, "tool", "-modfile=test/lint/go.mod", "-n", "golangci-lint")
	compile.Stdout, compile.Stderr = &path, step
	if err := compile.Run(); err != nil {
		return "", step.Fail(fmt.Errorf("compile golangci-lint, which the Go proxy must serve once (test/lint/go.mod): %w", err))
	}
	program = strings.TrimSpace(path.String())
	step.Update("run the linters")
	var findings bytes.Buffer
	linters := command(ctx, program, "run")
	linters.Stdout, linters.Stderr = &findings, step
	if err := linters.Run(); err != nil {
		_ = step.Fail(err)
		fmt.Fprint(os.Stdout, findings.String())
		return "", fmt.Errorf("lint the Go sources with .golangci.yml: %w", err)
	}
	step.Done("passed", "")
	return program, nil
}
