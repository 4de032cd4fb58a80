package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"todo-chatbot/images/gateway/settings"
)

func main() {
	os.Exit(start(os.Getenv, os.Stdout, os.Stderr))
}

// start returns the exit code: 2 for settings that are wrong, 1 for a port that
// cannot be had, 0 after a signal.
func start(getenv func(string) string, out, problems io.Writer) int {
	read, err := settings.Read(getenv)
	if err != nil {
		fmt.Fprintln(problems, err)
		return 2
	}
	limitMemory(getenv)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	if err := serve(ctx, read, newLogger(out), signals, nil); err != nil {
		fmt.Fprintln(problems, err)
		return 1
	}
	return 0
}

// newLogger writes lines of the same shape as the other components'.
func newLogger(out io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, attribute slog.Attr) slog.Attr {
			switch attribute.Key {
			case slog.MessageKey:
				attribute.Key = "message"
			case slog.LevelKey:
				attribute.Value = slog.StringValue(strings.ToLower(attribute.Value.String()))
			}
			return attribute
		},
	}))
}
