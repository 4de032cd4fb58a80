package pipeline

import (
	"context"
	"fmt"
	"io"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/release"
)

// Status says what runs.
func (p *Pipeline) Status(ctx context.Context) (release.Observation, error) {
	var observed release.Observation
	err := p.withRelease(ctx, func(m *release.Manager, _ *cluster.Cluster) error {
		var err error
		observed, err = m.Status(ctx, p.env.Release)
		return err
	})
	return observed, err
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

// Rollback goes back to an earlier revision, 0 meaning the last good one, and
// verifies the application.
func (p *Pipeline) Rollback(ctx context.Context, revision int) (Deployment, error) {
	var done Deployment
	err := p.exclusive(ctx, "release:rollback", func(ctx context.Context) error {
		return p.withRelease(ctx, func(m *release.Manager, c *cluster.Cluster) error {
			observed, err := m.Rollback(ctx, p.env.Release, revision)
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
	return do(manager, c)
}

// PrintObservation writes what runs, a line a fact.
func PrintObservation(out io.Writer, o release.Observation) {
	fmt.Fprintf(out, "revision %d %s\n", o.Revision, o.Status)
	for _, w := range o.Workloads {
		fmt.Fprintf(out, "%s/%s ready %d of %d, restarts %d\n", w.Kind, w.Name, w.Ready, w.Wanted, w.Restarts)
		for _, image := range w.Images {
			fmt.Fprintf(out, "  image %s\n", image)
		}
	}
}
