package release

import (
	"context"
	"errors"
	"fmt"
	"time"

	helmrelease "helm.sh/helm/v3/pkg/release"
)

// Condition says where a release stands against its Spec.
type Condition string

// Conditions of a release.
const (
	Absent    Condition = "absent"      // no revision is installed
	Pending   Condition = "pending"     // a run was killed in the middle; Apply recovers it
	Failed    Condition = "failed"      // the last revision failed
	OutOfSync Condition = "out of sync" // chart, values or cluster differ from what is wanted
	InSync    Condition = "in sync"     // nothing to do
)

// State is a Condition, why, and the last revision (0 when absent).
type State struct {
	Condition Condition
	Reason    string
	Revision  int

	settling bool // everything is applied, only pods are not ready: wait, make no revision
}

// Determine finds out where the release stands, and changes nothing.
//
// InSync means: the last revision is deployed and was seen ready; it was made from
// the same chart (subcharts included) and values; its objects are in the cluster; and its
// Deployments and StatefulSets run the wanted images with all replicas ready at
// their current generation. Other fields edited by hand are not looked at.
//
// Pending means abandoned: who keeps two runs apart does so before calling.
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
		state.Reason, state.settling = fmt.Sprintf("revision %d was not seen ready", last.Version), true
	}
	if state.Reason == "" {
		return State{Condition: InSync, Reason: "chart, values and cluster are as wanted", Revision: last.Version}, nil
	}
	return state, nil
}

// recordState is what the last record alone tells; false when it is a deployed
// revision that must be compared.
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
		state.Reason = fmt.Sprintf("revision %d was uninstalled and its history kept", last.Version)
	case status == helmrelease.StatusFailed:
		state.Condition = Failed
		state.Reason = fmt.Sprintf("revision %d failed: %s", last.Version, last.Info.Description)
	default:
		state.Condition = Failed
		state.Reason = fmt.Sprintf("revision %d is %s and none is deployed", last.Version, status)
	}
	return state, true
}

func since(r *helmrelease.Release) string {
	if r.Info.LastDeployed.IsZero() {
		return "earlier"
	}
	return "at " + r.Info.LastDeployed.UTC().Format(time.RFC3339)
}
