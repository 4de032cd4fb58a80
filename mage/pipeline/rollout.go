package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/diagnose"
	"todo-chatbot/mage/release"
)

// rollout is the part of a deploy that changes the release.
type rollout struct {
	p          *Pipeline
	cluster    *cluster.Cluster
	manager    *release.Manager
	spec       release.Spec
	keepFailed bool
}

// apply changes the release only when something differs. One that fails is taken
// back to what served before; one that is stopped is left to the next deploy.
func (r *rollout) apply(ctx context.Context, rotated bool) (done Deployment, err error) {
	step := r.p.opts.Progress.Start("release", r.p.env.Namespace+"/"+r.p.env.Release)
	state, err := r.manager.Determine(ctx, r.spec)
	if err != nil {
		return done, step.Fail(err)
	}
	if state.Condition == release.InSync && !rotated {
		done.Release, err = r.manager.Status(ctx, r.spec.Name)
		if err != nil {
			return done, step.Fail(err)
		}
		step.Done("unchanged", fmt.Sprintf("revision %d", done.Release.Revision))
		return done, nil
	}
	step.Drop() // Apply shows its own
	done.Release, err = r.manager.Apply(ctx, r.spec, state)
	done.Changed = done.Release.Revision != state.Revision
	if err == nil && rotated && state.Condition != release.Absent {
		err = r.reread(ctx)
	}
	if err == nil || ctx.Err() != nil {
		return done, err
	}
	r.keepEvidence("", err)
	after := r.takeBack(ctx, state, &done)
	return done, after.add(err, r.p.env.Name)
}

// reread replaces the pods, which read their credentials when they start: what
// changed in the Secret alone makes no new revision.
func (r *rollout) reread(ctx context.Context) error {
	db := r.p.database(r.cluster)
	if err := db.Restart(ctx, "changed-"+time.Now().UTC().Format("20060102T150405Z")); err != nil {
		return err
	}
	return r.manager.Settle(ctx, r.spec.Name)
}

// takeBack rolls back to the revision that served before a failed one, unless
// that is to be kept, and asks the application whether it serves again.
func (r *rollout) takeBack(ctx context.Context, before release.State, done *Deployment) aftermath {
	back, err := r.manager.Fallback(ctx, r.spec.Name, before)
	after := aftermath{Target: back.Revision, Why: back.Why, Unknown: err}
	if err != nil || back.Revision == 0 {
		return after
	}
	if r.keepFailed {
		after.Kept = true
		return after
	}
	observed, err := r.manager.Rollback(ctx, r.spec.Name, back.Revision)
	if err != nil {
		after.Failed = err
		if ctx.Err() == nil {
			r.keepEvidence("rollback", err)
		}
		return after
	}
	done.Release, done.Changed, done.RolledBack = observed, true, back.Revision
	_, verdict, err := r.p.verify(ctx, r.cluster)
	if err != nil {
		after.Unasked = err
	} else if !verdict.OK() {
		after.Red = verdict.Failed()
	}
	return after
}

// aftermath is what was done about a release that failed.
type aftermath struct {
	Target  int      // revision that served before; 0 without one
	Why     string   // there is none; "" where nothing was changed either
	Kept    bool     // the user wanted to look at it
	Failed  error    // of the rollback
	Unasked error    // whether the application serves again could not be asked
	Red     []string // checks that the application does not pass after the rollback
	Unknown error    // whether there is a revision to go back to could not be found out
}

// add says so after the first cause, which stays first.
func (a aftermath) add(cause error, env string) error {
	look := fmt.Sprintf("`mage release:status -env=%[1]s` and `mage logs -env=%[1]s` show what is there", env)
	switch {
	case a.Unknown != nil:
		return fmt.Errorf("%w; nothing was rolled back, for what served before could not be found out: %w", cause, a.Unknown)
	case a.Target == 0 && a.Why == "":
		return cause
	case a.Target == 0:
		return fmt.Errorf("%w; %s: %s, `mage deploy:to %[4]s` tries again, `mage clean -env=%[4]s` removes it, and a cluster that the pipeline made with all its data", cause, a.Why, look, env)
	case a.Kept:
		return fmt.Errorf("%w; left as it is: %s, `mage release:rollback -env=%s -revision=%d` goes back to what served", cause, look, env, a.Target)
	case a.Failed != nil:
		return fmt.Errorf("%w; and the rollback to revision %d failed too: %w: %s, `mage deploy:to %s` goes on from there", cause, a.Target, a.Failed, look, env)
	case a.Unasked != nil:
		return fmt.Errorf("%w; rolled back to revision %d, whose pods are ready; whether it serves could not be asked: %w", cause, a.Target, a.Unasked)
	case len(a.Red) > 0:
		return fmt.Errorf("%w; rolled back to revision %d, whose pods are ready and which does not pass its checks: %s", cause, a.Target, strings.Join(a.Red, ", "))
	}
	return fmt.Errorf("%w; rolled back to revision %d, which serves", cause, a.Target)
}

func (r *rollout) keepEvidence(part string, cause error) {
	r.p.keepEvidence(r.manager, r.spec.Name, part, cause)
}

// keepEvidence saves what shows the cause of a failure, before anything changes
// it, in place of the last failure's. It has a time of its own: the run's may be
// over. A part is a folder below, for a failure that followed.
func (p *Pipeline) keepEvidence(manager *release.Manager, name, part string, cause error) {
	notes := p.opts.Progress
	text := []string{cause.Error()}
	var failure *diagnose.Failure
	if errors.As(cause, &failure) {
		notes.Note("%s", failure.Details())
		text = append(text, failure.Details())
	}
	ctx, cancel := context.WithTimeout(context.Background(), evidenceTime)
	defer cancel()
	evidence, err := manager.Collect(ctx, name, p.env.Agent.APIKey.Reveal())
	if err != nil {
		notes.Note("evidence of the failure could not all be collected: %v", err)
	}
	evidence.Cause = text
	below := filepath.Join("build", "evidence", p.env.Name, part)
	dir := filepath.Join(p.env.Root, below)
	if err := removeBelow(p.env.Root, below); err != nil {
		notes.Note("evidence of an earlier failure could not be removed: %v", err)
	}
	if _, err := evidence.Save(dir); err != nil {
		notes.Note("evidence of the failure could not be saved: %v", err)
		return
	}
	notes.Note("evidence: %s", dir)
}

// removeBelow removes a folder of the project and follows no symbolic link out of it.
func removeBelow(dir, path string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return root.RemoveAll(path)
}
