package image

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"todo-chatbot/mage/registry"
)

// userAgent is sent with every request. Minikube's registry proxy answers 404 to
// agents that start with "Go ", such as the default of net/http.
const userAgent = "todo-chatbot-pipeline"

// uploads is the number of blobs that are uploaded at once.
const uploads = 4

// PublisherOptions shapes a Publisher; its zero value suits a registry on a
// loopback address.
type PublisherOptions struct {
	Transport http.RoundTripper // nil means go-containerregistry's
	Login     *registry.Login   // of the cluster's own registry; if nil, Keychain is used
	Keychain  authn.Keychain    // logins of other registries; nil means none
	Backoff   remote.Backoff    // between attempts; zero means 1 s, then 3 s
}

// Publisher pushes images to one registry. It is safe for concurrent use. It retries
// requests twice after temporary failures (connection, 408, 429, 5xx).
type Publisher struct {
	push, pull registry.Place
	opts       PublisherOptions
}

// Publication is the result of Publish.
type Publication struct {
	Digest    name.Digest // with the registry's name for pods
	Layers    int
	NewLayers int   // layers uploaded now
	Bytes     int64 // of all layers, compressed
	NewBytes  int64 // of the layers uploaded now
}

// NewPublisher returns a Publisher for a registry. Its address is push for this machine
// and pull for pods, both HOST[:PORT][/PATH].
func NewPublisher(push, pull string, opts PublisherOptions) (*Publisher, error) {
	here, errPush := registry.Parse(push)
	there, errPull := registry.Parse(pull)
	if err := errors.Join(errPush, errPull); err != nil {
		return nil, fmt.Errorf("registry %q, %q for pods: %w", push, pull, err)
	}
	if opts.Transport == nil {
		opts.Transport = remote.DefaultTransport
	}
	return &Publisher{push: here, pull: there, opts: opts}, nil
}

// Lookup returns the image of repo under the key's tag, if there is one. The reference
// has the registry's name for pods.
func (p *Publisher) Lookup(ctx context.Context, repo string, key Key) (name.Digest, bool, error) {
	r, err := p.repository(repo)
	if err != nil {
		return name.Digest{}, false, err
	}
	found, err := p.head(ctx, r.Tag(key.Tag()))
	if err != nil || found == nil {
		return name.Digest{}, false, err
	}
	pulled, err := p.pulled(repo, found.Digest)
	return pulled, err == nil, err
}

// Find returns the image of repo with the digest, if there is one under any tag.
func (p *Publisher) Find(ctx context.Context, repo string, digest v1.Hash) (name.Digest, bool, error) {
	r, err := p.repository(repo)
	if err != nil {
		return name.Digest{}, false, err
	}
	found, err := p.head(ctx, r.Digest(digest.String()))
	if err != nil || found == nil {
		return name.Digest{}, false, err
	}
	pulled, err := p.pulled(repo, digest)
	return pulled, err == nil, err
}

// Holds reports whether the tag of repo has the digest.
func (p *Publisher) Holds(ctx context.Context, repo, tag string, digest v1.Hash) (bool, error) {
	r, err := p.repository(repo)
	if err != nil {
		return false, err
	}
	found, err := p.head(ctx, r.Tag(tag))
	return found != nil && found.Digest == digest, err
}

// Publish uploads the blobs of img that repo does not have, sets the tags in the given
// order, and checks that the registry returns the digest. Put the tag of the key last:
// after an interrupted run the key's tag then exists only with all other tags.
func (p *Publisher) Publish(ctx context.Context, repo string, img v1.Image, tags []string) (Publication, error) {
	r, err := p.repository(repo)
	if err != nil {
		return Publication{}, err
	}
	digest, err := img.Digest()
	if err != nil {
		return Publication{}, fmt.Errorf("publish image %q: %w", repo, err)
	}
	sent := &recorder{next: p.opts.Transport, commits: map[string]bool{}}
	pusher, err := remote.NewPusher(p.options(ctx, sent)...)
	if err != nil {
		return Publication{}, fmt.Errorf("publish image %q: %w", repo, err)
	}
	refs := []name.Reference{r.Digest(digest.String())}
	for _, tag := range tags {
		t, err := name.NewTag(r.Name()+":"+tag, name.StrictValidation)
		if err != nil {
			return Publication{}, fmt.Errorf("publish image %q: %w", repo, err)
		}
		refs = append(refs, r.Tag(t.TagStr()))
	}
	for _, ref := range refs {
		if err := pusher.Push(ctx, ref, img); err != nil {
			return Publication{}, p.explain(fmt.Errorf("publish image %q: push %q: %w", repo, ref, err))
		}
	}
	found, err := p.head(ctx, refs[0])
	if err != nil {
		return Publication{}, err
	}
	if found == nil || found.Digest != digest {
		return Publication{}, fmt.Errorf("publish image %q: registry %q accepted %s but does not have it: check its storage", repo, p.push, digest)
	}
	var done Publication
	if done.Digest, err = p.pulled(repo, digest); err == nil {
		err = done.count(img, sent)
	}
	if err != nil {
		return Publication{}, fmt.Errorf("publish image %q: %w", repo, err)
	}
	return done, nil
}

