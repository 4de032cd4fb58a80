package targets

import (
	"context"
	"fmt"
	"os"

	"github.com/magefile/mage/mg"

	"todo-chatbot/mage/pipeline"
)

// Clean removes what the other targets made.
type Clean mg.Namespace

// Deployed removes the release, the cluster and every container, network and process that deploy made.
func (Clean) Deployed(ctx context.Context, env *string) error { return clean(ctx, env, false) }

// All also removes the caches: built images, made base images, the build cache.
func (Clean) All(ctx context.Context, env *string) error { return clean(ctx, env, true) }

func clean(ctx context.Context, env *string, caches bool) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		done, err := p.Clean(ctx, caches)
		printRemoved(done)
		return err
	})
}

func printRemoved(done pipeline.Cleaned) {
	for _, what := range done.Removed {
		fmt.Fprintf(os.Stdout, "removed %s\n", what)
	}
	for _, what := range done.Kept {
		fmt.Fprintf(os.Stdout, "kept %s\n", what)
	}
	if len(done.Removed)+len(done.Kept) == 0 {
		fmt.Fprintln(os.Stdout, "nothing to remove")
	}
}
