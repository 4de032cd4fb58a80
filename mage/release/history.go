package release

import (
	"context"
	"fmt"
	"time"

	"helm.sh/helm/v3/pkg/action"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

// Revision is one record of a release.
type Revision struct {
	Number      int
	Status      string // Helm's word: deployed, superseded, failed …
	Updated     time.Time
	Chart       string // name-version
	AppVersion  string
	Description string
}

// History gives the revisions of a release, oldest first, or ErrNotFound. At
// most the last ten are kept.
func (m *Manager) History(ctx context.Context, name string) ([]Revision, error) {
	records, err := m.history(ctx, name)
	if err != nil {
		return nil, err
	}
	var out []Revision
	for _, r := range records {
		rev := Revision{
			Number: r.Version, Status: r.Info.Status.String(),
			Updated: r.Info.LastDeployed.Time, Description: r.Info.Description,
		}
		if r.Chart != nil && r.Chart.Metadata != nil {
			rev.Chart = r.Chart.Metadata.Name + "-" + r.Chart.Metadata.Version
			rev.AppVersion = r.Chart.Metadata.AppVersion
		}
		out = append(out, rev)
	}
	return out, nil
}

// Status is what the records and the cluster hold of a release now, or
// ErrNotFound.
func (m *Manager) Status(ctx context.Context, name string) (Observation, error) {
	records, err := m.history(ctx, name)
	if err != nil {
		return Observation{}, err
	}
	previous := 0
	if len(records) > 1 {
		previous = records[len(records)-2].Version
	}
	return m.observe(ctx, name, previous)
}

// Rollback makes a new revision like an earlier one and waits for it as Apply
// does. Revision 0 means the last one before the newest that was once deployed.
func (m *Manager) Rollback(ctx context.Context, name string, revision int) (Observation, error) {
	step := m.progress.Start("rollback", m.namespace+"/"+name)
	ctx, cancel := context.WithTimeoutCause(ctx, m.timeout, timeLimit(m.timeout))
	defer cancel()
	records, err := m.history(ctx, name)
	if err != nil {
		return Observation{}, step.Fail(err)
	}
	target, err := rollbackTarget(records, revision)
	if err != nil {
		return Observation{}, step.Fail(fmt.Errorf("roll back release %q in namespace %q: %w", name, m.namespace, err))
	}
	last := records[len(records)-1]
	if err := m.abandon(ctx, records, "abandoned by a run that was killed"); err != nil {
		return Observation{}, step.Fail(err)
	}
	err = m.helm(ctx, "roll back", name, step, func(cfg *action.Configuration) error {
		a := action.NewRollback(cfg)
		a.Version = target
		a.Timeout = m.timeout // of hooks
		a.MaxHistory = keptRevisions
		return a.Run(name)
	})
	if err != nil {
		return Observation{PreviousRevision: last.Version}, step.Fail(err)
	}
	obs, err := m.prove(ctx, name, last.Version, step)
	if err != nil {
		return obs, step.Fail(err)
	}
	step.Done(fmt.Sprintf("revision %d", obs.Revision), fmt.Sprintf("like %d, was %d", target, last.Version))
	return obs, nil
}

func rollbackTarget(records []*helmrelease.Release, wanted int) (int, error) {
	last := records[len(records)-1]
	for i := len(records) - 1; i >= 0; i-- {
		r := records[i]
		if wanted != 0 {
			if r.Version == wanted {
				return wanted, nil
			}
			continue
		}
		once := r.Info.Status == helmrelease.StatusSuperseded || r.Info.Status == helmrelease.StatusDeployed
		if r != last && once {
			return r.Version, nil
		}
	}
	if wanted != 0 {
		return 0, fmt.Errorf("there is no revision %d, the records have %d to %d", wanted, records[0].Version, last.Version)
	}
	return 0, fmt.Errorf("no revision before %d was ever deployed", last.Version)
}
