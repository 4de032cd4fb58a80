// Package chart answers, without a cluster and without a network, whether a
// Helm chart and the values of an environment are right: it loads the chart,
// composes values, checks them against the schemas, lints, renders, and holds
// every manifest against Rules. It installs nothing; package release does.
//
// Whether an API server would take a manifest is known from schemas that are
// part of this program: pruned from Kubernetes' own sources for the oldest
// version that is supported and the newest (see schemas/main.go). The tools that
// do the same were weighed and left: one carries 61 MB of documents and the
// machinery of an API server, the other fetches its schemas while it runs. The
// rules about security, references and room are a few lines of Go each and need
// no policy engine.
package chart

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"k8s.io/apimachinery/pkg/runtime"
)

// Load reads the chart in the folder dir, with the subcharts vendored in its
// charts folder; a dependency that is not there is an error, never a download.
func Load(dir string) (*chart.Chart, error) {
	if _, err := os.Stat(filepath.Join(dir, "Chart.yaml")); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("load chart %q: it has no Chart.yaml; give the folder of a chart", dir)
	}
	c, err := loader.LoadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("load chart %q: %w", dir, err)
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("load chart %q: %w", dir, err)
	}
	if missing := missingDependencies(c); len(missing) > 0 {
		return nil, fmt.Errorf("load chart %q: Chart.yaml names the dependencies %s, which are not in %q; copy them there or remove them from Chart.yaml",
			dir, strings.Join(missing, ", "), filepath.Join(dir, "charts"))
	}
	return c, nil
}

// missingDependencies returns what Chart.yaml asks for and charts/ does not
// hold in that version.
func missingDependencies(c *chart.Chart) []string {
	var missing []string
	for _, want := range c.Metadata.Dependencies {
		there := slices.ContainsFunc(c.Dependencies(), func(d *chart.Chart) bool {
			return d.Name() == want.Name && satisfies(want.Version, d.Metadata.Version)
		})
		if !there {
			missing = append(missing, fmt.Sprintf("%q %s", want.Name, want.Version))
		}
	}
	return missing
}

// clone copies what Helm changes in a chart when it resolves dependencies:
// metadata, default values and the tree. Templates and files are shared.
func clone(c *chart.Chart) *chart.Chart {
	md := *c.Metadata
	md.Dependencies = nil
	for _, d := range c.Metadata.Dependencies {
		dep := *d
		md.Dependencies = append(md.Dependencies, &dep)
	}
	out := &chart.Chart{
		Raw: c.Raw, Metadata: &md, Lock: c.Lock,
		Templates: c.Templates, Values: runtime.DeepCopyJSON(c.Values),
		Schema: c.Schema, Files: c.Files,
	}
	for _, d := range c.Dependencies() {
		out.AddDependency(clone(d))
	}
	return out
}
