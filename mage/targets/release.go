package targets

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/term"

	"todo-chatbot/mage/pipeline"
)

// ReleaseStatus says what runs: revision, pods, images by digest, restarts, endpoints, warnings.
func ReleaseStatus(ctx context.Context, env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		seen, err := p.Status(ctx)
		if err == nil {
			printInspection(os.Stdout, seen)
		}
		return err
	})
}

// ReleaseHistory lists the revisions.
func ReleaseHistory(ctx context.Context, env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		revisions, err := p.History(ctx)
		printHistory(os.Stdout, revisions)
		return err
	})
}

// ReleaseDiff prints what a deploy would change now.
func ReleaseDiff(ctx context.Context, env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		diff, err := p.Diff(ctx)
		if term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("NO_COLOR") == "" {
			diff = coloured(diff)
		}
		fmt.Fprint(os.Stdout, diff)
		return err
	})
}

// ReleaseRollback goes back to an earlier revision, by default the last that served, and verifies it.
func ReleaseRollback(ctx context.Context, env *string, revision *int) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		done, err := p.Rollback(ctx, revision)
		printDeployment(os.Stdout, done)
		return err
	})
}
