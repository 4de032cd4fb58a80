package targets

import (
	"context"
	"os"

	"todo-chatbot/mage/pipeline"
)

// Clean removes the results of deploys.
func Clean(ctx context.Context, f Flags) error { return clean(ctx, f, pipeline.CleanOptions{}) }

// CleanAll does the same as Clean and removes the caches.
func CleanAll(ctx context.Context, f Flags) error {
	return clean(ctx, f, pipeline.CleanOptions{Caches: true})
}

func clean(ctx context.Context, f Flags, opts pipeline.CleanOptions) error {
	return with(f, func(p *pipeline.Pipeline) error {
		done, err := p.Clean(ctx, opts)
		printCleaned(os.Stdout, done, err)
		return err
	})
}
