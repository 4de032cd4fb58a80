package pipeline

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/image"
	"todo-chatbot/mage/progress"
)

// publisher pushes to a cluster's registry: with the cluster's own login where
// it has one, else with docker's for that registry.
func (p *Pipeline) publisher(to cluster.Registry) (*image.Publisher, error) {
	return image.NewPublisher(to.Push, to.Pull, image.PublisherOptions{Login: to.Login, Keychain: p.keychain})
}

// keychain reads the logins that docker's configuration has, as docker does. One
// that cannot be read, since a credential helper is missing or fails, is none:
// many images need no login, and a registry that wants one says so.
type keychain struct {
	progress *progress.Reporter
	inner    authn.Keychain
	told     sync.Map
}

func newKeychain(r *progress.Reporter) *keychain {
	return &keychain{progress: r, inner: authn.DefaultKeychain}
}

// Resolve implements authn.Keychain.
func (k *keychain) Resolve(of authn.Resource) (authn.Authenticator, error) {
	found, err := k.inner.Resolve(of)
	if err == nil {
		return found, nil
	}
	if _, before := k.told.LoadOrStore(of.RegistryStr(), true); !before {
		k.progress.Note("docker's login for registry %s cannot be read, so none is used: %v", of.RegistryStr(), err)
	}
	return authn.Anonymous, nil
}

// found is what a registry has of an image's present sources.
type found struct {
	digest name.Digest
	there  bool
	moved  bool // the key's tag is on another image, or gone
	new    bool // this machine has no record of the digest yet
}

// present looks up the image of a key and believes only a digest that this
// machine pushed or built. A tag can be moved by whoever may push; where it names
// another digest, that is said, and not used. What this machine has no record of,
// as another one built it, is believed of a registry that takes pushes with a
// login alone.
func (p *Pipeline) present(ctx context.Context, publisher *image.Publisher, src *image.Input) (found, error) {
	repo, key := repository(src.Name), src.Key()
	tagged, there, err := publisher.Lookup(ctx, repo, key)
	if err != nil {
		return found{}, err
	}
	known, recorded := p.store().Digest(src.Source, key)
	switch {
	case recorded && there && hash(tagged) == known:
		return found{digest: tagged, there: true}, nil
	case recorded:
		if there {
			p.opts.Progress.Note("image %s: the registry has %s under its key, which this machine did not push; %s, which it did, is used", src.Name, hash(tagged), known)
		}
		digest, still, err := publisher.Find(ctx, repo, known)
		return found{digest: digest, there: still, moved: true}, err
	case !there:
		return found{}, nil
	}
	guarded, err := publisher.Guarded(ctx)
	if err == nil && !guarded {
		p.opts.Progress.Note("image %s: the registry has %s under its key; this machine has not pushed it, and anybody may push there without a login, so it is not used", src.Name, hash(tagged))
		return found{}, nil
	}
	return found{digest: tagged, there: guarded, new: true}, err
}

// reuse takes over an image that the registry has.
func (r *imageRun) reuse(ctx context.Context, publisher *image.Publisher, src *image.Input, have found) error {
	tags := []string{r.p.env.Version}
	if have.moved {
		tags = append(tags, src.Key().Tag())
	}
	for _, tag := range tags {
		if err := publisher.Tag(ctx, repository(src.Name), hash(have.digest), tag); err != nil {
			return err
		}
	}
	if have.new {
		return r.p.store().Record(src.Source, src.Key(), hash(have.digest))
	}
	return nil
}

// permitted asks once, before the first image is built or pushed, whether the
// registry takes all images of the run.
func (r *imageRun) permitted(ctx context.Context, sources []*image.Input) func() error {
	return sync.OnceValue(func() error {
		publisher, err := r.publisher()
		if err != nil {
			return err
		}
		var repos []string
		for _, src := range sources {
			repos = append(repos, repository(src.Name))
		}
		if err := publisher.Permitted(ctx, repos...); err != nil {
			return &missing{fmt.Errorf("nothing was built: %w", err)}
		}
		return nil
	})
}

func hash(digest name.Digest) v1.Hash {
	h, err := v1.NewHash(digest.DigestStr())
	if err != nil {
		return v1.Hash{} // a name.Digest holds a valid one
	}
	return h
}
