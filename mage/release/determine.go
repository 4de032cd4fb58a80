package release

import (
	"context"
	"errors"
	"fmt"
	"time"

	helmrelease "helm.sh/helm/v3/pkg/release"
)

// Condition compares a release with its Spec.
type Condition string

// Conditions of a release.
const (
	Absent    Condition = "absent"      // no revision is installed
	Pending   Condition = "pending"     // a killed run left a pending revision, which Apply marks failed
	Failed    Condition = "failed"      // the last revision failed
	OutOfSync Condition = "out of sync" // chart, values or cluster differ from the Spec
	InSync    Condition = "in sync"     // nothing to do
)

// State is a Condition with its reason and the last revision (0 when absent).
type State struct {
	Condition Condition
	Reason    string
	Revision  int

	settling bool // everything is applied, and only pods are not ready: wait without a new revision
}

// Determine compares the release with spec and changes nothing.
//
// InSync means that the last revision is deployed and was seen ready, that it has
// the same chart (with subcharts) and values, that its objects are in the cluster,
// and that its Deployments and StatefulSets run the wanted images with all replicas
// ready at their current generation. Other fields that were edited by hand are not
// compared.
//
// Pending means abandoned: the caller prevents two runs at the same time.
func (m *Manager) Determine(ctx context.Context, spec Spec) (State, error) {
	if err := m.check(&spec); err != nil {
		return State{}, err
	}
	last, err := m.last(ctx, spec.Name)
	if errors.Is(err, ErrNotFound) {
		return State{Condition: Absent, Reason: fmt.Sprintf("no release %q in namespace %q", spec.Name, m.namespace)}, nil
	}
	if err != nil {
		return State{}, err
	}
	if state, settled := recordState(last); settled {
		return state, nil
	}
	state := State{Condition: OutOfSync, Revision: last.Version}
	state.Reason, err = chartChange(last.Chart, spec.Chart)
	if err == nil && state.Reason == "" {
		state.Reason, err = valuesChange(last.Config, spec.Values)
	}
	if err == nil && state.Reason == "" {
		state.Reason, state.settling, err = m.drift(ctx, last)
	}
	if err != nil {
		return State{}, fmt.Errorf("determine the state of release %q: %w", spec.Name, err)
	}
	if state.Reason == "" && neverReady(last) {
		state.Reason, state.settling = fmt.Sprintf("the pods of revision %d were not seen ready", last.Version), true
	}
	if state.Reason == "" {
		return State{Condition: InSync, Reason: "chart, values and cluster match", Revision: last.Version}, nil
	}
	return state, nil
}

// recordState is the state that follows from the last record alone. It is false for a
// deployed revision, which must be compared.
func recordState(last *helmrelease.Release) (State, bool) {
	state := State{Revision: last.Version}
	status := last.Info.Status
	switch {
	case status == helmrelease.StatusDeployed:
		return state, false
	case status.IsPending(), status == helmrelease.StatusUninstalling:
		state.Condition = Pending
		state.Reason = fmt.Sprintf("revision %d was left %s by a run that was killed %s", last.Version, status, since(last))
	case status == helmrelease.StatusUninstalled:
		state.Condition = Absent
		state.Reason = fmt.Sprintf("revision %d was uninstalled, and its history was kept", last.Version)
	case status == helmrelease.StatusFailed:
		state.Condition = Failed
		state.Reason = fmt.Sprintf("revision %d failed: %s", last.Version, last.Info.Description)
	default:
		state.Condition = Failed
		state.Reason = fmt.Sprintf("revision %d is %s, and no revision is deployed", last.Version, status)
	}
	return state, true
}

func since(r *helmrelease.Release) string {
	if r.Info.LastDeployed.IsZero() {
		return "earlier"
	}
	return "at " + r.Info.LastDeployed.UTC().Format(time.RFC3339)
}
