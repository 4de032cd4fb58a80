package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/image"
	"todo-chatbot/mage/progress"
)

// repository is the registry's name for an image.
func repository(name string) string { return "todo-chatbot/" + name }

// imageValues is the place of a source's image in the chart's values. Every
// component has its own; the gateway is part of the frontend's pods.
func imageValues(source string) []string {
	if source == "gateway" {
		return []string{"frontend", "gateway", "image"}
	}
	return []string{source, "image"}
}

// Built is an image that the cluster's registry has.
type Built struct {
	Name   string
	Digest name.Digest // as pods pull it
	Key    image.Key
	Fresh  bool // it was built in this run
}

// imageRun builds and pushes the images of one run. The cluster and the
// builder are awaited only by an image that needs them.
type imageRun struct {
	p       *Pipeline
	made    *parts
	cluster func() (*cluster.Cluster, error)
	builder func() (*image.Builder, error)
	// registryFirst says that the registry was there before this run and may
	// have the image; a new one is known to be empty.
	registryFirst bool
	// mayPush asks the registry, once, whether it takes the images of this run.
	mayPush func() error
}

// missing is the failure of something that every image waits for.
type missing struct{ cause error }

func (m *missing) Error() string { return m.cause.Error() }
func (m *missing) Unwrap() error { return m.cause }

// images builds and pushes what the registry does not have. After an error it
// returns those that the registry has all the same.
func (r *imageRun) images(ctx context.Context, sources []*image.Input) ([]Built, error) {
	built := make([]Built, len(sources))
	group, ctx := errgroup.WithContext(ctx)
	r.mayPush = r.permitted(ctx, sources)
	for i, src := range sources {
		group.Go(func() error {
			var err error
			built[i], err = r.image(ctx, src)
			return err
		})
	}
	err := group.Wait()
	return slices.DeleteFunc(built, func(b Built) bool { return b.Name == "" }), err
}

func (r *imageRun) image(ctx context.Context, src *image.Input) (Built, error) {
	if err := r.load(ctx, src); err != nil {
		return Built{}, fmt.Errorf("image %q: %w", src.Name, err)
	}
	step := r.p.opts.Progress.Start("image", src.Name)
	done, err := r.make(ctx, src, step)
	var missing *missing
	if errors.As(err, &missing) {
		step.Drop() // it is not this image that failed
		return Built{}, missing.cause
	}
	if err != nil {
		return Built{}, step.Fail(r.made.engine.Explain(ctx, fmt.Errorf("image %q: %w", src.Name, err)))
	}
	return done, nil
}

func (r *imageRun) make(ctx context.Context, src *image.Input, step *progress.Step) (Built, error) {
	key := src.Key()
	if r.registryFirst {
		publisher, err := r.publisher()
		if err != nil {
			return Built{}, err
		}
		have, err := r.p.present(ctx, publisher, src)
		if err != nil {
			return Built{}, err
		}
		if have.there {
			if err := r.reuse(ctx, publisher, src, have); err != nil {
				return Built{}, err
			}
			step.Done("unchanged", key.Tag()[:16]+"… is in the registry")
			return Built{Name: src.Name, Digest: have.digest, Key: key}, nil
		}
		if err := r.mayPush(); err != nil {
			return Built{}, err
		}
	}
	img, kept := r.p.store().Find(src.Source, key)
	if !kept {
		var err error
		if img, err = r.build(ctx, src, step); err != nil {
			return Built{}, err
		}
	}
	step.Update("wait for the registry")
	publisher, err := r.publisher()
	if err != nil {
		return Built{}, err
	}
	step.Update("push")
	// The key comes last: where it is, everything is.
	publication, err := publisher.Publish(ctx, repository(src.Name), img, []string{r.p.env.Version, key.Tag()})
	if err == nil {
		err = r.p.store().Record(src.Source, key, hash(publication.Digest))
	}
	if err != nil {
		return Built{}, err
	}
	did := "built, pushed"
	if kept {
		did = "pushed" // it was built before, for another cluster or an earlier one
	}
	step.Done(did, fmt.Sprintf("%d of %d layers new, %.1f of %.1f MB", publication.NewLayers, publication.Layers,
		float64(publication.NewBytes)/1e6, float64(publication.Bytes)/1e6))
	return Built{Name: src.Name, Digest: publication.Digest, Key: key, Fresh: !kept}, nil
}

// build builds an image and keeps it under its key.
func (r *imageRun) build(ctx context.Context, src *image.Input, step *progress.Step) (v1.Image, error) {
	src.Origin = image.OriginOf(ctx, src.Source, r.p.env.Version)
	img, err := r.compileOrBuild(ctx, src, step)
	if err != nil {
		return nil, err
	}
	if err := src.Unchanged(ctx); err != nil {
		return nil, err
	}
	return img, r.p.store().Keep(src.Source, src.Key())
}

// compileOrBuild needs the builder for a Dockerfile only.
func (r *imageRun) compileOrBuild(ctx context.Context, src *image.Input, step *progress.Step) (v1.Image, error) {
	if src.Program {
		return image.Compile(ctx, src, r.p.store(), step)
	}
	step.Update("wait for the builder")
	builder, err := r.builder()
	if err != nil {
		return nil, &missing{err}
	}
	return builder.Build(ctx, src, step)
}

func (r *imageRun) publisher() (*image.Publisher, error) {
	c, err := r.cluster()
	if err != nil {
		return nil, &missing{err}
	}
	return r.p.publisher(c.Registry)
}

// load reads the sources of an image and finds the image of each of its bases.
func (r *imageRun) load(ctx context.Context, src *image.Input) error {
	refs := src.Refs()
	resolved, err := r.made.supply.ResolveAll(ctx, refs...)
	if err != nil {
		return err
	}
	bases := make([]image.Base, 0, len(refs))
	for _, ref := range refs {
		base := image.Base{Ref: ref, Digest: resolved[ref].Digest}
		if resolved[ref].Made() {
			base.Image = resolved[ref].Image
		}
		bases = append(bases, base)
	}
	return src.Load(ctx, bases)
}

// sources finds the application's images; what is wrong with their Dockerfiles
// is the user's to mend.
func (p *Pipeline) sources(names ...string) ([]*image.Input, error) {
	all, err := image.Discover(p.imagesDir())
	if err != nil {
		return nil, usage(err)
	}
	if len(names) == 0 {
		return all, nil
	}
	var chosen []*image.Input
	var known []string
	for _, src := range all {
		known = append(known, src.Name)
		for _, wanted := range names {
			if src.Name == wanted {
				chosen = append(chosen, src)
			}
		}
	}
	var faults []error
	for _, wanted := range names {
		if !slices.Contains(known, wanted) {
			faults = append(faults, fmt.Errorf("image %q is not one of %s", wanted, strings.Join(known, ", ")))
		}
	}
	if len(faults) > 0 {
		return nil, usage(errors.Join(faults...))
	}
	return chosen, nil
}

func (p *Pipeline) imagesDir() string { return filepath.Join(p.env.Root, "images") }

// future runs do once, in the background, and lets many wait for its result.
func future[T any](do func() (T, error)) func() (T, error) {
	once := sync.OnceValues(do)
	go func() { _, _ = once() }()
	return once
}
