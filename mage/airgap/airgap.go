// Package airgap answers one question in one place: where does an image come
// from? From its image registry, if that answers; else from a recipe that
// makes an equal of it out of package registries (Go modules, Debian, npm);
// else from nowhere, and the error names the image and the cure. Callers
// cannot tell the two kinds apart. It is not a mirror and not a build tool for
// the application's own images.
package airgap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"todo-chatbot/mage/host"
	"todo-chatbot/mage/progress"
)

// Recipe makes an image that can stand in for an upstream one.
type Recipe interface {
	// Ref is the upstream reference that the image stands in for.
	Ref() string
	// Inputs is a digest of everything that goes in, known without making it.
	Inputs() (string, error)
	// Make makes the image; files that its layers need are kept below scratch
	// until the caller has stored it.
	Make(ctx context.Context, scratch string, step *progress.Step) (v1.Image, error)
}

// Options are the surroundings of a Supply; Root and Cache are required.
type Options struct {
	Root       string            // the project's folder, which holds modules/
	Cache      string            // where made images are kept
	Transport  http.RoundTripper // for probes and pulls; default http.DefaultTransport
	Keychain   remote.Option     // credentials for pulls; default anonymous
	Apt        host.Apt
	AptSources []string // files that may name the host's Debian mirrors
	Progress   *progress.Reporter

	// Restricted makes node images for hosts whose root lacks
	// CAP_SYS_RESOURCE; see package engine.
	Restricted bool
	// Offline answers every probe with no, so that everything is made.
	Offline bool
}

// Supply hands out images. It remembers for its lifetime which registries
// answer, so one run asks each of them once.
type Supply struct {
	opts     Options
	cache    cache
	recipes  map[string]Recipe
	compiler limit
	// debootstrap bounds the file systems that are unpacked at once.
	debootstrap limit

	mu     sync.Mutex
	probes map[string]*probe
	pulled map[string]*Image // what a registry had, so that one run has one digest for a reference
}

// Image is an image that is to be had, and where from.
type Image struct {
	v1.Image         // nil when it was pulled before and its registry does not answer now
	Ref      string  // as it was asked for
	Digest   v1.Hash // of the image, for this machine's platform
	// Layout is the OCI layout that holds a made image; empty for one that is
	// pulled.
	Layout string
}

// Made reports whether a recipe made the image.
func (i Image) Made() bool { return i.Layout != "" }

// New returns a Supply with the recipes of this package. It does no I/O.
func New(opts Options) *Supply {
	if opts.Transport == nil {
		opts.Transport = http.DefaultTransport
	}
	if opts.AptSources == nil {
		opts.AptSources = []string{"/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"}
	}
	s := &Supply{
		opts: opts, cache: cache{dir: opts.Cache}, recipes: map[string]Recipe{},
		compiler: make(limit, 1), debootstrap: make(limit, 2), probes: map[string]*probe{}, pulled: map[string]*Image{},
	}
	for _, r := range []Recipe{
		debianBase{s}, pythonBase{s}, nodeJSBase{s}, registryImage{s}, buildKitImage{s}, kindNode{s}, traefikImage{s},
	} {
		s.recipes[r.Ref()] = r
	}
	return s
}

// Unobtainable says that an image can be neither pulled nor made.
type Unobtainable struct {
	Ref   string
	Cause error // why its registry did not serve it
}

func (u *Unobtainable) Error() string {
	return fmt.Sprintf("image %q cannot be pulled (%v) and there is no recipe for it: let this machine reach its registry, or use one of the images that mage/airgap can make", u.Ref, u.Cause)
}

func (u *Unobtainable) Unwrap() error { return u.Cause }

// Resolve finds out where an image comes from and makes it if it must be made.
func (s *Supply) Resolve(ctx context.Context, ref string) (*Image, error) {
	image, recipe, err := s.find(ctx, ref)
	if err != nil || image != nil {
		return image, err
	}
	return s.make(ctx, recipe)
}

// Known is Resolve for one who only looks: nil means that the image would have
// to be made first.
func (s *Supply) Known(ctx context.Context, ref string) (*Image, error) {
	image, recipe, err := s.find(ctx, ref)
	if err != nil || image != nil {
		return image, err
	}
	digest, err := recipe.Inputs()
	if err != nil {
		return nil, fmt.Errorf("inputs of image %q: %w", ref, err)
	}
	dir := s.cache.path(kindOf(recipe), digest)
	if !done(dir) {
		return nil, nil
	}
	return load(ref, dir)
}

