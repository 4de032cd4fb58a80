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

// cancelGrace is how long Helm may take to end by itself once its requests are
// cancelled.
const cancelGrace = 3 * time.Second

// Observation is what the records and the cluster hold of a release.
type Observation struct {
	Revision         int
	PreviousRevision int    // the last revision before this action; 0 when there was none
	Status           string // Helm's word for the revision: deployed, failed …
	Description      string
	Workloads        []Workload
}

// Apply brings the release from state, as Determine gave it, to what spec wants,
// and returns when every Deployment and StatefulSet is rolled out and no Service
// leads to a pod of an older revision. InSync is
// left alone; a Pending revision is marked failed and then upgraded from; where
// only pods are not ready it waits and makes no revision.
//
// Nothing is rolled back on failure, so that the evidence stays: Fallback tells
// where to go back to. The error is then a *diagnose.Failure that names the cause, and
// the revision is marked failed. When ctx ends, Apply returns within seconds and
// leaves no pending revision.
func (m *Manager) Apply(ctx context.Context, spec Spec, state State) (Observation, error) {
	if err := m.check(&spec); err != nil {
		return Observation{}, err
	}
	step := m.progress.Start("release", m.namespace+"/"+spec.Name)
	obs, err := m.apply(ctx, spec, state, step)
	switch {
	case err != nil:
		return obs, step.Fail(err)
	case obs.Revision == state.Revision && state.settling:
		step.Done(fmt.Sprintf("revision %d", obs.Revision), "unchanged, its pods became ready")
	case obs.Revision == state.Revision:
		step.Done(fmt.Sprintf("revision %d", obs.Revision), "unchanged")
	case obs.PreviousRevision == 0:
		step.Done(fmt.Sprintf("revision %d", obs.Revision), "installed")
	default:
		step.Done(fmt.Sprintf("revision %d", obs.Revision), fmt.Sprintf("was %d: %s", obs.PreviousRevision, state.Reason))
	}
	return obs, nil
}

func (m *Manager) apply(ctx context.Context, spec Spec, state State, step *progress.Step) (Observation, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, spec.Timeout, timeLimit(spec.Timeout))
	defer cancel()
	if state.Condition == InSync {
		return m.observe(ctx, spec.Name, state.Revision)
	}
	if !state.settling {
		step.Update("%s", state.Reason)
		if err := m.act(ctx, spec, step); err != nil {
			return Observation{PreviousRevision: state.Revision}, err
		}
	}
	return m.prove(ctx, spec.Name, state.Revision, seenReady, step)
}

// prove waits for the last revision's pods and records how that ended; when
// they become ready, in the words of proven.
func (m *Manager) prove(ctx context.Context, name string, previous int, proven string, step *progress.Step) (Observation, error) {
	last, err := m.last(ctx, name)
	if err != nil {
		return Observation{}, err
	}
	wanted, err := parseManifest(last.Manifest)
	if err != nil {
		return Observation{}, err
	}
	if err := m.wait(ctx, wanted, step); err != nil {
		return m.unproven(ctx, last, previous, err)
	}
	// The last look may have been at the time bound itself.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), freshBudget)
	defer cancel()
	if neverReady(last) {
		if err := m.mark(ctx, last, helmrelease.StatusDeployed, proven); err != nil {
			return Observation{Revision: last.Version, PreviousRevision: previous}, err
		}
	}
	return m.observe(ctx, name, previous)
}

// unproven records how a wait ended. An interrupted one says nothing about the
// revision, which stays as it is: the next run finds its pods ready or waits on.
func (m *Manager) unproven(ctx context.Context, last *helmrelease.Release, previous int, cause error) (Observation, error) {
	obs := Observation{Revision: last.Version, PreviousRevision: previous, Description: last.Info.Description}
	status := helmrelease.StatusDeployed
	failure, failed := errors.AsType[*diagnose.Failure](cause)
	switch {
	case failed:
		status = helmrelease.StatusFailed
		failure.Release, failure.Revision = last.Name, last.Version
		obs.Description = failure.Error()
		if served(last) {
			obs.Description = seenReady + " once, and not any more: " + obs.Description
		}
	case neverReady(last):
		obs.Description = fmt.Sprintf("%s: %v", notSeenReady, cause)
	}
	if !failed {
		cause = fmt.Errorf("wait for revision %d of release %q: %w", last.Version, last.Name, cause)
	}
	obs.Status = status.String()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), freshBudget)
	defer cancel()
	if obs.Description != last.Info.Description {
		if err := m.mark(ctx, last, status, obs.Description); err != nil {
			cause = errors.Join(cause, err)
		}
	}
	if s, err := diagnose.Take(ctx, m.clients.Clientset, m.namespace); err == nil {
		obs.Workloads = workloadsOf(s, last)
	}
	return obs, cause
}

