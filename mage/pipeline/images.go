package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/image"
	"todo-chatbot/mage/progress"
)

// imageRun builds and pushes the images of one run. An image waits for the cluster
// and the builder only if it needs them.
type imageRun struct {
	p        *Pipeline
	services *services
	cluster  func() (*cluster.Cluster, error)
	builder  func() (Builder, error)
	// emptyRegistry says that this run makes the registry, so no image can be in it.
	emptyRegistry bool
	// mayPush asks the registry, once, whether it permits the pushes of this run.
	mayPush func() error
}

// newImageRun returns an imageRun that starts the builder when the first image
// needs it.
func (p *Pipeline) newImageRun(ctx context.Context, s *services) *imageRun {
	return &imageRun{p: p, services: s, builder: sync.OnceValues(func() (Builder, error) { return s.builder(ctx) })}
}

// sharedError is a failure of the cluster, the builder or the registry. It is not
// the failure of the image that waited.
type sharedError struct{ cause error }

func (e *sharedError) Error() string { return e.cause.Error() }
func (e *sharedError) Unwrap() error { return e.cause }

// publishAll builds and pushes the images that the registry does not have. After
// an error it returns the images that the registry has.
func (r *imageRun) publishAll(ctx context.Context, sources []*image.Input) ([]Built, error) {
	built := make([]Built, len(sources))
	group, ctx := errgroup.WithContext(ctx)
	r.mayPush = sync.OnceValue(func() error { return r.checkPermission(ctx, sources) })
	for i, src := range sources {
		group.Go(func() error {
			var err error
			built[i], err = r.publish(ctx, src)
			return err
		})
	}
	err := group.Wait()
	return slices.DeleteFunc(built, func(b Built) bool { return b.Name == "" }), err
}

// publish makes sure that the registry has the image of src, and reports it.
func (r *imageRun) publish(ctx context.Context, src *image.Input) (Built, error) {
	if err := r.load(ctx, src); err != nil {
		return Built{}, fmt.Errorf("image %q: %w", src.Name, err)
	}
	b := &imageBuild{imageRun: r, src: src, step: r.p.opts.Progress.Start("image", src.Name)}
	done, err := b.publish(ctx)
	if shared, ok := errors.AsType[*sharedError](err); ok {
		b.step.Drop()
		return Built{}, shared.cause
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil { // another image failed, or Ctrl-C
		b.step.Drop()
		return Built{}, err
	}
	if err != nil {
		return Built{}, b.step.Fail(r.services.explain(ctx, fmt.Errorf("image %q: %w", src.Name, err)))
	}
	return done, nil
}

// load reads the sources of an image and finds the image of each of its bases.
func (r *imageRun) load(ctx context.Context, src *image.Input) error {
	refs := src.Refs()
	resolved, err := r.services.supply.ResolveAll(ctx, refs...)
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

// imageBuild is the work on one image, whose input is loaded.
type imageBuild struct {
	*imageRun
	src  *image.Input
	step *progress.Step
}

func (b *imageBuild) publish(ctx context.Context) (Built, error) {
	if !b.emptyRegistry {
		done, there, err := b.reuse(ctx)
		if there || err != nil {
			return done, err
		}
		if err := b.mayPush(); err != nil {
			return Built{}, err
		}
	}
	img, kept := b.services.store.Find(b.src.Source, b.src.Key()) // built earlier, for another cluster
	if !kept {
		var err error
		if img, err = b.build(ctx); err != nil {
			return Built{}, err
		}
	}
	return b.push(ctx, img, pushedImage{builtNow: !kept})
}

// pushedImage says how an image came to be pushed.
type pushedImage struct{ builtNow bool }

func (b *imageBuild) push(ctx context.Context, img v1.Image, how pushedImage) (Built, error) {
	b.step.Update("wait for the registry")
	registry, err := b.registry()
	if err != nil {
		return Built{}, err
	}
	b.step.Update("push")
	// The key's tag comes last: an interrupted run then leaves no key without the
	// other tags.
	pushed, err := registry.Publish(ctx, repository(b.src.Name), img, []string{b.p.env.Version, b.src.Key().Tag()})
	if err != nil {
		return Built{}, err
	}
	if err := b.services.store.Record(b.src.Source, b.src.Key(), hash(pushed.Digest)); err != nil {
		return Built{}, err
	}
	outcome := "pushed"
	if how.builtNow {
		outcome = "built, pushed"
	}
	b.step.Done(outcome, fmt.Sprintf("%d of %d layers new, %.1f of %.1f MB", pushed.NewLayers, pushed.Layers,
		float64(pushed.NewBytes)/1e6, float64(pushed.Bytes)/1e6))
	return Built{Name: b.src.Name, Digest: pushed.Digest}, nil
}

// build builds an image and keeps it under its key.
func (b *imageBuild) build(ctx context.Context) (v1.Image, error) {
	b.src.Origin = image.OriginOf(ctx, b.src.Source, b.p.env.Version)
	img, err := b.buildOrCompile(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.src.Unchanged(ctx); err != nil {
		return nil, err
	}
	return img, b.services.store.Keep(b.src.Source, b.src.Key())
}

// buildOrCompile waits for the builder only for a Dockerfile.
func (b *imageBuild) buildOrCompile(ctx context.Context) (v1.Image, error) {
	if b.src.Program {
		return b.services.programs.Compile(ctx, b.src, b.step)
	}
	b.step.Update("wait for the builder")
	builder, err := b.builder()
	if err != nil {
		return nil, &sharedError{err}
	}
	return builder.Build(ctx, b.src, b.step)
}

// registry waits for the cluster.
func (r *imageRun) registry() (Registry, error) {
	c, err := r.cluster()
	if err != nil {
		return nil, &sharedError{err}
	}
	return r.services.registry(c.Registry)
}

// explain adds the state of the engine's disk to an error.
func (s *services) explain(ctx context.Context, err error) error {
	if s.engine == nil {
		return err
	}
	return s.engine.Explain(ctx, err)
}
