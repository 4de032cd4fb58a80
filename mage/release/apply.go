package release

import (
	"context"
	"errors"
	"fmt"
	"time"

	"helm.sh/helm/v3/pkg/action"
	helmrelease "helm.sh/helm/v3/pkg/release"
	helmtime "helm.sh/helm/v3/pkg/time"

	"todo-chatbot/mage/progress"
)

// cancelGrace is how long Helm may take to end by itself once its requests are
// cancelled. Only a hook's wait takes longer.
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
// and returns when every Deployment and StatefulSet is rolled out. InSync is
// left alone; a Pending revision is marked failed and then upgraded from; where
// only pods are not ready it waits and makes no revision.
//
// Nothing is rolled back on failure, so that the evidence stays. The error is
// then a *Failure that names the cause, and the revision is marked failed.
// When ctx ends, Apply returns within seconds and leaves no pending revision.
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
	return m.prove(ctx, spec.Name, state.Revision, step)
}

// prove waits for the last revision's pods and records when they fail.
func (m *Manager) prove(ctx context.Context, name string, previous int, step *progress.Step) (Observation, error) {
	last, err := m.last(ctx, name)
	if err != nil {
		return Observation{}, err
	}
	wanted, err := parseManifest(last.Manifest)
	if err != nil {
		return Observation{}, err
	}
	if err := m.wait(ctx, wanted.workloads(), step); err != nil {
		return m.unproven(ctx, last, previous, err)
	}
	return m.observe(ctx, name, previous)
}

// unproven records how a wait ended. An interrupted one says nothing about the
// revision, which stays deployed: the next run finds its pods ready or waits on.
func (m *Manager) unproven(ctx context.Context, last *helmrelease.Release, previous int, cause error) (Observation, error) {
	obs := Observation{Revision: last.Version, PreviousRevision: previous}
	status := helmrelease.StatusDeployed
	if failure, failed := errors.AsType[*Failure](cause); failed {
		status = helmrelease.StatusFailed
		failure.Release, failure.Revision = last.Name, last.Version
		obs.Description = failure.Error()
	} else {
		obs.Description = fmt.Sprintf("not seen ready: %v", cause)
		cause = fmt.Errorf("wait for revision %d of release %q: %w", last.Version, last.Name, cause)
	}
	obs.Status = status.String()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), freshBudget)
	defer cancel()
	if err := m.mark(ctx, last, status, obs.Description); err != nil {
		cause = errors.Join(cause, err)
	}
	if s, err := m.snapshot(ctx); err == nil {
		obs.Workloads = observed(s, last)
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
	failed := failedRevisions(records)
	if err := m.upgrade(ctx, spec, step); err != nil {
		return err
	}
	return m.keepFailed(ctx, spec.Name, failed)
}

// failedRevisions are those that ended badly, or never ended.
func failedRevisions(records []*helmrelease.Release) map[int]bool {
	failed := map[int]bool{}
	for _, r := range records {
		failed[r.Version] = r.Info.Status == helmrelease.StatusFailed || r.Info.Status.IsPending()
	}
	return failed
}

// keepFailed marks failed again what Helm now calls superseded: it does so with
// a failed revision that it upgraded from, and a rollback must not go there.
func (m *Manager) keepFailed(ctx context.Context, name string, failed map[int]bool) error {
	records, err := m.history(ctx, name)
	if err != nil {
		return err
	}
	for _, r := range records {
		if !failed[r.Version] || r.Info.Status != helmrelease.StatusSuperseded {
			continue
		}
		if err := m.mark(ctx, r, helmrelease.StatusFailed, r.Info.Description); err != nil {
			return err
		}
	}
	return nil
}

