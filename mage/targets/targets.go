// Package targets implements the magefile's targets: one file for each namespace. A
// target loads the environment, calls one use case of package pipeline and prints the
// result; it makes no decision. A nil pointer is an option that was not given.
package targets

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/magefile/mage/mg"
	"golang.org/x/term"

	"todo-chatbot/mage/config"
	"todo-chatbot/mage/pipeline"
	"todo-chatbot/mage/progress"
)

const defaultEnvironment = "dev"

// Flags are the options that most targets have.
type Flags struct {
	Env *string // nil means dev
	Yes *bool   // do not ask
}

// value returns the value of an option, or the zero value.
func value[T any](option *T) (v T) {
	if option != nil {
		v = *option
	}
	return v
}

// with calls do with the pipeline of an environment.
func with(f Flags, do func(*pipeline.Pipeline) error) error {
	p, err := open(f, reporter())
	if err == nil {
		err = do(p)
	}
	return exit(err)
}

// open loads an environment and returns its pipeline.
func open(f Flags, report *progress.Reporter) (*pipeline.Pipeline, error) {
	name := defaultEnvironment
	if f.Env != nil {
		name = *f.Env
	}
	root, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("find the project's folder: %w", err)
	}
	env, err := config.Load(root, name, os.Getenv)
	if err != nil {
		return nil, err
	}
	return pipeline.New(env, pipeline.Options{
		Progress: report, Getenv: os.Getenv, Confirm: confirm(f.Yes), ConfirmLoss: confirmLoss(f.Yes),
	}), nil
}

func reporter() *progress.Reporter {
	terminal := term.IsTerminal(int(os.Stderr.Fd()))
	width, _, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil {
		width = 0
	}
	return progress.New(os.Stderr, progress.Options{Terminal: terminal && !mg.Verbose(), Verbose: mg.Verbose(), Width: width})
}

// exit gives an error the exit code that mage ends with.
func exit(err error) error {
	if err == nil {
		return nil
	}
	return mg.Fatal(pipeline.ExitCode(err), err)
}

// confirm asks at a terminal; Enter means yes. Without a terminal, and with -yes, it
// returns nil, which means yes.
func confirm(yes *bool) func(string) bool {
	if value(yes) || !interactive() {
		return nil
	}
	return question("[Y/n]", "", "y", "yes")
}

// confirmLoss asks before data is lost; only a typed yes, or -yes, confirms. It returns
// nil if nobody can be asked, which means no.
func confirmLoss(yes *bool) func(string) bool {
	if value(yes) {
		return func(string) bool { return true }
	}
	if !interactive() {
		return nil
	}
	return question("[y/N]", "y", "yes")
}

func interactive() bool { return term.IsTerminal(int(os.Stdin.Fd())) && os.Getenv("CI") == "" }

// question returns a function that asks a question on the terminal.
func question(choice string, agreeing ...string) func(string) bool {
	return func(text string) bool {
		fmt.Fprintf(os.Stderr, "%s? %s ", text, choice)
		return agrees(os.Stdin, agreeing...)
	}
}

// agrees reads one answer. A closed terminal means no.
func agrees(in io.Reader, agreeing ...string) bool {
	answer, err := bufio.NewReader(in).ReadString('\n')
	return err == nil && slices.Contains(agreeing, strings.ToLower(strings.TrimSpace(answer)))
}
