// Package chart is the gate for a Helm chart with the values of an environment. It
// needs no cluster and no network: it loads the chart, composes values, checks them
// against the schemas, lints, renders, and checks every manifest against Rules. It
// installs nothing; package release does.
//
// The schemas of Kubernetes objects are embedded. They are reduced from Kubernetes'
// own sources, for the oldest supported version and the newest (see
// schemas/main.go). Existing validators were not used: one embeds 61 MB of
// documents and parts of an API server, another downloads schemas while it runs.
// The rules about security, references and capacity are a few lines of Go each, so
// a policy engine is not needed.
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

// Load reads the chart in the folder dir, with the subcharts in its charts folder.
// A missing dependency is an error: Load downloads nothing.
func Load(dir string) (*chart.Chart, error) {
	if _, err := os.Stat(filepath.Join(dir, "Chart.yaml")); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("load chart %q: the folder has no Chart.yaml; name the folder of a chart", dir)
	}
	c, err := loader.LoadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("load chart %q: %w", dir, err)
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("load chart %q: %w", dir, err)
	}
	if missing := missingDependencies(c); len(missing) > 0 {
		return nil, fmt.Errorf("load chart %[1]q: Chart.yaml names dependencies that are not in %[3]q: %[2]s; copy them there or remove them from Chart.yaml",
			dir, strings.Join(missing, ", "), filepath.Join(dir, "charts"))
	}
	return c, nil
}

// missingDependencies returns the dependencies of Chart.yaml that charts/ does not
// contain in the required version.
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

// clone copies the parts of a chart that Helm changes when it resolves
// dependencies: metadata, default values and subcharts. Templates and files are
// shared.
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
