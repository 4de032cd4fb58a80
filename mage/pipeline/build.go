package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"todo-chatbot/mage/image"
)

// Built is an image in the cluster's registry.
type Built struct {
	Name   string
	Digest name.Digest // as pods pull it
}

// Build builds the named images, or all, and pushes them to the cluster's registry.
// After an error it returns the images that the registry has.
func (p *Pipeline) Build(ctx context.Context, names ...string) (built []Built, err error) {
	sources, err := p.sources(names...)
	if err != nil {
		return nil, err
	}
	err = p.exclusive(ctx, "build", func(ctx context.Context) error {
		s, err := p.services.start(ctx)
		if err != nil {
			return err
		}
		defer s.close()
		if err := checkBases(ctx, s.supply, sources); err != nil {
			return err
		}
		images, err := p.startCluster(ctx, s)
		if err != nil {
			return err
		}
		built, err = images.publishAll(ctx, sources)
		c, clusterErr := images.cluster()
		c.Close()
		return errors.Join(err, clusterErr)
	})
	return built, err
}

// sources returns the named sources below images/, or all.
func (p *Pipeline) sources(names ...string) ([]*image.Input, error) {
	all, err := image.Discover(p.imagesDir())
	if err != nil {
		return nil, usageError(err)
	}
	if len(names) == 0 {
		return all, nil
	}
	var known []string
	var chosen []*image.Input
	for _, src := range all {
		known = append(known, src.Name)
		if slices.Contains(names, src.Name) {
			chosen = append(chosen, src)
		}
	}
	var unknown []error
	for _, wanted := range names {
		if !slices.Contains(known, wanted) {
			unknown = append(unknown, fmt.Errorf("image %q is not one of %s", wanted, strings.Join(known, ", ")))
		}
	}
	if len(unknown) > 0 {
		return nil, usageError(errors.Join(unknown...))
	}
	return chosen, nil
}

func (p *Pipeline) imagesDir() string { return filepath.Join(p.env.Root, "images") }

// repository returns the name of an image's repository in the registry.
func repository(image string) string { return "todo-chatbot/" + image }
