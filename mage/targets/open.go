package targets

import (
	"context"
	"os"

	"todo-chatbot/mage/pipeline"
)

// Open says where the application answers, and holds a port-forward where the cluster publishes no port; -browser also shows it.
func Open(ctx context.Context, env *string, browser *bool) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		return p.Open(ctx, os.Stdout, pipeline.OpenOptions{Browser: browser != nil && *browser})
	})
}
