package release

import (
	"context"
	"fmt"
	"strings"

	helmrelease "helm.sh/helm/v3/pkg/release"
)

// Helm calls a revision deployed once its manifests are applied, whether or not
// a pod of it ever runs. Only one whose pods were seen ready is worth going back
// to, so a revision's description begins with one of these.
const (
	notSeenReady = "not seen ready"
	seenReady    = "seen ready"
)

// neverReady says that a revision is applied and nobody saw its pods ready: the
// run that made it was stopped. Revisions of another tool are taken as good.
func neverReady(r *helmrelease.Release) bool {
	return strings.HasPrefix(r.Info.Description, notSeenReady)
}

// served says whether a revision's pods were all ready once.
func served(r *helmrelease.Release) bool {
	applied := r.Info.Status == helmrelease.StatusDeployed || r.Info.Status == helmrelease.StatusSuperseded
	return applied && !neverReady(r)
}

// lastServed is the newest of some records, oldest first, that served; nil
// without one.
func lastServed(records []*helmrelease.Release) *helmrelease.Release {
	for i := len(records) - 1; i >= 0; i-- {
		if served(records[i]) {
			return records[i]
		}
	}
	return nil
}

// inCluster is the revision whose objects the cluster has, as far as records
// tell: the one that Helm calls deployed; else the last, of which all or a part
// was applied. nil without records.
func inCluster(records []*helmrelease.Release) *helmrelease.Release {
	for i := len(records) - 1; i >= 0; i-- {
		if records[i].Info.Status == helmrelease.StatusDeployed {
			return records[i]
		}
	}
	if len(records) == 0 || records[len(records)-1].Info.Status == helmrelease.StatusUninstalled {
		return nil
	}
	return records[len(records)-1]
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
// a failed revision that it upgraded from, or could not roll back from, and a
// rollback must not go there.
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
