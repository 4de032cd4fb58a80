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

// start runs the gateway and returns the exit code: 2 for wrong settings, 1 for a port
// that is not available, 0 after a signal.
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

// newLogger returns a logger whose lines have the format of the other components.
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
