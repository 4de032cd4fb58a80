// Command load simulates many people who use the deployed application for a minute:
// each has an account, reads and writes todos, and talks to the assistant. It prints
// the times of each route, the errors and the peak need of each pod, and writes them
// to load.json.
//
// Times depend on the machine, so they are reported next to their goals and decide
// nothing. A wrong answer ends the command with exit code 3.
//
// The environment variables of package e2e name the application:
// TODO_TEST_URL, TODO_TEST_KUBECONFIG, TODO_TEST_NAMESPACE, TODO_TEST_RELEASE and
// TODO_TEST_OUT.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

// Limits of one run.
const (
	mostUsers = 200
	longest   = 10 * time.Minute
)

// exitRed is the exit code of the targets for a failed verdict.
const exitRed = 3

var errWrong = errors.New("not every answer was right")

func main() {
	users := flag.Int("users", 50, "people who use the application at once")
	lasting := flag.Duration("for", time.Minute, "how long they do")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, *users, *lasting)
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		if errors.Is(err, errWrong) {
			os.Exit(exitRed)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, users int, lasting time.Duration) error {
	if users < 1 || users > mostUsers || lasting <= 0 || lasting > longest {
		return fmt.Errorf("%d users for %s: at most %d users for %s are allowed", users, lasting, mostUsers, longest)
	}
	base, err := address()
	if err != nil {
		return err
	}
	pods, err := newPods()
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "load: %d people sign up at %s\n", users, base)
	people, err := join(ctx, base, users)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "load: they use the application for %s\n", lasting)
	watching, stopWatching := context.WithCancel(ctx)
	watched := make(chan map[string]Need, 1)
	go func() { watched <- pods.watch(watching) }()
	log := newLog()
	began := time.Now()
	everybody(ctx, people, lasting, log)
	took := time.Since(began)
	stopWatching()
	report := log.report(users, took, <-watched)
	tidy(context.WithoutCancel(ctx), people)
	if err := ctx.Err(); err != nil {
		return err
	}
	report.print(os.Stdout)
	if err := report.save(filepath.Join(out(), "load.json")); err != nil {
		return err
	}
	if report.Errors > 0 {
		return fmt.Errorf("%w: %d of %d; the first: %s", errWrong, report.Errors, report.Requests, report.FirstError)
	}
	return nil
}

func address() (string, error) {
	given := os.Getenv("TODO_TEST_URL")
	parsed, err := url.Parse(given)
	if err != nil || parsed.Hostname() != "127.0.0.1" {
		return "", fmt.Errorf("TODO_TEST_URL is %q, want a URL on 127.0.0.1: run mage test:load", given)
	}
	return parsed.Scheme + "://" + parsed.Host, nil
}

func out() string {
	if given := os.Getenv("TODO_TEST_OUT"); given != "" {
		return given
	}
	return "build"
}

func (r Report) save(path string) error {
	document, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("save the report: %w", err)
	}
	if err := os.WriteFile(path, append(document, '\n'), 0o644); err != nil {
		return fmt.Errorf("save the report: %w", err)
	}
	return nil
}
