// Package airgap decides where an upstream image comes from. If its image registry
// answers, the image is pulled; else a recipe makes an equivalent image from package
// registries (Go modules, Debian, npm); else an error names the image and the fix.
// Callers use both kinds in the same way. The package does not mirror registries and
// does not build the application's own images.
package airgap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"todo-chatbot/mage/host"
	"todo-chatbot/mage/outside"
	"todo-chatbot/mage/progress"
)

// Recipe makes an image that is equivalent to an upstream image.
type Recipe interface {
	// Ref is the reference of the upstream image.
	Ref() string
	// Inputs is the key of the image: the digest of all inputs of the recipe.
	Inputs() (string, error)
	// Make makes the image. The files of its layers are below scratch and must stay
	// until the caller has stored the image.
	Make(ctx context.Context, scratch string, step *progress.Step) (v1.Image, error)
}

// Options shape a Supply; Root and Cache are required.
type Options struct {
	Root       string            // the project's folder
	Cache      string            // where made images are kept
	Access     *outside.Access   // proxies, certificates and mirrors; default none
	Transport  http.RoundTripper // for probes and pulls; default that of Access
	Keychain   remote.Option     // credentials for pulls; default anonymous
	Apt        host.Apt
	AptSources []string // files that may name the host's Debian mirrors
	Progress   *progress.Reporter

	// Restricted makes node images for hosts whose root lacks
	// CAP_SYS_RESOURCE; see package engine.
	Restricted bool
	// Offline asks no image registry, so every image is made.
	Offline bool
}

// Supply provides images. It asks each registry once in its lifetime whether it
// answers.
type Supply struct {
	opts     Options
	cache    cache
	recipes  map[string]Recipe
	compiler limit
	// debootstrap limits how many file systems are unpacked at once.
	debootstrap limit

	mu     sync.Mutex
	probes map[string]*probe
	pulled map[string]*Image // by reference, so that one run has one digest for each
}

// Image is an image and its origin.
type Image struct {
	v1.Image         // nil if it was pulled before and its registry does not answer now
	Ref      string  // as given by the caller
	Digest   v1.Hash // of the image, for this machine's platform
	// Layout is the folder of the OCI layout with a made image; empty if the image
	// is pulled.
	Layout string
}

// Made reports whether a recipe made the image.
func (i Image) Made() bool { return i.Layout != "" }

// New returns a Supply with the recipes of this package. It does no I/O.
func New(opts Options) *Supply {
	if opts.Access == nil {
		opts.Access = &outside.Access{}
	}
	if opts.Transport == nil {
		opts.Transport = opts.Access.Transport()
	}
	if opts.AptSources == nil {
		opts.AptSources = []string{"/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"}
	}
	s := &Supply{
		opts: opts, cache: cache{dir: opts.Cache}, recipes: map[string]Recipe{},
		compiler: make(limit, 1), debootstrap: make(limit, 2), probes: map[string]*probe{}, pulled: map[string]*Image{},
	}
	for _, r := range []Recipe{
		debianBase{s}, pythonBase{s}, nodeJSBase{s}, registryImage{s}, buildKitImage{s}, kindNode{s, embeddedNode}, traefikImage{s},
	} {
		s.recipes[r.Ref()] = r
	}
	return s
}

// Unobtainable says that an image can be neither pulled nor made.
type Unobtainable struct {
	Ref   string
	Cause error // of the failed pull
}

func (u *Unobtainable) Error() string {
	return fmt.Sprintf("image %q cannot be pulled (%v) and there is no recipe for it: let this machine reach its registry, or use an image that has a recipe (%s)", u.Ref, u.Cause, strings.Join(Makeable(), ", "))
}

func (u *Unobtainable) Unwrap() error { return u.Cause }

// Resolve returns an image from its registry, or makes it if that fails.
func (s *Supply) Resolve(ctx context.Context, ref string) (*Image, error) {
	found, err := s.find(ctx, ref)
	if err != nil || found.image != nil {
		return found.image, err
	}
	return s.make(ctx, found)
}

// Known is Resolve without making an image: it returns nil if the image must be
// made first.
func (s *Supply) Known(ctx context.Context, ref string) (*Image, error) {
	found, err := s.find(ctx, ref)
	if err != nil || found.image != nil {
		return found.image, err
	}
	digest, err := found.recipe.Inputs()
	if err != nil {
		return nil, fmt.Errorf("inputs of image %q: %w", ref, err)
	}
	dir := s.cache.path(kindOf(found.recipe), digest)
	if !done(dir) {
		return nil, nil
	}
	return load(ref, dir)
}

// origin is where an image comes from: its registry or a mirror, else a recipe,
// because of the refusal of all of them.
type origin struct {
	image   *Image
	recipe  Recipe
	refusal error
}

