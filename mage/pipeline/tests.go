package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"todo-chatbot/mage/image"
)

// testDockerfile is what an image's folder calls the Dockerfile of its checks.
// Building it runs them, with the very bases and packages that the image has.
const testDockerfile = "test.Dockerfile"

// TestImages runs the checks of every image that has any. Steps whose inputs
// did not change come from the build cache.
func (p *Pipeline) TestImages(ctx context.Context) error {
	checks, err := p.checks()
	if err != nil {
		return err
	}
	return p.exclusive(ctx, "test:unit", func(ctx context.Context) error {
		made, err := p.wire(ctx)
		if err != nil {
			return err
		}
		defer made.close()
		if err := p.obtainable(ctx, made, checks); err != nil {
			return err
		}
		builder, err := p.builder(ctx, made)
		if err != nil {
			return err
		}
		run := &imageRun{p: p, made: made}
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(1) // their tests watch the clock, and their type checkers want memory
		for _, src := range checks {
			group.Go(func() error {
				if err := run.load(ctx, src); err != nil {
					return fmt.Errorf("checks of image %q: %w", src.Name, err)
				}
				step := p.opts.Progress.Start("test", src.Name)
				if _, err := builder.Build(ctx, src, step); err != nil {
					return step.Fail(fmt.Errorf("checks of image %q: %w", src.Name, err))
				}
				step.Done("passed", "")
				return nil
			})
		}
		return group.Wait()
	})
}

func (p *Pipeline) checks() ([]*image.Input, error) {
	all, err := p.sources()
	if err != nil {
		return nil, err
	}
	var checks []*image.Input
	for _, src := range all {
		path := filepath.Join(src.Context, testDockerfile)
		_, err := os.Stat(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look for the checks of image %q: %w", src.Name, err)
		}
		check, err := image.Open(image.Source{
			Name: src.Name + "-checks", Context: filepath.Dir(src.Context), Dockerfile: path, Platform: src.Platform,
		})
		if err != nil {
			return nil, usage(err)
		}
		checks = append(checks, check)
	}
	return checks, nil
}
