package image

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	contentlocal "github.com/containerd/containerd/v2/plugins/content/local"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/identity"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/tonistiigi/fsutil"

	"todo-chatbot/mage/progress"
)

// Epoch is the latest time stamp in a built image. Later time stamps are set to it, so
// that the same sources give the same bytes. ZIP's years begin with 1980; this is the
// first day that ZIP can express in every time zone.
//
// Python's default .pyc files contain the time stamp of their source and become invalid
// with it; a Dockerfile compiles with --invalidation-mode unchecked-hash.
const Epoch = 315619200 // 1980-01-02T00:00:00Z, in seconds since 1970

// answer limits the wait for BuildKit's first answer.
const answer = 10 * time.Second

// BuilderOptions shapes a Builder.
type BuilderOptions struct {
	// Secrets are mounted by RUN --mount=type=secret,id=…, by id. They are not part
	// of images and keys.
	Secrets map[string][]byte
	// ProxyArguments are the predefined proxy arguments of Dockerfiles, such as
	// HTTPS_PROXY. They are not part of keys, and BuildKit keeps them out of images.
	ProxyArguments map[string]string
	// Session holds further services of the client for a build, such as credentials
	// for pulls of bases.
	Session []session.Attachable
}

// Builder builds images with one BuildKit daemon. It is safe for concurrent
// use; several images may be built at once.
type Builder struct {
	dial  func(context.Context) (net.Conn, error)
	store *Store
	opts  BuilderOptions
}

// NewBuilder returns a Builder that connects to BuildKit through dial and exports to
// store. An export writes only layers that the store does not have.
func NewBuilder(dial func(context.Context) (net.Conn, error), store *Store, opts BuilderOptions) *Builder {
	return &Builder{dial: dial, store: store, opts: opts}
}

// Build builds an Input after Load. The image is read from disk when it is used, and is
// valid until the next build of the same source. A failing step gives a *StepError.
// Progress and log of the build go to step, which may be nil.
func (b *Builder) Build(ctx context.Context, in *Input, step *progress.Step) (v1.Image, error) {
	if step == nil {
		step = (*progress.Reporter)(nil).Start("image", in.Name)
	}
	img, err := b.build(ctx, in, step)
	if err != nil {
		return nil, fmt.Errorf("build image %q: %w", in.Name, err)
	}
	return img, nil
}

func (b *Builder) build(ctx context.Context, in *Input, step *progress.Step) (v1.Image, error) {
	if in.tree == nil {
		return nil, errors.New("its context is not read: call Load first")
	}
	bases, err := b.openBases(ctx, in.bases)
	if err != nil {
		return nil, err
	}
	out, err := b.store.output(ctx, in.Source)
	if err != nil {
		return nil, err
	}
	defer out.close()
	opt, err := b.solveOpt(in, bases, out.dir)
	if err != nil {
		return nil, err
	}
	if err := b.solve(ctx, in.Source, opt, step); err != nil {
		return nil, err
	}
	step.Update("read the result")
	return out.image(in.platform())
}

func (b *Builder) solve(ctx context.Context, src Source, opt client.SolveOpt, step *progress.Step) error {
	c, err := b.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	statuses := make(chan *client.SolveStatus)
	log := newBuildLog(step)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for status := range statuses {
			log.add(status)
		}
	}()
	_, err = c.Solve(ctx, nil, opt, statuses)
	<-drained
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return stepError(src, err, log)
}

// connect returns a client after the daemon answered.
func (b *Builder) connect(ctx context.Context) (*client.Client, error) {
	dial := func(ctx context.Context, _ string) (net.Conn, error) { return b.dial(ctx) }
	// gRPC needs an address without a look-up; it is not dialled.
	c, err := client.New(ctx, "tcp://buildkit", client.WithContextDialer(dial))
	if err != nil {
		return nil, fmt.Errorf("connect to BuildKit: %w", err)
	}
	bounded, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	if _, err := c.Info(bounded); err != nil {
		c.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("BuildKit is not reachable; check that its container runs: %w", err)
	}
	return c, nil
}

