package release

import (
	"context"
	"errors"
	"fmt"

	helmrelease "helm.sh/helm/v3/pkg/release"
)

// Foreign says that a release of the wanted name was not made by this pipeline,
// which therefore neither upgrades nor removes it.
type Foreign struct {
	Namespace, Name string
	Why             string
}

func (f *Foreign) Error() string {
	return fmt.Sprintf("release %q in namespace %q was not made by this pipeline: %s", f.Name, f.Namespace, f.Why)
}

// Own makes sure that a release is this pipeline's: it is of the chart of that
// name, and at least one of its revisions carries the inputs that this package
// records. So a revision that somebody else made of our release is a change to
// it, as others are, and a release of another chart, or one that helm itself
// installed, is *Foreign. A release that is not there is nobody's, and no error.
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

// foreign says why a release with these records, oldest first, is not ours.
func foreign(records []*helmrelease.Release, chartName string) string {
	last := records[len(records)-1]
	if last.Info.Status == helmrelease.StatusUninstalled {
		return "" // nothing of it is there but its history
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