// mark writes how a revision ended.
func (m *Manager) mark(ctx context.Context, r *helmrelease.Release, status helmrelease.Status, why string) error {
	marked, info := *r, *r.Info
	marked.Info = &info
	marked.SetStatus(status, why)
	_, err := await(ctx, 0, func() (struct{}, error) { return struct{}{}, m.store().Update(&marked) })
	if err != nil {
		return fmt.Errorf("mark revision %d of release %q, left %s, as %s: %w", r.Version, r.Name, r.Info.Status, status, err)
	}
	return nil
}

func (m *Manager) install(ctx context.Context, spec Spec, replace bool, step *progress.Step) error {
	stored, err := storedChart(spec.Chart)
	if err != nil {
		return err
	}
	return m.helm(ctx, "install", spec.Name, step, func(cfg *action.Configuration) error {
		a := action.NewInstall(cfg)
		a.ReleaseName, a.Namespace = spec.Name, spec.Namespace
		a.Timeout = spec.Timeout // of hooks
		a.Replace = replace
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
	return m.helm(ctx, "upgrade", spec.Name, step, func(cfg *action.Configuration) error {
		a := action.NewUpgrade(cfg)
		a.Namespace = spec.Namespace
		a.Timeout = spec.Timeout
		a.ResetValues = true // else empty values would mean the last ones
		a.MaxHistory = keptRevisions
		a.DisableOpenAPIValidation = true
		_, err := a.Run(spec.Name, stored, copyValues(spec.Values))
		return err
	})
}

// helm runs one Helm action. Its requests end with ctx; then Helm records the
// failure itself, and what it could not record is marked here.
func (m *Manager) helm(ctx context.Context, verb, name string, step *progress.Step, run func(*action.Configuration) error) error {
	began := time.Now()
	cfg := m.configuration(ctx, lines(step))
	_, err := await(ctx, cancelGrace, func() (struct{}, error) { return struct{}{}, run(cfg) })
	if err == nil {
		return nil
	}
	interrupted := ctx.Err() != nil
	if interrupted {
		err = context.Cause(ctx)
	}
	why := fmt.Sprintf("%s was interrupted: %v", verb, err)
	err = nodeDisk.Explain(fmt.Errorf("%s release %q in namespace %q: %w", verb, name, m.namespace, err))
	fresh, cancel := context.WithTimeout(context.WithoutCancel(ctx), freshBudget)
	defer cancel()
	records, lookErr := m.history(fresh, name)
	if errors.Is(lookErr, ErrNotFound) {
		return err
	}
	if lookErr == nil {
		lookErr = m.abandon(fresh, records, why)
	}
	if lookErr == nil && interrupted {
		// Helm's own words tell which request was cut off, not that a person did it.
		if last := records[len(records)-1]; last.Info.Status == helmrelease.StatusFailed && !last.Info.LastDeployed.Before(helmtime.Time{Time: began}) {
			lookErr = m.mark(fresh, last, helmrelease.StatusFailed, why)
		}
	}
	return errors.Join(err, lookErr)
}

// abandon marks every pending revision failed.
func (m *Manager) abandon(ctx context.Context, records []*helmrelease.Release, why string) error {
	for _, r := range records {
		if !r.Info.Status.IsPending() {
			continue
		}
		if err := m.mark(ctx, r, helmrelease.StatusFailed, why); err != nil {
			return err
		}
	}
	return nil
}

// observe reads the last revision and its workloads.
func (m *Manager) observe(ctx context.Context, name string, previous int) (Observation, error) {
	last, err := m.last(ctx, name)
	if err != nil {
		return Observation{}, err
	}
	s, err := m.snapshot(ctx)
	if err != nil {
		return Observation{}, err
	}
	return Observation{
		Revision: last.Version, PreviousRevision: previous, Status: last.Info.Status.String(),
		Description: last.Info.Description, Workloads: observed(s, last),
	}, nil
}

func observed(s *snapshot, last *helmrelease.Release) []Workload {
	wanted, err := parseManifest(last.Manifest)
	if err != nil {
		return nil
	}
	var out []Workload
	for _, w := range s.workloads(wanted.workloads()) {
		out = append(out, w.observed())
	}
	return out
}
