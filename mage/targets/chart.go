package targets

import (
	"context"
	"errors"
	"fmt"
	"os"

	"todo-chatbot/mage/config"
	"todo-chatbot/mage/pipeline"
)

// ChartLint checks the chart with the values of every environment and feature.
func ChartLint() error {
	root, err := os.Getwd()
	if err != nil {
		return exit(err)
	}
	names, err := config.Names(root)
	if err != nil {
		return exit(err)
	}
	var errs []error
	var environments []*pipeline.Pipeline
	progress := reporter()
	for _, name := range names {
		p, err := open(flags{env: &name, progress: progress})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		environments = append(environments, p)
	}
	return exit(errors.Join(append(errs, pipeline.Lint(environments...))...))
}

// ChartTemplate prints the manifests of an environment, with zeroes for digests.
func ChartTemplate(env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error { return p.Template(os.Stdout) })
}

// ChartPackage writes the chart to build/charts as one file, if it passes the gate.
func ChartPackage() error {
	if err := ChartLint(); err != nil {
		return err
	}
	return with(flags{}, func(p *pipeline.Pipeline) error {
		packed, err := p.PackChart()
		if err == nil {
			fmt.Fprintf(os.Stdout, "package %s\n", packed.File)
		}
		return err
	})
}

// ChartPush puts the chart into the cluster's registry, if it passes the gate.
func ChartPush(ctx context.Context, env *string) error {
	if err := ChartLint(); err != nil {
		return err
	}
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		address, err := p.PushChart(ctx)
		if err == nil {
			fmt.Fprintf(os.Stdout, "chart %s\n", address)
		}
		return err
	})
}
