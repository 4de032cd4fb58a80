package targets

import (
	"context"
	"os"

	"todo-chatbot/mage/pipeline"
)

// Build builds and pushes the named images, or all.
func Build(ctx context.Context, f Flags, names ...string) error {
	return with(f, func(p *pipeline.Pipeline) error {
		built, err := p.Build(ctx, names...)
		printImages(os.Stdout, built)
		return err
	})
}
