package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
)

// Helm calls a revision deployed once its manifest is applied, even if none of its
// pods ever runs. Only a revision whose pods were seen ready is worth a rollback,
// so a revision's description begins with one of these.
const (
	notSeenReady = "not seen ready"
	seenReady    = "seen ready"
)

// records are the release records of one namespace. They are read once and kept,
// until forget says that an action may have changed them.
type records struct {
	driver driver.Driver // not bound to an action's context: a cancelled action still records its end

	mu   sync.Mutex
	kept map[string][]*helmrelease.Release // by release; empty for a release without records
}

// read gives the records of a release, oldest first, and none for a release that
// has no records.
func (r *records) read(ctx context.Context, name string) ([]*helmrelease.Release, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if kept, known := r.kept[name]; known {
		return slices.Clone(kept), nil
	}
	found, err := await(ctx, 0, func() ([]*helmrelease.Release, error) { return storage.Init(r.driver).History(name) })
	if err != nil && !errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, err
	}
	releaseutil.SortByRevision(found)
	r.kept[name] = found
	return slices.Clone(found), nil
}

// forget makes the next read ask the storage.
func (r *records) forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.kept, name)
}

// update writes one record.
func (r *records) update(ctx context.Context, changed *helmrelease.Release) error {
	_, err := await(ctx, 0, func() (struct{}, error) { return struct{}{}, storage.Init(r.driver).Update(changed) })
	if err != nil {
		r.forget(changed.Name)
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, kept := range r.kept[changed.Name] {
		if kept.Version == changed.Version {
			r.kept[changed.Name][i] = changed
		}
	}
	return nil
}

// history gives the release's records, oldest first. It is never empty: without
// records the error is ErrNotFound.
func (m *Manager) history(ctx context.Context, name string) ([]*helmrelease.Release, error) {
	records, err := m.records.read(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("read the records of release %q in namespace %q: %w", name, m.namespace, err)
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("%w: %q in namespace %q", ErrNotFound, name, m.namespace)
	}
	return records, nil
}

func (m *Manager) last(ctx context.Context, name string) (*helmrelease.Release, error) {
	records, err := m.history(ctx, name)
	if err != nil {
		return nil, err
	}
	return records[len(records)-1], nil
}

// neverReady tells whether a revision was applied and its pods were not seen
// ready, because the run was stopped. Revisions of other tools count as ready.
func neverReady(r *helmrelease.Release) bool {
	return strings.HasPrefix(r.Info.Description, notSeenReady)
}

// served tells whether the pods of a revision were all ready once.
func served(r *helmrelease.Release) bool {
	applied := r.Info.Status == helmrelease.StatusDeployed || r.Info.Status == helmrelease.StatusSuperseded
	return applied && !neverReady(r)
}

// lastServed is the newest of some records, oldest first, that served; nil
// without one.
func lastServed(records []*helmrelease.Release) *helmrelease.Release {
	for _, r := range slices.Backward(records) {
		if served(r) {
			return r
		}
	}
	return nil
}

// inCluster is the revision whose objects are in the cluster, according to the
// records: the one with status deployed, else the last one, which was applied at
// least in part. It is nil without records.
func inCluster(records []*helmrelease.Release) *helmrelease.Release {
	for _, r := range slices.Backward(records) {
		if r.Info.Status == helmrelease.StatusDeployed {
			return r
		}
	}
	if len(records) == 0 || records[len(records)-1].Info.Status == helmrelease.StatusUninstalled {
		return nil
	}
	return records[len(records)-1]
}

// failedRevisions are the revisions that failed or never ended.
func failedRevisions(records []*helmrelease.Release) map[int]bool {
	failed := map[int]bool{}
	for _, r := range records {
		failed[r.Version] = r.Info.Status == helmrelease.StatusFailed || r.Info.Status.IsPending()
	}
	return failed
}

// keepFailed marks failed revisions as failed again where Helm now calls them
// superseded: Helm does that to a failed revision after an upgrade from it, and a
// rollback must not choose it.
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

// abandon marks every pending revision as failed.
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

// mark records the status of a revision and its reason.
func (m *Manager) mark(ctx context.Context, r *helmrelease.Release, status helmrelease.Status, why string) error {
	marked, info := *r, *r.Info
	marked.Info = &info
	marked.SetStatus(status, why)
	if err := m.records.update(ctx, &marked); err != nil {
		return fmt.Errorf("mark revision %d of release %q as %s instead of %s: %w", r.Version, r.Name, status, r.Info.Status, err)
	}
	return nil
}
