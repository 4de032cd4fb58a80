package targets

import (
	"context"
	"os"

	"todo-chatbot/mage/pipeline"
)

// Clean removes what the other targets made, and with caches also what they
// keep for the next time.
func Clean(ctx context.Context, env *string, yes *bool, caches bool) error {
	return with(flags{env: env, yes: yes}, func(p *pipeline.Pipeline) error {
		done, err := p.Clean(ctx, caches)
		printCleaned(os.Stdout, done, err)
		return err
	})
}
