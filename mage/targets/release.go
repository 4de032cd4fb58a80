package targets

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/term"

	"todo-chatbot/mage/pipeline"
)

// ReleaseStatus prints the running release.
func ReleaseStatus(ctx context.Context, f Flags) error {
	return with(f, func(p *pipeline.Pipeline) error {
		seen, err := p.Status(ctx)
		if err == nil {
			printInspection(os.Stdout, seen)
		}
		return err
	})
}

// ReleaseHistory lists the revisions of the release.
func ReleaseHistory(ctx context.Context, f Flags) error {
	return with(f, func(p *pipeline.Pipeline) error {
		revisions, err := p.History(ctx)
		printHistory(os.Stdout, revisions)
		return err
	})
}

// ReleaseDiff prints the changes that a deploy would make.
func ReleaseDiff(ctx context.Context, f Flags) error {
	return with(f, func(p *pipeline.Pipeline) error {
		diff, err := p.Diff(ctx)
		if term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("NO_COLOR") == "" {
			diff = coloured(diff)
		}
		fmt.Fprint(os.Stdout, diff)
		return err
	})
}

// ReleaseRollback goes back to an earlier revision; nil means the last one that served.
func ReleaseRollback(ctx context.Context, f Flags, revision *int) error {
	return with(f, func(p *pipeline.Pipeline) error {
		done, err := p.Rollback(ctx, pipeline.RollbackOptions{Revision: revision})
		printDeployment(os.Stdout, done)
		return err
	})
}
