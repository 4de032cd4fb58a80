package pipeline

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"todo-chatbot/mage/chart"
)

// featuresDir has a values file for each feature of the chart that the environments
// may not use.
const featuresDir = "test/render/features"

// Lint checks chart and values without a cluster: each environment, the
// environments of one cluster together, and each feature of the chart. The error
// holds all findings.
func Lint(environments ...*Pipeline) error {
	if len(environments) == 0 {
		return nil
	}
	var features errgroup.Group // at the same time as the environments: both take seconds
	features.Go(environments[0].lintFeatures)
	var errs []error
	onCluster := map[string][]chart.Rendered{}
	for _, p := range environments {
		rendered, err := p.reportCheck(chart.Options{})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		cluster := p.env.Cluster.Provider + "/" + p.env.Cluster.Name
		onCluster[cluster] = append(onCluster[cluster], rendered)
	}
	for _, cluster := range slices.Sorted(maps.Keys(onCluster)) {
		together := onCluster[cluster]
		if err := chart.Fit(together[0].Options.Capacity, together...); err != nil {
			errs = append(errs, usageError(fmt.Errorf("environments on cluster %q: %w", cluster, err)))
		}
	}
	return errors.Join(append(errs, features.Wait())...)
}

// lintFeatures checks the chart with the values of every feature.
func (p *Pipeline) lintFeatures() error {
	files, err := filepath.Glob(filepath.Join(p.env.Root, featuresDir, "*.yaml"))
	if err != nil || len(files) == 0 {
		return err
	}
	step := p.opts.Progress.Start("chart", "features")
	errs := make([]error, len(files))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, file := range files {
		group.Go(func() error {
			errs[i] = p.lintFeature(file)
			return nil
		})
	}
	_ = group.Wait() // errs has the errors
	if err := errors.Join(errs...); err != nil {
		return step.Fail(usageError(err))
	}
	step.Done("valid", fmt.Sprintf("%d values files", len(files)))
	return nil
}

func (p *Pipeline) lintFeature(file string) error {
	name := strings.TrimSuffix(filepath.Base(file), ".yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read values of feature %q: %w", name, err)
	}
	layer, err := chart.ParseLayer(file, data)
	if err == nil {
		_, err = chart.Check(p.chartDir(), chart.Compose(layer), chart.Options{
			Release: p.env.Release, Namespace: p.env.Namespace, KubeVersion: chart.NewestKubernetes, NoHelmLint: true,
		})
	}
	if err != nil {
		return fmt.Errorf("chart with feature %q: %w", name, err)
	}
	return nil
}
