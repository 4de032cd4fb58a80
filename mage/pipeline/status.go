package pipeline

import (
	"context"

	"todo-chatbot/mage/release"
)

// Status describes the release and its objects in the cluster.
func (p *Pipeline) Status(ctx context.Context) (seen release.Inspection, err error) {
	err = p.withTarget(ctx, func(_ *services, t target) error {
		seen, err = t.releases.Inspect(ctx, p.env.Release)
		return p.explainMissing(err)
	})
	return seen, err
}

// History lists the release's revisions, the oldest first.
func (p *Pipeline) History(ctx context.Context) (revisions []release.Revision, err error) {
	err = p.withTarget(ctx, func(_ *services, t target) error {
		revisions, err = t.releases.History(ctx, p.env.Release)
		return p.explainMissing(err)
	})
	return revisions, err
}