// Tag sets a tag on the image of repo with the digest, if it is not set yet.
func (p *Publisher) Tag(ctx context.Context, repo string, digest v1.Hash, tag string) error {
	r, err := p.repository(repo)
	if err != nil {
		return err
	}
	t, err := name.NewTag(r.Name()+":"+tag, name.StrictValidation)
	if err != nil {
		return fmt.Errorf("tag image %q: %w", repo, err)
	}
	ref := r.Tag(t.TagStr())
	found, err := p.head(ctx, ref)
	if err != nil || found != nil && found.Digest == digest {
		return err
	}
	source := r.Digest(digest.String())
	manifest, err := remote.Get(source, p.options(ctx, p.opts.Transport)...)
	if err != nil {
		return p.explain(fmt.Errorf("tag image %q as %q: %w", source, tag, err))
	}
	if err := remote.Tag(ref, manifest, p.options(ctx, p.opts.Transport)...); err != nil {
		return p.explain(fmt.Errorf("tag image %q as %q: %w", source, tag, err))
	}
	return nil
}

// head returns nil when the registry has no such reference.
func (p *Publisher) head(ctx context.Context, ref name.Reference) (*v1.Descriptor, error) {
	found, err := remote.Head(ref, p.options(ctx, p.opts.Transport)...)
	if err == nil {
		return found, nil
	}
	var answer *transport.Error
	if errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound && answer.Request != nil && answer.Request.URL.Path != "/v2/" {
		return nil, nil
	}
	return nil, p.explain(fmt.Errorf("look up %q: %w", ref, err))
}

// explain adds the fix if the registry does not answer or refuses the login.
func (p *Publisher) explain(err error) error {
	var answer *transport.Error
	if errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden) {
		fix := fmt.Sprintf("`docker login %s` with an account that may push there", p.push.Registry.Name())
		if p.opts.Login != nil {
			fix = "`mage cluster:up` renews its password"
		}
		return fmt.Errorf("registry %q refuses this machine's login; %s: %w", p.push, fix, err)
	}
	var refused *url.Error
	if errors.As(err, &refused) && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("registry %q is not reachable; `mage cluster:up` starts it: %w", p.push, err)
	}
	return err
}

func (p *Publisher) repository(repo string) (name.Repository, error) {
	return p.push.Repository(repo)
}

func (p *Publisher) pulled(repo string, digest v1.Hash) (name.Digest, error) {
	r, err := p.pull.Repository(repo)
	if err != nil {
		return name.Digest{}, err
	}
	return r.Digest(digest.String()), nil
}

func (p *Publisher) options(ctx context.Context, t http.RoundTripper) []remote.Option {
	opts := []remote.Option{
		remote.WithContext(ctx), remote.WithTransport(t), remote.WithUserAgent(userAgent), remote.WithJobs(uploads),
		remote.WithAuthFromKeychain(p.keychain()),
	}
	if p.opts.Backoff != (remote.Backoff{}) {
		opts = append(opts, remote.WithRetryBackoff(p.opts.Backoff))
	}
	return opts
}

func (p *Publication) count(img v1.Image, sent *recorder) error {
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	seen := map[v1.Hash]bool{}
	for _, layer := range layers {
		digest, err := layer.Digest()
		if err != nil {
			return err
		}
		if seen[digest] {
			continue
		}
		seen[digest] = true
		size, err := layer.Size()
		if err != nil {
			return err
		}
		p.Layers++
		p.Bytes += size
		if sent.committed(digest.String()) {
			p.NewLayers++
			p.NewBytes += size
		}
	}
	return nil
}

// recorder records the blobs whose upload the registry confirmed.
type recorder struct {
	next http.RoundTripper

	mu      sync.Mutex
	commits map[string]bool
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.next.RoundTrip(req)
	digest := req.URL.Query().Get("digest")
	if err == nil && req.Method == http.MethodPut && digest != "" && resp.StatusCode == http.StatusCreated {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.commits[digest] = true
	}
	return resp, err
}

func (r *recorder) committed(digest string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.commits[digest]
}
