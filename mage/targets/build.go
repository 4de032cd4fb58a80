package targets

import (
	"context"
	"os"

	"todo-chatbot/mage/pipeline"
)

// Build builds and pushes the named images, or all, whose sources changed.
func Build(ctx context.Context, env *string, yes *bool, names ...string) error {
	return with(flags{env: env, yes: yes}, func(p *pipeline.Pipeline) error {
		built, err := p.Build(ctx, names...)
		printImages(os.Stdout, built)
		return err
	})
}
