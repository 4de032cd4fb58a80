package release

import (
	"context"
	"errors"
	"fmt"

	"helm.sh/helm/v3/pkg/action"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

// Plan lists the changes that a deploy of a Spec would make.
type Plan struct {
	Revision int       // the one whose objects are in the cluster; 0 without one
	Diff     string    // of the manifests, hooks included; empty if they are equal
	Reason   string    // why a deploy would change something; empty if it would not
	Refused  []Refusal // changes that the API server refuses
}

// Plan finds the changes that Apply would make, and changes nothing. The manifests
// are rendered for this cluster, as Helm does. The values of Secrets and the texts of
// hide are masked.
func (m *Manager) Plan(ctx context.Context, spec Spec, hide ...string) (Plan, error) {
	if err := m.check(&spec); err != nil {
		return Plan{}, err
	}
	state, err := m.Determine(ctx, spec)
	if err != nil {
		return Plan{}, err
	}
	var plan Plan
	if state.Condition != InSync {
		plan.Reason = state.Reason
	}
	now, err := m.current(ctx, spec.Name)
	if err != nil {
		return Plan{}, err
	}
	if now != nil {
		plan.Revision = now.Version
	}
	as := install
	if now != nil {
		as = upgrade
	}
	wanted, err := m.render(ctx, spec, as)
	if err != nil {
		return Plan{}, fmt.Errorf("render release %q: %w", spec.Name, err)
	}
	if plan.Diff, err = revisionDiff(now, wanted, "wanted", masking(hide)); err != nil {
		return Plan{}, fmt.Errorf("compare release %q with the wanted manifests: %w", spec.Name, err)
	}
	if now != nil {
		if plan.Refused, err = m.refusals(ctx, now, wanted); err != nil {
			return Plan{}, err
		}
	}
	return plan, nil
}

// Values are the values of the revision whose objects are in the cluster, nil without
// one.
func (m *Manager) Values(ctx context.Context, name string) (map[string]any, error) {
	now, err := m.current(ctx, name)
	if err != nil || now == nil {
		return nil, err
	}
	return copyValues(now.Config)
}

// current is the revision whose objects are in the cluster, nil without one.
func (m *Manager) current(ctx context.Context, name string) (*helmrelease.Release, error) {
	records, err := m.history(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return inCluster(records), nil
}

// operation says for what a chart is rendered; templates can ask for it.
type operation string

const (
	install operation = "install"
	upgrade operation = "upgrade"
)

// render is Helm's dry run of an installation, also for an upgrade: the dry run of an
// upgrade fails if a killed run left a pending revision.
func (m *Manager) render(ctx context.Context, spec Spec, as operation) (*helmrelease.Release, error) {
	stored, err := storedChart(spec.Chart)
	if err != nil {
		return nil, err
	}
	cfg, err := m.configuration(ctx, func(string, ...any) {})
	if err != nil {
		return nil, err
	}
	values, err := copyValues(spec.Values)
	if err != nil {
		return nil, err
	}
	a := action.NewInstall(cfg)
	a.ReleaseName, a.Namespace = spec.Name, spec.Namespace
	a.DryRun, a.Replace, a.IsUpgrade = true, true, as == upgrade
	a.DisableOpenAPIValidation = true
	return await(ctx, cancelGrace, func() (*helmrelease.Release, error) { return a.Run(stored, values) })
}