// solveOpt is the request to BuildKit.
func (b *Builder) solveOpt(in *Input, bases []openBase, out string) (client.SolveOpt, error) {
	files, err := in.tree.fs()
	if err != nil {
		return client.SolveOpt{}, fmt.Errorf("read build context %q: %w", in.Context, err)
	}
	definition, err := fsutil.NewFS(filepath.Dir(in.dockerfile()))
	if err != nil {
		return client.SolveOpt{}, fmt.Errorf("read folder of Dockerfile %q: %w", in.dockerfile(), err)
	}
	stores := map[string]content.Store{}
	for _, base := range bases {
		if base.store != nil {
			stores[base.name] = base.store
		}
	}
	return client.SolveOpt{
		Frontend:      "dockerfile.v0",
		FrontendAttrs: withArguments(frontendAttrs(in, bases), b.opts.ProxyArguments),
		LocalMounts:   map[string]fsutil.FS{"context": files, "dockerfile": definition},
		OCIStores:     stores,
		// A new key sends the complete context. Under the same key, BuildKit compares
		// it with the last context by time stamp and size, and can miss a file that
		// changed while it was sent.
		SharedKey: identity.NewID(),
		Session:   append([]session.Attachable{secretsprovider.FromMap(b.opts.Secrets)}, b.opts.Session...),
		Exports:   []client.ExportEntry{{Type: client.ExporterOCI, OutputDir: out, Attrs: exportAttrs()}},
	}, nil
}

// frontendAttrs are the inputs as attributes of BuildKit's frontend. They ask for no
// attestation, because a provenance contains the time of the build.
func frontendAttrs(in *Input, bases []openBase) map[string]string {
	src := in.Source
	attrs := map[string]string{
		"filename":                             filepath.Base(src.dockerfile()),
		"platform":                             src.platform().String(),
		"build-arg:SOURCE_DATE_EPOCH":          strconv.Itoa(Epoch),
		"label:org.opencontainers.image.title": src.Name,
	}
	if src.Target != "" {
		attrs["target"] = src.Target
	}
	for _, arg := range slices.Sorted(maps.Keys(src.Args)) {
		attrs["build-arg:"+arg] = src.Args[arg]
	}
	for name, value := range in.Origin.labels() {
		attrs["label:"+name] = value
	}
	for _, base := range bases {
		if in.parsed != nil && base.ref == in.parsed.syntax {
			attrs["build-arg:BUILDKIT_SYNTAX"] = strings.TrimPrefix(base.source(), "docker-image://")
		}
		attrs["context:"+base.ref] = base.source()
	}
	return attrs
}

// withArguments adds arguments that attrs does not have.
func withArguments(attrs, arguments map[string]string) map[string]string {
	for name, value := range arguments {
		if _, own := attrs["build-arg:"+name]; !own {
			attrs["build-arg:"+name] = value
		}
	}
	return attrs
}

// exportAttrs ask for a reproducible OCI layout. Every export rewrites time stamps and
// therefore compresses layers, also cached ones: zstd takes less than half the time of
// gzip at its usual level. containerd reads it since 1.5, Docker since 23.0. The layers
// of a base do not change.
func exportAttrs() map[string]string {
	return map[string]string{
		"tar":               "false",
		"compression":       "zstd",
		"oci-mediatypes":    "true",
		"rewrite-timestamp": "true",
	}
}

// openBase is a base in the form that BuildKit takes.
type openBase struct {
	ref    string // in the form that the frontend looks up
	name   string // of the store in the session
	digest v1.Hash
	store  content.Store // nil: pulled
}

func (o openBase) source() string {
	if o.store == nil {
		name, _, _ := strings.Cut(o.ref, "@") // a reference may be pinned already
		return "docker-image://" + name + "@" + o.digest.String()
	}
	return "oci-layout://" + o.name + "@" + o.digest.String()
}

func (b *Builder) openBases(ctx context.Context, bases []Base) ([]openBase, error) {
	var opened []openBase
	var problems []error
	for _, base := range bases {
		o, err := b.openBase(ctx, base)
		if err != nil {
			problems = append(problems, fmt.Errorf("base %q: %w", base.Ref, err))
		}
		opened = append(opened, o)
	}
	return opened, errors.Join(problems...)
}

func (b *Builder) openBase(ctx context.Context, base Base) (openBase, error) {
	ref, err := shortName(base.Ref)
	if err != nil {
		return openBase{}, err
	}
	o := openBase{ref: ref, digest: base.Digest}
	if base.Image == nil {
		return o, nil
	}
	dir, err := b.store.keepBase(ctx, base.Image, o.digest)
	if err != nil {
		return openBase{}, err
	}
	o.name = "base-" + o.digest.Hex[:12]
	o.store, err = contentlocal.NewStore(dir)
	return o, err
}
