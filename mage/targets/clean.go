package targets

import (
	"context"
	"fmt"
	"os"

	"todo-chatbot/mage/pipeline"
)

// Clean removes what the other targets made, and with caches also what they
// keep for the next time.
func Clean(ctx context.Context, env *string, yes *bool, caches bool) error {
	return with(flags{env: env, yes: yes}, func(p *pipeline.Pipeline) error {
		done, err := p.Clean(ctx, caches)
		printRemoved(done, err)
		return err
	})
}

// printRemoved says that there was nothing only where that is known.
func printRemoved(done pipeline.Cleaned, err error) {
	for _, what := range done.Removed {
		fmt.Fprintf(os.Stdout, "removed %s\n", what)
	}
	for _, what := range done.Kept {
		fmt.Fprintf(os.Stdout, "kept %s\n", what)
	}
	if len(done.Removed)+len(done.Kept) == 0 && err == nil {
		fmt.Fprintln(os.Stdout, "nothing to remove")
	}
}
