package targets

import (
	"context"
	"errors"
	"fmt"
	"os"

	"todo-chatbot/mage/config"
	"todo-chatbot/mage/pipeline"
)

// ChartLint checks the chart with the values of all environments and features.
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
	shared := reporter()
	for _, name := range names {
		p, err := open(Flags{Env: &name}, shared)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		environments = append(environments, p)
	}
	return exit(errors.Join(append(errs, pipeline.Lint(environments...))...))
}

// ChartTemplate prints the manifests of an environment.
func ChartTemplate(f Flags) error {
	return with(f, func(p *pipeline.Pipeline) error { return p.Template(os.Stdout) })
}

// ChartPackage writes the chart to build/charts if it passes all checks.
func ChartPackage() error {
	if err := ChartLint(); err != nil {
		return err
	}
	return with(Flags{}, func(p *pipeline.Pipeline) error {
		packed, err := p.PackChart()
		if err == nil {
			fmt.Fprintf(os.Stdout, "package %s\n", packed.File)
		}
		return err
	})
}

// ChartPush pushes the chart to the cluster's registry if it passes all checks.
func ChartPush(ctx context.Context, f Flags) error {
	if err := ChartLint(); err != nil {
		return err
	}
	return with(f, func(p *pipeline.Pipeline) error {
		reference, err := p.PushChart(ctx)
		if err == nil {
			fmt.Fprintf(os.Stdout, "chart %s\n", reference)
		}
		return err
	})
}
