package release

import (
	"context"
	"errors"
	"fmt"

	helmrelease "helm.sh/helm/v3/pkg/release"

	"todo-chatbot/mage/diagnose"
	"todo-chatbot/mage/progress"
)

// Observation is the state of a release in its records and in the cluster.
type Observation struct {
	Revision         int
	PreviousRevision int    // the last revision before this action; 0 when there was none
	Status           string // of the revision, as Helm names it: deployed, failed …
	Description      string
	Workloads        []Workload
}

// Apply makes the release match spec, starting from the state that Determine
// returned. It returns when every Deployment and StatefulSet is rolled out and no
// Service sends requests to a pod of an older revision. It changes nothing in a
// release that is InSync, and makes no revision where only pods are not ready. A
// revision that a killed run left pending is marked failed first.
//
// Apply rolls nothing back, so that the evidence stays: Fallback tells which
// revision to roll back to. If the pods do not become ready, the error is a
// *diagnose.Failure and the revision is marked failed. When ctx ends, Apply
// returns within seconds and leaves no pending revision.
func (m *Manager) Apply(ctx context.Context, spec Spec, state State) (Observation, error) {
	if err := m.check(&spec); err != nil {
		return Observation{}, err
	}
	step := m.progress.Start("release", m.namespace+"/"+spec.Name)
	ctx, cancel := context.WithTimeoutCause(ctx, spec.Timeout, timeLimit(spec.Timeout))
	defer cancel()
	if state.Condition != InSync && !state.settling {
		step.Update("%s", state.Reason)
		if err := m.newRevision(ctx, spec, step); err != nil {
			return Observation{PreviousRevision: state.Revision}, step.Fail(err)
		}
	}
	var obs Observation
	var err error
	if state.Condition == InSync {
		obs, err = m.observe(ctx, spec.Name, state.Revision)
	} else {
		obs, err = m.waitReady(ctx, spec.Name, state.Revision, seenReady, step)
	}
	if err != nil {
		return obs, step.Fail(err)
	}
	if state.Condition == InSync {
		step.Done("unchanged", fmt.Sprintf("revision %d", obs.Revision))
	} else {
		step.Done(fmt.Sprintf("revision %d", obs.Revision), outcome(obs, state))
	}
	return obs, nil
}

func outcome(obs Observation, before State) string {
	switch {
	case obs.Revision == before.Revision && before.settling:
		return "unchanged, its pods became ready"
	case obs.Revision == before.Revision:
		return "unchanged"
	case obs.PreviousRevision == 0:
		return "installed"
	}
	return fmt.Sprintf("was %d: %s", obs.PreviousRevision, before.Reason)
}

// waitReady waits for the pods of the last revision and records the result; if
// they become ready, description is recorded.
func (m *Manager) waitReady(ctx context.Context, name string, previous int, description string, step *progress.Step) (Observation, error) {
	last, err := m.last(ctx, name)
	if err != nil {
		return Observation{}, err
	}
	wanted, err := parseManifest(last.Manifest)
	if err != nil {
		return Observation{}, err
	}
	if err := m.waitRollout(ctx, wanted, step); err != nil {
		return m.recordNotReady(ctx, last, previous, err)
	}
	// ctx may have reached the time bound while the last snapshot was taken.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), freshBudget)
	defer cancel()
	if neverReady(last) {
		if err := m.mark(ctx, last, helmrelease.StatusDeployed, description); err != nil {
			return Observation{Revision: last.Version, PreviousRevision: previous}, err
		}
	}
	return m.observe(ctx, name, previous)
}

// recordNotReady records why a wait ended without success. An interrupted wait
// does not fail the revision: the next run continues to wait for its pods.
func (m *Manager) recordNotReady(ctx context.Context, last *helmrelease.Release, previous int, cause error) (Observation, error) {
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
