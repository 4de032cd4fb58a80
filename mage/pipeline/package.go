package pipeline

import (
	"context"
	"fmt"
	"path/filepath"

	"todo-chatbot/mage/chart"
	"todo-chatbot/mage/cluster"
)

// chartRepository is the folder of charts in the registry. Helm adds the chart's name.
const chartRepository = "charts"

// PackChart writes the chart to build/charts as one file.
func (p *Pipeline) PackChart() (*chart.Package, error) {
	step := p.opts.Progress.Start("chart", "package")
	packed, err := chart.Pack(p.chartDir(), filepath.Join(p.env.Root, "build", "charts"))
	if err != nil {
		return nil, step.Fail(err)
	}
	step.Done("written", fmt.Sprintf("%s %s, %.1f kB", packed.Name, packed.Version, float64(packed.Size())/1e3))
	return packed, nil
}

// PushChart pushes the chart's package to the cluster's registry and returns its
// reference for the helm command of this machine.
func (p *Pipeline) PushChart(ctx context.Context) (reference string, err error) {
	packed, err := p.PackChart()
	if err != nil {
		return "", err
	}
	err = p.exclusive(ctx, "chart:push", func(ctx context.Context) error {
		return p.withTarget(ctx, func(s *services, t target) error {
			reference, err = p.pushChart(ctx, s, t.cluster.Registry, packed)
			return err
		})
	})
	return reference, err
}

func (p *Pipeline) pushChart(ctx context.Context, s *services, to cluster.Registry, packed *chart.Package) (string, error) {
	repo := chartRepository + "/" + packed.Name
	step := p.opts.Progress.Start("chart", repo+":"+packed.Tag())
	if to.Push == "" {
		return "", step.Fail(errNoRegistry)
	}
	registry, err := s.registry(to)
	if err != nil {
		return "", step.Fail(err)
	}
	artifact, err := packed.Image()
	if err != nil {
		return "", step.Fail(err)
	}
	digest, err := artifact.Digest()
	if err != nil {
		return "", step.Fail(fmt.Errorf("digest of chart %q: %w", packed.Name, err))
	}
	reference := "oci://" + to.Push + "/" + repo + "@" + digest.String()
	there, err := registry.Holds(ctx, repo, packed.Tag(), digest)
	if err != nil {
		return "", step.Fail(err)
	}
	if there {
		step.Done("unchanged", digest.String()[:19]+"… is in the registry")
		return reference, nil
	}
	if _, err := registry.Publish(ctx, repo, artifact, []string{packed.Tag()}); err != nil {
		return "", step.Fail(err)
	}
	step.Done("pushed", fmt.Sprintf("%.1f kB", float64(packed.Size())/1e3))
	return reference, nil
}