// find returns an image that a registry has, or had, else the recipe for it.
func (s *Supply) find(ctx context.Context, ref string) (*Image, Recipe, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return nil, nil, fmt.Errorf("image reference %q: %w", ref, err)
	}
	if known := s.known(ref); known != nil {
		return known, nil, nil
	}
	reachErr := s.reachable(ctx, parsed.Context().Registry)
	if reachErr == nil {
		image, err := s.pull(ctx, ref, parsed)
		if err == nil {
			return s.keep(image), nil, s.remember(ref, image.Digest)
		}
		reachErr = err
	} else if digest, ok := s.remembered(ref); ok && ctx.Err() == nil {
		return &Image{Ref: ref, Digest: digest}, nil, nil
	}
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	recipe, ok := s.recipes[ref]
	if !ok {
		return nil, nil, &Unobtainable{Ref: ref, Cause: reachErr}
	}
	return nil, recipe, nil
}

func (s *Supply) known(ref string) *Image {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pulled[ref]
}

// keep returns the image that the reference was first found to be.
func (s *Supply) keep(image *Image) *Image {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, ok := s.pulled[image.Ref]; ok {
		return first
	}
	s.pulled[image.Ref] = image
	return image
}

// Obtainable makes sure, without making anything, that every image can be pulled
// or made. The error names all that cannot, each once, in the order of refs.
func (s *Supply) Obtainable(ctx context.Context, refs ...string) error {
	problems := make([]error, len(refs))
	var wait sync.WaitGroup
	for i, ref := range refs {
		if slices.Index(refs, ref) == i {
			wait.Go(func() { _, _, problems[i] = s.find(ctx, ref) })
		}
	}
	wait.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(problems...)
}

// CanPull reports, without pulling, whether the image is its registry's: the
// registry answers, or the image was pulled when it did.
func (s *Supply) CanPull(ctx context.Context, ref string) (bool, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return false, fmt.Errorf("image reference %q: %w", ref, err)
	}
	if s.reachable(ctx, parsed.Context().Registry) == nil {
		return true, nil
	}
	_, pulled := s.remembered(ref)
	return pulled, nil
}

func (s *Supply) pull(ctx context.Context, ref string, parsed name.Reference) (*Image, error) {
	options := []remote.Option{remote.WithContext(ctx), remote.WithTransport(s.opts.Transport), remote.WithPlatform(platform())}
	if s.opts.Keychain != nil {
		options = append(options, s.opts.Keychain)
	}
	image, err := remote.Image(parsed, options...)
	if err != nil {
		return nil, fmt.Errorf("ask for image %q: %w", ref, err)
	}
	digest, err := image.Digest()
	if err != nil {
		return nil, fmt.Errorf("digest of image %q: %w", ref, err)
	}
	return &Image{Image: image, Ref: ref, Digest: digest}, nil
}

func (s *Supply) make(ctx context.Context, recipe Recipe) (*Image, error) {
	digest, err := recipe.Inputs()
	if err != nil {
		return nil, fmt.Errorf("inputs of image %q: %w", recipe.Ref(), err)
	}
	dir, err := s.cache.entry(ctx, kindOf(recipe), digest, func(out string) error {
		step := s.opts.Progress.Start("make", recipe.Ref())
		image, err := recipe.Make(ctx, out, step)
		if err == nil {
			err = store(out, image, step)
		}
		if err != nil {
			return step.Fail(fmt.Errorf("make image %q: %w", recipe.Ref(), err))
		}
		step.Done("made", "no image registry reachable; kept in the cache")
		return nil
	})
	if err != nil {
		return nil, err
	}
	return load(recipe.Ref(), dir)
}

// kindOf is where the cache keeps what a recipe made.
func kindOf(recipe Recipe) string { return "images/" + fileName(recipe.Ref()) }

// ResolveAll resolves several images at the same time, by their references.
// Where some can be neither pulled nor made, it names all of them and makes none.
func (s *Supply) ResolveAll(ctx context.Context, refs ...string) (map[string]*Image, error) {
	if err := s.Obtainable(ctx, refs...); err != nil {
		return nil, err
	}
	images := make(map[string]*Image, len(refs))
	var mu sync.Mutex
	var wait sync.WaitGroup
	var failures []error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, ref := range refs {
		wait.Go(func() {
			image, err := s.Resolve(ctx, ref)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				if len(failures) == 0 || !errors.Is(err, context.Canceled) {
					failures = append(failures, err)
				}
				cancel()
				return
			}
			images[ref] = image
		})
	}
	wait.Wait()
	return images, errors.Join(failures...)
}

func load(ref, dir string) (*Image, error) {
	path, err := layout.FromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("read made image %q: %w", ref, err)
	}
	index, err := path.ImageIndex()
	if err != nil {
		return nil, fmt.Errorf("read made image %q: %w", ref, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		return nil, fmt.Errorf("read made image %q at %q: not one image (%v): delete the folder and run again", ref, dir, err)
	}
	digest := manifest.Manifests[0].Digest
	image, err := path.Image(digest)
	if err != nil {
		return nil, fmt.Errorf("read made image %q: %w", ref, err)
	}
	return &Image{Image: image, Ref: ref, Digest: digest, Layout: dir}, nil
}
