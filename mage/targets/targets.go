// Package targets is what the magefile's commands do: one file a namespace, and
// each function loads, calls and prints. It decides nothing. A nil pointer is an
// option that was not given.
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

// flags are the options that several targets share.
type flags struct {
	env      *string
	yes      *bool
	progress *progress.Reporter // of several pipelines at once; nil makes one
}

// open loads an environment and returns its pipeline.
func open(f flags) (*pipeline.Pipeline, error) {
	name := defaultEnvironment
	if f.env != nil {
		name = *f.env
	}
	root, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("find the project: %w", err)
	}
	env, err := config.Load(root, name, os.Getenv)
	if err != nil {
		return nil, err
	}
	progress := f.progress
	if progress == nil {
		progress = reporter()
	}
	return pipeline.New(env, pipeline.Options{Progress: progress, Getenv: os.Getenv, Confirm: confirm(f.yes), Sure: sure(f.yes)}), nil
}

func reporter() *progress.Reporter {
	terminal := term.IsTerminal(int(os.Stderr.Fd()))
	width, _, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil {
		width = 0
	}
	return progress.New(os.Stderr, progress.Options{Terminal: terminal && !mg.Verbose(), Verbose: mg.Verbose(), Width: width})
}

// confirm asks at a terminal, where Enter is a yes; anywhere else, and with -yes,
// the answer is yes.
func confirm(yes *bool) func(string) bool { return ask(yes, "[Y/n]", yesByDefault) }

// sure is for what cannot be undone: only -yes, or a yes that is typed, is one. It
// is nil where neither is given and nobody can be asked.
func sure(yes *bool) func(string) bool {
	if yes != nil && *yes {
		return func(string) bool { return true }
	}
	return ask(yes, "[y/N]", yesWhenTyped)
}

// Answers that agree.
var (
	yesWhenTyped = []string{"y", "yes"}
	yesByDefault = append([]string{""}, yesWhenTyped...)
)

// ask returns what asks a question at a terminal, or nil where nobody is asked.
func ask(yes *bool, choice string, agreeing []string) func(string) bool {
	if yes != nil && *yes || !term.IsTerminal(int(os.Stdin.Fd())) || os.Getenv("CI") != "" {
		return nil
	}
	return func(question string) bool {
		fmt.Fprintf(os.Stderr, "%s? %s ", question, choice)
		return agrees(os.Stdin, agreeing)
	}
}

// agrees reads one answer; a terminal that is closed instead is a no.
func agrees(in io.Reader, agreeing []string) bool {
	answer, err := bufio.NewReader(in).ReadString('\n')
	return err == nil && slices.Contains(agreeing, strings.ToLower(strings.TrimSpace(answer)))
}

// exit gives an error the exit code that mage ends with.
func exit(err error) error {
	if err == nil {
		return nil
	}
	return mg.Fatal(pipeline.ExitCode(err), err)
}

// with opens a pipeline and does one thing with it.
func with(f flags, do func(*pipeline.Pipeline) error) error {
	p, err := open(f)
	if err == nil {
		err = do(p)
	}
	return exit(err)
}
