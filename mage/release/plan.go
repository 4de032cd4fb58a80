package release

import (
	"context"
	"errors"
	"fmt"

	"helm.sh/helm/v3/pkg/action"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

// Plan is what a deploy of a Spec would change.
type Plan struct {
	Revision int       // whose objects the cluster has; 0 without one
	Diff     string    // of the manifests, hooks included; "" when none differs
	Reason   string    // for which a deploy would act; "" when it would not
	Refused  []Refusal // changes that the API server would not take
}

// Plan finds out what Apply would change, and changes nothing. The manifests are
// rendered as Helm would render them now, for this cluster. Secrets and the texts
// of hide are masked.
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
	wanted, err := m.render(ctx, spec, now != nil)
	if err != nil {
		return Plan{}, fmt.Errorf("render release %q: %w", spec.Name, err)
	}
	if plan.Diff, err = revisionDiff(now, wanted, "wanted", masking(hide)); err != nil {
		return Plan{}, fmt.Errorf("compare release %q with what is wanted: %w", spec.Name, err)
	}
	if now != nil {
		if plan.Refused, err = m.refusals(ctx, now, wanted); err != nil {
			return Plan{}, err
		}
	}
	return plan, nil
}

// Values are those that the release was last given and the cluster has; nil
// without a release.
func (m *Manager) Values(ctx context.Context, name string) (map[string]any, error) {
	now, err := m.current(ctx, name)
	if err != nil || now == nil {
		return nil, err
	}
	return copyValues(now.Config)
}

// current is the revision whose objects the cluster has, nil without one.
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

// render is Helm's dry run. That of an installation also serves for an upgrade:
// the one of an upgrade stumbles over what a killed run left.
func (m *Manager) render(ctx context.Context, spec Spec, upgrade bool) (*helmrelease.Release, error) {
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
	a.DryRun, a.Replace, a.IsUpgrade = true, true, upgrade
	a.DisableOpenAPIValidation = true
	return await(ctx, cancelGrace, func() (*helmrelease.Release, error) { return a.Run(stored, values) })
}
