package release

import (
	"context"
	"errors"
	"fmt"
	"time"

	"helm.sh/helm/v3/pkg/action"
	helmrelease "helm.sh/helm/v3/pkg/release"
	helmtime "helm.sh/helm/v3/pkg/time"

	"todo-chatbot/mage/diagnose"
	"todo-chatbot/mage/host"
	"todo-chatbot/mage/progress"
)

// cancelGrace is the time in which Helm can end by itself after its requests are
// cancelled.
const cancelGrace = 3 * time.Second

// newRevision runs the Helm actions that the records ask for.
func (m *Manager) newRevision(ctx context.Context, spec Spec, step *progress.Step) error {
	records, err := m.history(ctx, spec.Name)
	if errors.Is(err, ErrNotFound) {
		return m.install(ctx, spec, step)
	}
	if err != nil {
		return err
	}
	last := records[len(records)-1]
	switch last.Info.Status {
	case helmrelease.StatusUninstalled:
		return m.install(ctx, spec, step)
	case helmrelease.StatusUninstalling:
		if err := m.uninstall(ctx, spec.Name, spec.Timeout, step); err != nil {
			return err
		}
		return m.install(ctx, spec, step)
	}
	// An upgrade also follows a first installation that was killed: the objects are
	// in its manifest, so Helm owns them, and volumes stay.
	if err := m.abandon(ctx, records, "abandoned by a run that was killed"); err != nil {
		return err
	}
	if err := m.makeHookClaims(ctx, spec, step); err != nil {
		return err
	}
	failed := failedRevisions(records)
	if err := m.upgrade(ctx, spec, step); err != nil {
		return err
	}
	return m.keepFailed(ctx, spec.Name, failed)
}

func (m *Manager) install(ctx context.Context, spec Spec, step *progress.Step) error {
	stored, err := storedChart(spec.Chart)
	if err != nil {
		return err
	}
	values, err := copyValues(spec.Values)
	if err != nil {
		return err
	}
	return m.runHelm(ctx, "install", spec.Name, step, func(cfg *action.Configuration) error {
		a := action.NewInstall(cfg)
		a.ReleaseName, a.Namespace = spec.Name, spec.Namespace
		a.Timeout = spec.Timeout // of hooks
		a.Replace = true         // of a release that was uninstalled and whose history was kept
		a.Description = notSeenReady
		// The API server reports unknown fields. Helm's validation would fetch the
		// OpenAPI documents and check the same.
		a.DisableOpenAPIValidation = true
		_, err := a.Run(stored, values)
		return err
	})
}

func (m *Manager) upgrade(ctx context.Context, spec Spec, step *progress.Step) error {
	stored, err := storedChart(spec.Chart)
	if err != nil {
		return err
	}
	values, err := copyValues(spec.Values)
	if err != nil {
		return err
	}
	return m.runHelm(ctx, "upgrade", spec.Name, step, func(cfg *action.Configuration) error {
		a := action.NewUpgrade(cfg)
		a.Namespace = spec.Namespace
		a.Timeout = spec.Timeout
		a.Description = notSeenReady
		a.ResetValues = true // otherwise Helm takes empty values for the last ones
		a.MaxHistory = keptRevisions
		a.DisableOpenAPIValidation = true
		_, err := a.Run(spec.Name, stored, values)
		return err
	})
}

// runHelm runs one Helm action. Its requests end with ctx, or when a hook cannot
// succeed. Helm then records the failure, and recordFailure records the rest.
func (m *Manager) runHelm(ctx context.Context, verb, name string, step *progress.Step, run func(*action.Configuration) error) error {
	began := time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cfg, err := m.configuration(ctx, lines(step))
	if err != nil {
		return err
	}
	hooks := m.watchHooks(ctx, cancel)
	defer hooks.stop()
	_, err = await(ctx, cancelGrace, func() (struct{}, error) { return struct{}{}, run(cfg) })
	m.records.forget(name)
	if err == nil {
		return nil
	}
	fresh, end := context.WithTimeout(context.WithoutCancel(ctx), freshBudget)
	defer end()
	if ctx.Err() == nil {
		return m.recordFailure(fresh, failedAction{verb: verb, name: name, began: began}, err)
	}
	err = context.Cause(ctx)
	if limit, ours := err.(timeLimit); ours {
		err = hooks.failure(fresh, limit)
	}
	return m.recordFailure(fresh, failedAction{verb: verb, name: name, began: began, interrupted: true}, err)
}

// failedAction is a Helm action that returned an error.
type failedAction struct {
	verb, name  string
	began       time.Time
	interrupted bool // by its context, or by a hook that cannot succeed
}

// recordFailure marks the revisions that an action left pending as failed, and
// returns the error with its cause. Helm's own description of a failure names the
// request that was cut off or the Job that failed, so that a description with the
// cause replaces it.
func (m *Manager) recordFailure(ctx context.Context, a failedAction, err error) error {
	defer m.records.forget(a.name) // a Helm action that was abandoned may still write
	failure, _ := errors.AsType[*diagnose.Failure](err)
	records, lookErr := m.history(ctx, a.name)
	if errors.Is(lookErr, ErrNotFound) {
		return m.explain(a, err)
	}
	if lookErr != nil {
		if failure == nil {
			err = m.explain(a, err)
		}
		return errors.Join(err, lookErr)
	}
	last := records[len(records)-1]
	made := !last.Info.LastDeployed.Before(helmtime.Time{Time: a.began}) // by this action
	if made && failure == nil && !a.interrupted {
		failure = m.hookFailure(ctx, last)
	}
	why := fmt.Sprintf("%s was interrupted: %v", a.verb, err)
	if failure == nil {
		err = m.explain(a, err)
	} else {
		err, why = failure, failure.Error()
		if made {
			failure.Release, failure.Revision = a.name, last.Version
		}
	}
	lookErr = m.abandon(ctx, records, why)
	if lookErr == nil && made && last.Info.Status == helmrelease.StatusFailed && (a.interrupted || failure != nil) {
		lookErr = m.mark(ctx, last, helmrelease.StatusFailed, why)
	}
	return errors.Join(err, lookErr)
}

// explain says which action failed, and names a full disk of the node as such.
func (m *Manager) explain(a failedAction, err error) error {
	return host.Disk{Of: "the cluster's node"}.Explain(fmt.Errorf("%s release %q in namespace %q: %w", a.verb, a.name, m.namespace, err))
}

// await runs f, which takes no context, and returns when it ends or, once ctx
// is done, after grace at the latest. f is then left to end by itself.
func await[T any](ctx context.Context, grace time.Duration, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	}
	limit := time.NewTimer(grace)
	defer limit.Stop()
	select {
	case r := <-done:
		return r.value, r.err
	case <-limit.C:
		var none T
		return none, context.Cause(ctx)
	}
}
