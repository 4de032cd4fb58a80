package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"todo-chatbot/mage/chart"
	"todo-chatbot/mage/cluster"
)

// chartRepository is what the registry calls the folder of charts; Helm adds the
// chart's name.
const chartRepository = "charts"

var errNoRegistry = errors.New("the cluster's image registry does not answer, or not as it should: `mage cluster:up` brings it up")

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

// PushChart puts the chart's package into the cluster's registry and returns the
// address at which the helm command of this machine finds it.
func (p *Pipeline) PushChart(ctx context.Context) (address string, err error) {
	packed, err := p.PackChart()
	if err != nil {
		return "", err
	}
	err = p.exclusive(ctx, "chart:push", func(ctx context.Context) error {
		c, closeCluster, err := p.running(ctx)
		if err != nil {
			return err
		}
		defer closeCluster()
		address, err = p.pushChart(ctx, c.Registry, packed)
		return err
	})
	return address, err
}

func (p *Pipeline) pushChart(ctx context.Context, to cluster.Registry, packed *chart.Package) (string, error) {
	repo := chartRepository + "/" + packed.Name
	step := p.opts.Progress.Start("chart", repo+":"+packed.Tag())
	if to.Push == "" {
		return "", step.Fail(errNoRegistry)
	}
	publisher, err := p.publisher(to)
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
	address := "oci://" + to.Push + "/" + repo + "@" + digest.String()
	there, err := publisher.Holds(ctx, repo, packed.Tag(), digest)
	if err != nil {
		return "", step.Fail(err)
	}
	if there {
		step.Done("unchanged", digest.String()[:19]+"… is in the registry")
		return address, nil
	}
	if _, err := publisher.Publish(ctx, repo, artifact, []string{packed.Tag()}); err != nil {
		return "", step.Fail(err)
	}
	step.Done("pushed", fmt.Sprintf("%.1f kB", float64(packed.Size())/1e3))
	return address, nil
}
