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

// testDockerfile is the name of the Dockerfile with an image's checks. Its build runs
// them, with the same bases and packages as the image.
const testDockerfile = "test.Dockerfile"

// TestImages runs the checks of all images that have any. The build cache answers for
// steps whose inputs did not change.
func (p *Pipeline) TestImages(ctx context.Context) error {
	checks, err := p.imageChecks()
	if err != nil {
		return err
	}
	return p.exclusive(ctx, "test:unit", func(ctx context.Context) error {
		s, err := p.services.start(ctx)
		if err != nil {
			return err
		}
		defer s.close()
		if err := checkBases(ctx, s.supply, checks); err != nil {
			return err
		}
		images := p.newImageRun(ctx, s)
		if _, err := images.builder(); err != nil {
			return err
		}
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(1) // their tests measure time, and their type checkers need memory
		for _, src := range checks {
			group.Go(func() error { return images.check(ctx, src) })
		}
		return group.Wait()
	})
}

// check runs the checks of one image.
func (r *imageRun) check(ctx context.Context, src *image.Input) error {
	if err := r.load(ctx, src); err != nil {
		return fmt.Errorf("checks of image %q: %w", src.Name, err)
	}
	step := r.p.opts.Progress.Start("test", src.Name)
	builder, err := r.builder()
	if err != nil {
		return step.Fail(err)
	}
	if _, err := builder.Build(ctx, src, step); err != nil {
		return step.Fail(fmt.Errorf("checks of image %q: %w", src.Name, err))
	}
	step.Done("passed", "")
	return nil
}

// imageChecks returns the sources of the checks. Their context is the folder of all
// images, so that checks can use files of other images.
func (p *Pipeline) imageChecks() ([]*image.Input, error) {
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
			return nil, usageError(err)
		}
		checks = append(checks, check)
	}
	return checks, nil
}
