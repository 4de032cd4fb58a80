package targets

import (
	"context"
	"fmt"
	"os"

	"todo-chatbot/mage/pipeline"
)

// ReleaseStatus says what runs: revision, pods ready, restarts, images by digest.
func ReleaseStatus(ctx context.Context, env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		observed, err := p.Status(ctx)
		if err == nil {
			pipeline.PrintObservation(os.Stdout, observed)
		}
		return err
	})
}

// ReleaseHistory lists the revisions.
func ReleaseHistory(ctx context.Context, env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		revisions, err := p.History(ctx)
		for _, r := range revisions {
			fmt.Fprintf(os.Stdout, "%d %s %s\n", r.Number, r.Status, r.Description)
		}
		return err
	})
}

// ReleaseRollback goes back to an earlier revision, by default the last good one, and verifies it.
func ReleaseRollback(ctx context.Context, env *string, revision *int) error {
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