// act runs the Helm actions that lead from the records to a new revision.
func (m *Manager) act(ctx context.Context, spec Spec, step *progress.Step) error {
	records, err := m.history(ctx, spec.Name)
	if errors.Is(err, ErrNotFound) {
		return m.install(ctx, spec, false, step)
	}
	if err != nil {
		return err
	}
	last := records[len(records)-1]
	switch last.Info.Status {
	case helmrelease.StatusUninstalled:
		return m.install(ctx, spec, true, step)
	case helmrelease.StatusUninstalling:
		if err := m.uninstall(ctx, spec.Name, spec.Timeout, step); err != nil {
			return err
		}
		return m.install(ctx, spec, false, step)
	}
	// A first install that was killed is upgraded from as well: what it made is
	// in its manifest, so Helm knows it as its own, and volumes stay.
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

func (m *Manager) install(ctx context.Context, spec Spec, replace bool, step *progress.Step) error {
	stored, err := storedChart(spec.Chart)
	if err != nil {
		return err
	}
	return m.runHelm(ctx, "install", spec.Name, step, func(cfg *action.Configuration) error {
		a := action.NewInstall(cfg)
		a.ReleaseName, a.Namespace = spec.Name, spec.Namespace
		a.Timeout = spec.Timeout // of hooks
		a.Replace = replace
		a.Description = notSeenReady
		// The API server warns of unknown fields by itself; Helm's validation
		// fetches OpenAPI documents and checks no more than that.
		a.DisableOpenAPIValidation = true
		_, err := a.Run(stored, copyValues(spec.Values))
		return err
	})
}

func (m *Manager) upgrade(ctx context.Context, spec Spec, step *progress.Step) error {
	stored, err := storedChart(spec.Chart)
	if err != nil {
		return err
	}
	return m.runHelm(ctx, "upgrade", spec.Name, step, func(cfg *action.Configuration) error {
		a := action.NewUpgrade(cfg)
		a.Namespace = spec.Namespace
		a.Timeout = spec.Timeout
		a.Description = notSeenReady
		a.ResetValues = true // else empty values would mean the last ones
		a.MaxHistory = keptRevisions
		a.DisableOpenAPIValidation = true
		_, err := a.Run(spec.Name, stored, copyValues(spec.Values))
		return err
	})
}

// runHelm runs one Helm action. Its requests end with ctx, or when a hook cannot
// get anywhere; then Helm records the failure itself, and what it could not
// record is marked here.
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
	if err == nil {
		return nil
	}
	fresh, end := context.WithTimeout(context.WithoutCancel(ctx), freshBudget)
	defer end()
	interrupted := ctx.Err() != nil
	if interrupted {
		err = context.Cause(ctx)
		if limit, ours := err.(timeLimit); ours {
			err = hooks.failure(fresh, limit)
		}
	}
	failure, _ := errors.AsType[*diagnose.Failure](err)
	records, lookErr := m.history(fresh, name)
	if errors.Is(lookErr, ErrNotFound) {
		return m.refused(verb, name, err)
	}
	var last *helmrelease.Release // this action's own
	if lookErr == nil && !records[len(records)-1].Info.LastDeployed.Before(helmtime.Time{Time: began}) {
		last = records[len(records)-1]
	}
	if last != nil && failure == nil && !interrupted {
		failure = m.hookFailure(fresh, last)
	}
	why := fmt.Sprintf("%s was interrupted: %v", verb, err)
	if failure == nil {
		err = m.refused(verb, name, err)
	} else {
		err, why = failure, failure.Error()
		if last != nil {
			failure.Release, failure.Revision = name, last.Version
		}
	}
	if lookErr == nil {
		lookErr = m.abandon(fresh, records, why)
	}
	if lookErr == nil && last != nil && last.Info.Status == helmrelease.StatusFailed && (interrupted || failure != nil) {
		// Helm's own words tell which request was cut off or that a Job failed,
		// not that a person did it and not why.
		lookErr = m.mark(fresh, last, helmrelease.StatusFailed, why)
	}
	return errors.Join(err, lookErr)
}

// refused is an error of Helm's or the cluster's, in a line of its own.
func (m *Manager) refused(verb, name string, err error) error {
	return host.Disk{Of: "the cluster's node"}.Explain(fmt.Errorf("%s release %q in namespace %q: %w", verb, name, m.namespace, err))
}

// observe reads the last revision and its workloads.
func (m *Manager) observe(ctx context.Context, name string, previous int) (Observation, error) {
	last, err := m.last(ctx, name)
	if err != nil {
		return Observation{}, err
	}
	s, err := diagnose.Take(ctx, m.clients.Clientset, m.namespace)
	if err != nil {
		return Observation{}, err
	}
	return Observation{
		Revision: last.Version, PreviousRevision: previous, Status: last.Info.Status.String(),
		Description: last.Info.Description, Workloads: workloadsOf(s, last),
	}, nil
}

func workloadsOf(s *diagnose.Snapshot, last *helmrelease.Release) []Workload {
	wanted, err := parseManifest(last.Manifest)
	if err != nil {
		return nil
	}
	return observed(s.Workloads(wanted.workloads()))
}
