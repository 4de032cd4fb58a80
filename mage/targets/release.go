package targets

import (
	"context"
	"fmt"
	"os"

	"github.com/magefile/mage/mg"

	"todo-chatbot/mage/pipeline"
)

// Release shows and moves the installed release.
type Release mg.Namespace

// Status says what runs: revision, pods ready, restarts, images by digest.
func (Release) Status(ctx context.Context, env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		observed, err := p.Status(ctx)
		if err == nil {
			pipeline.PrintObservation(os.Stdout, observed)
		}
		return err
	})
}

// History lists the revisions.
func (Release) History(ctx context.Context, env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		revisions, err := p.History(ctx)
		for _, r := range revisions {
			fmt.Fprintf(os.Stdout, "%d %s %s\n", r.Number, r.Status, r.Description)
		}
		return err
	})
}

// Rollback goes back to an earlier revision, by default the last good one, and verifies it.
func (Release) Rollback(ctx context.Context, env *string, revision *int) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		wanted := 0
		if revision != nil {
			wanted = *revision
		}
		done, err := p.Rollback(ctx, wanted)
		done.Print(os.Stdout)
		return err
	})
}
