package pipeline

import (
	"context"
	"fmt"
	"strings"
	"time"

	"todo-chatbot/mage/release"
)

// upgradeRelease installs or upgrades the release if something differs. A failed
// upgrade is rolled back. An interrupted one is not: the next deploy continues it.
func (d *deploy) upgradeRelease(ctx context.Context) error {
	state, err := d.target.releases.Determine(ctx, d.spec)
	if err != nil {
		return err
	}
	d.result.Release, err = d.target.releases.Apply(ctx, d.spec, state)
	d.result.Changed = d.result.Release.Revision != state.Revision
	if err == nil && d.credentialsChanged && state.Condition != release.Absent {
		err = d.replacePods(ctx)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	d.keepEvidence(err, evidenceFolder)
	return d.rollBack(ctx, state).explain(err, d.p.env.Name)
}

// replacePods makes running pods read changed credentials. A change of the Secret
// alone makes no new revision.
func (d *deploy) replacePods(ctx context.Context) error {
	if err := d.target.database.Restart(ctx, "changed-"+time.Now().UTC().Format("20060102T150405Z")); err != nil {
		return err
	}
	return d.target.releases.Settle(ctx, d.spec.Name)
}

func (d *deploy) keepEvidence(cause error, folder string) {
	d.p.keepEvidence(d.target.releases, cause, folder)
}

// rollBack rolls back to the revision that served before the failed one, unless the
// user wants to keep that, and checks the application again.
func (d *deploy) rollBack(ctx context.Context, before release.State) recovery {
	fallback, err := d.target.releases.Fallback(ctx, d.spec.Name, before)
	done := recovery{Target: fallback.Revision, NoTarget: fallback.Why, Unknown: err}
	if err != nil || fallback.Revision == 0 {
		return done
	}
	if d.opts.KeepFailed {
		done.Kept = true
		return done
	}
	observed, err := d.target.releases.Rollback(ctx, d.spec.Name, fallback.Revision)
	if err != nil {
		done.Failed = err
		if ctx.Err() == nil {
			d.keepEvidence(err, rollbackFolder)
		}
		return done
	}
	d.result.Release, d.result.Changed, d.result.RolledBack = observed, true, fallback.Revision
	_, verdict, err := d.p.check(ctx, d.target)
	if err != nil {
		done.Unchecked = err
	} else if !verdict.OK() {
		done.FailedChecks = verdict.Failed()
	}
	return done
}

// recovery is the result of the rollback after a failed upgrade.
type recovery struct {
	Target       int      // the revision that served before; 0 if there is none
	NoTarget     string   // the reason why there is none; "" if nothing was changed
	Unknown      error    // the reason why the target could not be found out
	Kept         bool     // the user keeps the failed revision
	Failed       error    // of the rollback
	Unchecked    error    // the reason why the checks could not run after the rollback
	FailedChecks []string // after the rollback
}

// explain appends the recovery to the cause of the failure, which stays first.
func (r recovery) explain(cause error, env string) error {
	look := fmt.Sprintf("`mage release:status -env=%[1]s` and `mage logs -env=%[1]s` show the present state", env)
	switch {
	case r.Unknown != nil:
		return fmt.Errorf("%w; nothing was rolled back, because the revision that served before could not be found out: %w", cause, r.Unknown)
	case r.Target == 0 && r.NoTarget == "":
		return cause
	case r.Target == 0:
		return fmt.Errorf("%w; %s: %s, `mage deploy:to %[4]s` tries again, `mage clean -env=%[4]s` removes it, and a cluster that the pipeline made with all its data", cause, r.NoTarget, look, env)
	case r.Kept:
		return fmt.Errorf("%w; the failed revision stays: %s, `mage release:rollback -env=%s -revision=%d` goes back to the revision that served", cause, look, env, r.Target)
	case r.Failed != nil:
		return fmt.Errorf("%w; the rollback to revision %d failed too: %w: %s, `mage deploy:to %s` continues from there", cause, r.Target, r.Failed, look, env)
	case r.Unchecked != nil:
		return fmt.Errorf("%w; rolled back to revision %d, whose pods are ready; the checks could not run: %w", cause, r.Target, r.Unchecked)
	case len(r.FailedChecks) > 0:
		return fmt.Errorf("%w; rolled back to revision %d, whose pods are ready but which fails its checks: %s", cause, r.Target, strings.Join(r.FailedChecks, ", "))
	}
	return fmt.Errorf("%w; rolled back to revision %d, which serves", cause, r.Target)
}
