package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/action"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

// Revision is one record of a release.
type Revision struct {
	Number      int
	Status      string // as Helm names it: deployed, superseded, failed …
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
	return revisions(records), nil
}

func revisions(records []*helmrelease.Release) []Revision {
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
	return out
}

// Status is the present state of a release in its records and in the cluster, or
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

// UnknownRevision says why a release cannot be rolled back to a revision.
type UnknownRevision struct {
	Release string // namespace/name
	Wanted  int
	Why     string
}

func (u *UnknownRevision) Error() string {
	return fmt.Sprintf("roll back release %s to revision %d: %s", u.Release, u.Wanted, u.Why)
}

// Rollback makes a new revision from an earlier one and waits for it as Apply does,
// for at most Options.Timeout. Revision 0 means the last revision before the newest
// that served. If the revision does not exist or is the newest, the error is an
// *UnknownRevision and nothing changes.
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
		return Observation{}, step.Fail(err)
	}
	last := records[len(records)-1]
	if err := m.abandon(ctx, records, "abandoned by a run that was killed"); err != nil {
		return Observation{}, step.Fail(err)
	}
	failed := failedRevisions(records)
	err = m.runHelm(ctx, "roll back", name, step, func(cfg *action.Configuration) error {
		a := action.NewRollback(cfg)
		a.Version = target
		a.Timeout = m.timeout // of hooks
		a.MaxHistory = keptRevisions
		return a.Run(name)
	})
	if err != nil {
		fresh, cancel := context.WithTimeout(context.WithoutCancel(ctx), freshBudget)
		defer cancel()
		return Observation{PreviousRevision: last.Version}, step.Fail(errors.Join(err, m.keepFailed(fresh, name, failed)))
	}
	like := fmt.Sprintf("like revision %d", target)
	if err := m.markNotSeenReady(ctx, name, like); err != nil {
		return Observation{PreviousRevision: last.Version}, step.Fail(err)
	}
	obs, err := m.waitReady(ctx, name, last.Version, seenReady+", "+like, step)
	if err != nil {
		return obs, step.Fail(err)
	}
	step.Done(fmt.Sprintf("revision %d", obs.Revision), fmt.Sprintf("like %d, was %d", target, last.Version))
	return obs, nil
}

// markNotSeenReady records that the pods of the last revision were not seen ready:
// Helm takes no description for a rollback.
func (m *Manager) markNotSeenReady(ctx context.Context, name, what string) error {
	last, err := m.last(ctx, name)
	if err != nil {
		return err
	}
	return m.mark(ctx, last, helmrelease.StatusDeployed, notSeenReady+", "+what)
}

func rollbackTarget(records []*helmrelease.Release, wanted int) (int, error) {
	last := records[len(records)-1]
	unknown := &UnknownRevision{Release: last.Namespace + "/" + last.Name, Wanted: wanted}
	switch {
	case wanted == last.Version:
		unknown.Why = "it is the newest revision"
		return 0, unknown
	case wanted != 0:
		if slices.ContainsFunc(records, func(r *helmrelease.Release) bool { return r.Version == wanted }) {
			return wanted, nil
		}
		unknown.Why = fmt.Sprintf("there is no such revision, the records have %d to %d", records[0].Version, last.Version)
		return 0, unknown
	}
	if target := lastServed(records[:len(records)-1]); target != nil {
		return target.Version, nil
	}
	return 0, fmt.Errorf("roll back release %s: no revision before %d served", unknown.Release, last.Version)
}

// Fallback is the revision to roll back to after an Apply that failed.
type Fallback struct {
	Revision int    // the last one that served; 0 without one
	Why      string // why there is none; empty if Apply changed nothing
}

// Fallback finds the revision to roll back to after an Apply that began at state
// failed. Do not call it after an Apply that was interrupted.
func (m *Manager) Fallback(ctx context.Context, name string, state State) (Fallback, error) {
	records, err := m.history(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return Fallback{}, nil
	}
	if err != nil {
		return Fallback{}, err
	}
	return fallback(records, state), nil
}

func fallback(records []*helmrelease.Release, before State) Fallback {
	last := records[len(records)-1]
	made := last.Version > before.Revision
	switch {
	case last.Info.Status != helmrelease.StatusFailed, !made && !before.settling:
		return Fallback{}
	case !made && strings.HasPrefix(last.Info.Description, seenReady):
		return Fallback{Why: fmt.Sprintf("revision %d served before, so that this deploy made no revision to roll back", last.Version)}
	}
	if target := lastServed(records[:len(records)-1]); target != nil {
		return Fallback{Revision: target.Version}
	}
	return Fallback{Why: "no revision served before, so there is nothing to roll back to"}
}
