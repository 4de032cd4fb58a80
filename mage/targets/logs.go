package targets

import (
	"context"
	"os"

	"todo-chatbot/mage/pipeline"
)

// Logs prints what the release's pods log; -component=backend takes one component's, -follow goes on until Ctrl-C.
func Logs(ctx context.Context, env *string, component *string, follow *bool) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		opts := pipeline.LogOptions{Follow: follow != nil && *follow}
		if component != nil {
			opts.Component = *component
		}
		return p.Logs(ctx, os.Stdout, opts)
	})
}
