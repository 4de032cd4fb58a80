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

// TestSmoke asks the deployed application whether it works, through the address that people use.
func TestSmoke(ctx context.Context, env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		verdict, err := p.Smoke(ctx)
		if tableErr := verdict.WriteTable(os.Stderr); tableErr != nil {
			return tableErr
		}
		return err
	})
}

// TestUnit runs the linters, the Go packages' hermetic tests, and the images' own checks in the builder.
func TestUnit(ctx context.Context, yes *bool) error {
	linter, err := lint(ctx)
	if err != nil {
		return exit(err)
	}
	command := goCommand(ctx, "test", "-count=1", "-short", "./...")
	command.Env = append(os.Environ(), "TODO_TEST_LINTER="+linter)
	if err := run(command); err != nil {
		return exit(err)
	}
	return with(flags{yes: yes}, func(p *pipeline.Pipeline) error { return p.TestImages(ctx) })
}

// TestChart checks the chart for every environment and compares its manifests with the golden ones.
func TestChart(ctx context.Context) error {
	if err := ChartLint(); err != nil {
		return err
	}
	return exit(goTest(ctx, "./test/render", "./mage/chart"))
}

// TestIntegration runs the scenarios of a deployment on a cluster of its own: all, or
// those whose name contains scenario.
func TestIntegration(ctx context.Context, scenario *string, long *bool) error {
	args := []string{"test", "-count=1", "-v", "-timeout=90m"}
	if scenario != nil {
		args = append(args, "-run=^TestScenarios$/"+*scenario)
	}
	command := goCommand(ctx, append(args, "./test/integration")...)
	if long != nil && *long {
		command.Env = append(os.Environ(), "TODO_TEST_LONG=1")
	}
	return exit(run(command))
}

// TestE2E has two people use the deployed application in a real browser.
func TestE2E(ctx context.Context, env *string) error {
	return deployed(ctx, env, []string{"test", "-count=1", "-v", "-timeout=30m", "./test/e2e"}, pipeline.Chromium)
}

// TestContract asks the deployed API everything that its description allows.
func TestContract(ctx context.Context, env *string) error {
	return deployed(ctx, env, []string{"test", "-count=1", "-v", "-timeout=20m", "./test/contract"}, pipeline.Python, pipeline.Pip)
}

// TestLoad has many people use the deployed application at once.
func TestLoad(ctx context.Context, env *string) error {
	return deployed(ctx, env, []string{"run", "./test/load"})
}

// deployed runs go with the environment by which a test finds the application.
func deployed(ctx context.Context, env *string, args []string, tools ...pipeline.Tool) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		return p.Deployed(ctx, func(found []string) error {
			command := goCommand(ctx, args...)
			command.Env = append(os.Environ(), found...)
			return run(command)
		}, tools...)
	})
}

// TestAll runs everything: unit, chart and integration.
func TestAll(ctx context.Context, yes *bool) error {
	if err := TestUnit(ctx, yes); err != nil {
		return err
	}
	if err := TestChart(ctx); err != nil {
		return err
	}
	return TestIntegration(ctx, nil, nil)
}

// Bench measures deploys from every starting point; -cold also from empty caches.
func Bench(ctx context.Context, cold *bool) error {
	args := []string{"run", "./test/bench"}
	if cold != nil && *cold {
		args = append(args, "-cold")
	}
	return exit(run(goCommand(ctx, args...)))
}

func goTest(ctx context.Context, args ...string) error {
	return run(goCommand(ctx, append([]string{"test", "-count=1"}, args...)...))
}

// goCommand is go in this terminal.
func goCommand(ctx context.Context, args ...string) *exec.Cmd { return command(ctx, "go", args...) }

// command is a program in this terminal; Ctrl-C reaches it as it reaches mage.
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
