package release

import (
	"context"
	"errors"
	"fmt"

	helmrelease "helm.sh/helm/v3/pkg/release"
)

// Foreign says that this pipeline did not make a release, and therefore neither
// upgrades nor removes it.
type Foreign struct {
	Namespace, Name string
	Why             string
}

func (f *Foreign) Error() string {
	return fmt.Sprintf("release %q in namespace %q was not made by this pipeline: %s", f.Name, f.Namespace, f.Why)
}

// Own checks that this pipeline made a release: the release has the chart of that
// name, and at least one of its revisions has the digests that this package records.
// A release of another chart, or one that helm installed, gives *Foreign. A release
// without records is not an error.
func (m *Manager) Own(ctx context.Context, name, chartName string) error {
	records, err := m.history(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if why := foreign(records, chartName); why != "" {
		return &Foreign{Namespace: m.namespace, Name: name, Why: why}
	}
	return nil
}

// foreign says why this pipeline did not make a release with these records, oldest
// first; it is empty if it did.
func foreign(records []*helmrelease.Release, chartName string) string {
	last := records[len(records)-1]
	if last.Info.Status == helmrelease.StatusUninstalled {
		return "" // only its history exists
	}
	if got := nameOf(last); got != chartName {
		return fmt.Sprintf("revision %d is of chart %q", last.Version, got)
	}
	for _, r := range records {
		if nameOf(r) == chartName && recordedInputs(r.Chart) != nil {
			return ""
		}
	}
	return fmt.Sprintf("its chart is %q, and another tool installed it", chartName)
}

func nameOf(r *helmrelease.Release) string {
	if r.Chart == nil || r.Chart.Metadata == nil {
		return ""
	}
	return r.Chart.Metadata.Name
}
