package targets

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"todo-chatbot/mage/pipeline"
)

// IntegrationFlags are the options of test:integration.
type IntegrationFlags struct {
	Run  *string // part of the names of the scenarios to run; nil means all
	Long *bool   // also run the scenarios that take minutes
}

// BenchFlags are the options of bench.
type BenchFlags struct {
	Cold *bool // also measure with empty caches
}

// TestSmoke checks the deployed application through the address that people use.
func TestSmoke(ctx context.Context, f Flags) error {
	return with(f, func(p *pipeline.Pipeline) error {
		verdict, err := p.Smoke(ctx)
		if tableErr := verdict.WriteTable(os.Stderr); tableErr != nil {
			return tableErr
		}
		return err
	})
}

// TestUnit runs the linters, the hermetic tests of the Go packages, and the checks of the
// images in the builder.
func TestUnit(ctx context.Context, f Flags) error {
	linter, err := lint(ctx)
	if err != nil {
		return exit(err)
	}
	command := goCommand(ctx, "test", "-count=1", "-short", "./...")
	command.Env = append(os.Environ(), "TODO_TEST_LINTER="+linter)
	if err := run(command); err != nil {
		return exit(err)
	}
	return with(f, func(p *pipeline.Pipeline) error { return p.TestImages(ctx) })
}

// TestChart checks the chart for all environments and compares its manifests with the
// golden files.
func TestChart(ctx context.Context) error {
	if err := ChartLint(); err != nil {
		return err
	}
	return exit(goTest(ctx, "./test/render", "./mage/chart"))
}

// TestIntegration runs the scenarios of deploys on a cluster of its own.
func TestIntegration(ctx context.Context, f IntegrationFlags) error {
	args := []string{"test", "-count=1", "-v", "-timeout=90m"}
	if f.Run != nil {
		args = append(args, "-run=^TestScenarios$/("+*f.Run+")") // the parentheses keep a|b in one part
	}
	command := goCommand(ctx, append(args, "./test/integration")...)
	if value(f.Long) {
		command.Env = append(os.Environ(), "TODO_TEST_LONG=1")
	}
	return exit(run(command))
}

// TestE2E tests the deployed application in a real browser.
func TestE2E(ctx context.Context, f Flags) error {
	return deployed(ctx, f, []string{"test", "-count=1", "-v", "-timeout=30m", "./test/e2e"}, pipeline.Chromium())
}

// TestContract tests the deployed API against its OpenAPI document.
func TestContract(ctx context.Context, f Flags) error {
	return deployed(ctx, f, []string{"test", "-count=1", "-v", "-timeout=20m", "./test/contract"}, pipeline.Python(), pipeline.Pip())
}

// TestLoad measures the deployed application under load.
func TestLoad(ctx context.Context, f Flags) error {
	return deployed(ctx, f, []string{"run", "./test/load"})
}

// deployed calls go with the environment variables that name the deployed application.
func deployed(ctx context.Context, f Flags, args []string, tools ...pipeline.Tool) error {
	return with(f, func(p *pipeline.Pipeline) error {
		return p.Deployed(ctx, func(found []string) error {
			command := goCommand(ctx, args...)
			command.Env = append(os.Environ(), found...)
			return run(command)
		}, tools...)
	})
}

// TestAll runs TestUnit, TestChart and TestIntegration.
func TestAll(ctx context.Context, f Flags) error {
	if err := TestUnit(ctx, f); err != nil {
		return err
	}
	if err := TestChart(ctx); err != nil {
		return err
	}
	return TestIntegration(ctx, IntegrationFlags{})
}

// Bench measures the time of deploys.
func Bench(ctx context.Context, f BenchFlags) error {
	args := []string{"run", "./test/bench"}
	if value(f.Cold) {
		args = append(args, "-cold")
	}
	return exit(run(goCommand(ctx, args...)))
}

func goTest(ctx context.Context, args ...string) error {
	return run(goCommand(ctx, append([]string{"test", "-count=1"}, args...)...))
}

// goCommand returns a command of go in this terminal.
func goCommand(ctx context.Context, args ...string) *exec.Cmd { return command(ctx, "go", args...) }

// command returns a command of a program in this terminal. Ctrl-C reaches it and mage.
func command(ctx context.Context, program string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, program, args...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = time.Minute
	return command
}

func run(command *exec.Cmd) error {
	if err := command.Run(); err != nil {
		return fmt.Errorf("go %s: %w", command.Args[1], err)
	}
	return nil
}
