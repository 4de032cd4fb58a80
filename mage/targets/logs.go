package targets

import (
	"context"
	"os"

	"todo-chatbot/mage/pipeline"
)

// LogFlags are the options of logs.
type LogFlags struct {
	Component *string
	Follow    *bool // print new lines until Ctrl-C
}

// Logs prints the logs of the release's pods.
func Logs(ctx context.Context, f Flags, of LogFlags) error {
	return with(f, func(p *pipeline.Pipeline) error {
		return p.Logs(ctx, os.Stdout, pipeline.LogOptions{Component: value(of.Component), Follow: value(of.Follow)})
	})
}