// find returns an image that its registry or a mirror has now or had before, else
// its recipe. An image that was pulled before is never replaced by a locally made image.
func (s *Supply) find(ctx context.Context, ref string) (origin, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return origin{}, fmt.Errorf("image reference %q: %w", ref, err)
	}
	if known := s.known(ref); known != nil {
		return origin{image: known}, nil
	}
	image, refusal := s.pull(ctx, ref, parsed)
	if refusal == nil {
		return origin{image: s.keep(image)}, s.remember(ref, image.Digest)
	}
	if ctx.Err() != nil {
		return origin{}, ctx.Err()
	}
	if digest, ok := s.remembered(ref); ok {
		return origin{image: &Image{Ref: ref, Digest: digest}}, nil
	}
	recipe, ok := s.recipes[ref]
	if !ok {
		return origin{}, &Unobtainable{Ref: ref, Cause: refusal}
	}
	return origin{recipe: recipe, refusal: refusal}, nil
}

func (s *Supply) known(ref string) *Image {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pulled[ref]
}

// keep returns the image that this run found first for the reference.
func (s *Supply) keep(image *Image) *Image {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, ok := s.pulled[image.Ref]; ok {
		return first
	}
	s.pulled[image.Ref] = image
	return image
}

// Obtainable checks, without making an image, that every image can be pulled or
// made. The error names each image that cannot once, in the order of refs.
func (s *Supply) Obtainable(ctx context.Context, refs ...string) error {
	problems := make([]error, len(refs))
	var wait sync.WaitGroup
	for i, ref := range refs {
		if slices.Index(refs, ref) == i {
			wait.Go(func() { _, problems[i] = s.find(ctx, ref) })
		}
	}
	wait.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(problems...)
}

// CanPull reports, without a pull, whether the image comes from its registry: the
// registry answers now, or the image was pulled when it answered before.
func (s *Supply) CanPull(ctx context.Context, ref string) (bool, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return false, fmt.Errorf("image reference %q: %w", ref, err)
	}
	candidates, err := s.opts.Access.Candidates(parsed)
	if err != nil {
		return false, err
	}
	for _, candidate := range candidates {
		if s.reachable(ctx, candidate.Context().Registry) == nil {
			return true, nil
		}
	}
	_, pulled := s.remembered(ref)
	return pulled, nil
}

// pull asks the mirrors of an image's registry, then the registry. The error has the
// refusal of each.
func (s *Supply) pull(ctx context.Context, ref string, parsed name.Reference) (*Image, error) {
	if s.opts.Offline {
		return nil, errOffline
	}
	candidates, err := s.opts.Access.Candidates(parsed)
	if err != nil {
		return nil, err
	}
	var refusals []error
	for _, candidate := range candidates {
		err := s.reachable(ctx, candidate.Context().Registry)
		if err == nil {
			var image *Image
			if image, err = s.pullFrom(ctx, ref, candidate); err == nil {
				return image, nil
			}
		}
		refusals = append(refusals, outside.Explain(candidate, err))
	}
	return nil, errors.Join(refusals...)
}

func (s *Supply) pullFrom(ctx context.Context, ref string, candidate name.Reference) (*Image, error) {
	options := []remote.Option{remote.WithContext(ctx), remote.WithTransport(s.opts.Transport), remote.WithPlatform(platform())}
	if s.opts.Keychain != nil {
		options = append(options, s.opts.Keychain)
	}
	image, err := remote.Image(candidate, options...)
	if err != nil {
		return nil, err
	}
	digest, err := image.Digest()
	if err != nil {
		return nil, fmt.Errorf("read its digest: %w", err)
	}
	return &Image{Image: image, Ref: ref, Digest: digest}, nil
}

func (s *Supply) make(ctx context.Context, from origin) (*Image, error) {
	recipe := from.recipe
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
		step.Done("made", reasonOf(from.refusal)+"; kept in the cache")
		return nil
	})
	if err != nil {
		return nil, err
	}
	return load(recipe.Ref(), dir)
}

// reasonOf says in a few words why an image is made and not pulled.
func reasonOf(refusal error) string {
	if errors.Is(refusal, errOffline) {
		return "image registries are switched off"
	}
	if answer, ok := errors.AsType[*outside.Refusal](refusal); ok && answer.Final() {
		return answer.Ref.Context().RegistryStr() + ": " + string(answer.Reason)
	}
	return "no image registry reachable"
}

// kindOf is the cache's folder for the images of a recipe.
func kindOf(recipe Recipe) string { return "images/" + fileName(recipe.Ref()) }

// ResolveAll resolves several images at the same time, by their references. If some
// can be neither pulled nor made, the error names all of them and none is made.
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
		return nil, fmt.Errorf("read made image %q at %q: the layout does not hold one image (%v): delete the folder and run again", ref, dir, err)
	}
	digest := manifest.Manifests[0].Digest
	image, err := path.Image(digest)
	if err != nil {
		return nil, fmt.Errorf("read made image %q: %w", ref, err)
	}
	return &Image{Image: image, Ref: ref, Digest: digest, Layout: dir}, nil
}
