package pipeline

import (
	"context"
	"errors"
	"fmt"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/release"
)

// Status says what runs.
func (p *Pipeline) Status(ctx context.Context) (release.Inspection, error) {
	var seen release.Inspection
	err := p.withRelease(ctx, func(m *release.Manager, _ *cluster.Cluster) error {
		var err error
		seen, err = m.Inspect(ctx, p.env.Release)
		return err
	})
	return seen, err
}

// History lists the release's revisions.
func (p *Pipeline) History(ctx context.Context) ([]release.Revision, error) {
	var revisions []release.Revision
	err := p.withRelease(ctx, func(m *release.Manager, _ *cluster.Cluster) error {
		var err error
		revisions, err = m.History(ctx, p.env.Release)
		return err
	})
	return revisions, err
}

// Rollback goes back to an earlier revision, nil meaning the last one that
// served, and verifies the application.
func (p *Pipeline) Rollback(ctx context.Context, revision *int) (Deployment, error) {
	var done Deployment
	wanted := 0
	if revision != nil {
		if *revision < 1 {
			return done, p.unknownRevision(fmt.Errorf("roll back release %s/%s: %d is no revision, they count from 1", p.env.Namespace, p.env.Release, *revision))
		}
		wanted = *revision
	}
	err := p.exclusive(ctx, "release:rollback", func(ctx context.Context) error {
		return p.withRelease(ctx, func(m *release.Manager, c *cluster.Cluster) error {
			if err := p.own(ctx, m); err != nil {
				return err
			}
			observed, err := m.Rollback(ctx, p.env.Release, wanted)
			var unknown *release.UnknownRevision
			if errors.As(err, &unknown) {
				return p.unknownRevision(err)
			}
			if err != nil {
				return err
			}
			done = Deployment{Release: observed, Changed: true}
			if done.URL, done.Verdict, err = p.verify(ctx, c); err != nil {
				return err
			}
			done.Complete = true
			return p.judge(done.Verdict)
		})
	})
	return done, err
}

// unknownRevision marks a revision that the user got wrong, and says where the
// right ones are.
func (p *Pipeline) unknownRevision(err error) error {
	return usage(fmt.Errorf("%w: `mage release:history -env=%s` lists them; without -revision it goes to the last one that served", err, p.env.Name))
}

func (p *Pipeline) withRelease(ctx context.Context, do func(*release.Manager, *cluster.Cluster) error) error {
	c, closeCluster, err := p.running(ctx)
	if err != nil {
		return err
	}
	defer closeCluster()
	manager, err := p.releases(c)
	if err != nil {
		return err
	}
	err = do(manager, c)
	if errors.Is(err, release.ErrNotFound) {
		err = fmt.Errorf("%w: `mage deploy:to %s` makes it", err, p.env.Name)
	}
	return err
}
