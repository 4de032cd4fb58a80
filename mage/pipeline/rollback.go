package pipeline

import (
	"context"
	"errors"
	"fmt"

	"todo-chatbot/mage/release"
)

// RollbackOptions change Rollback.
type RollbackOptions struct {
	Revision *int // nil means the last revision that served
}

// Rollback goes back to an earlier revision and checks the application.
func (p *Pipeline) Rollback(ctx context.Context, opts RollbackOptions) (done Deployment, err error) {
	revision := 0 // package release takes 0 for the last revision that served
	if opts.Revision != nil {
		if revision = *opts.Revision; revision < 1 {
			return done, p.unknownRevision(fmt.Errorf("roll back release %s: revision %d does not exist, the first is 1", p.releaseName(), revision))
		}
	}
	err = p.exclusive(ctx, "release:rollback", func(ctx context.Context) error {
		return p.withTarget(ctx, func(_ *services, t target) error {
			done, err = p.rollBack(ctx, t, revision)
			return p.explainMissing(err)
		})
	})
	return done, err
}

func (p *Pipeline) rollBack(ctx context.Context, t target, revision int) (done Deployment, err error) {
	if err := p.checkOwner(ctx, t.releases); err != nil {
		return done, err
	}
	observed, err := t.releases.Rollback(ctx, p.env.Release, revision)
	if _, unknown := errors.AsType[*release.UnknownRevision](err); unknown {
		return done, p.unknownRevision(err)
	}
	if err != nil {
		return done, err
	}
	done = Deployment{Release: observed, Changed: true}
	err = p.verify(ctx, t, &done)
	return done, err
}

// unknownRevision marks a wrong revision as a usage error with the next step.
func (p *Pipeline) unknownRevision(err error) error {
	return usageError(fmt.Errorf("%w: `mage release:history -env=%s` lists the revisions; without -revision the release goes back to the last one that served", err, p.env.Name))
}

// verify checks the application and adds the result to done.
func (p *Pipeline) verify(ctx context.Context, t target, done *Deployment) (err error) {
	if done.URL, done.Verdict, err = p.check(ctx, t); err != nil {
		return err
	}
	done.Complete = true
	return p.judge(done.Verdict)
}

// settle waits for replaced pods, and for what else is given, and checks the
// application.
func (p *Pipeline) settle(ctx context.Context, t target, also ...func(context.Context) error) (done Deployment, err error) {
	if err := t.releases.Settle(ctx, p.env.Release); err != nil {
		p.keepEvidence(t.releases, err, evidenceFolder)
		return done, err
	}
	for _, wait := range also {
		if err := p.withTimeout(ctx, wait); err != nil {
			return done, err
		}
	}
	err = p.verify(ctx, t, &done)
	return done, err
}

// withTimeout calls do with the environment's time-out.
func (p *Pipeline) withTimeout(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.env.Timeout, fmt.Errorf("not done within %s", p.env.Timeout))
	defer cancel()
	return do(ctx)
}
