package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"todo-chatbot/mage/image"
)

var errNoRegistry = errors.New("the cluster's image registry does not answer: `mage cluster:up` repairs it")

// keychain reads the logins in docker's configuration. A login that cannot be read,
// because its credential helper is missing or fails, is left out: many images need no
// login, and a registry that needs one refuses with a clear error.
type keychain struct {
	inner authn.Keychain
	note  func(format string, args ...any)
	noted sync.Map // registries whose login could not be read
}

func newKeychain(note func(format string, args ...any)) *keychain {
	return &keychain{inner: authn.DefaultKeychain, note: note}
}

// Resolve implements authn.Keychain.
func (k *keychain) Resolve(of authn.Resource) (authn.Authenticator, error) {
	found, err := k.inner.Resolve(of)
	if err == nil {
		return found, nil
	}
	if _, before := k.noted.LoadOrStore(of.RegistryStr(), true); !before {
		k.note("docker's login for registry %s cannot be read, so none is used: %v", of.RegistryStr(), err)
	}
	return authn.Anonymous, nil
}

// lookup is the answer of a registry for an input key.
type lookup struct {
	digest     name.Digest
	there      bool
	moveTag    bool // the key's tag is missing or names another digest
	unrecorded bool // this machine has no record of the digest
}

// lookUp looks up the image of an input key. It trusts a digest that this machine
// pushed or built. Everybody who may push can move a tag: if a tag names another
// digest, that digest is reported and not used. A digest without a record, which
// another machine pushed, is trusted only if the registry takes no push without a
// login.
func (p *Pipeline) lookUp(ctx context.Context, store PushedDigests, registry ImageFinder, src *image.Input) (lookup, error) {
	repo, key := repository(src.Name), src.Key()
	tagged, there, err := registry.Lookup(ctx, repo, key)
	if err != nil {
		return lookup{}, err
	}
	known, recorded := store.Digest(src.Source, key)
	switch {
	case recorded && there && hash(tagged) == known:
		return lookup{digest: tagged, there: true}, nil
	case recorded:
		if there {
			p.opts.Progress.Note("image %s: the registry has %s under its key, which this machine did not push; the digest that it pushed, %s, is used", src.Name, hash(tagged), known)
		}
		digest, still, err := registry.Find(ctx, repo, known)
		return lookup{digest: digest, there: still, moveTag: true}, err
	case !there:
		return lookup{}, nil
	}
	guarded, err := registry.Guarded(ctx)
	if err == nil && !guarded {
		p.opts.Progress.Note("image %s: the registry has %s under its key; this machine did not push it, and everybody may push there without a login, so it is not used", src.Name, hash(tagged))
		return lookup{}, nil
	}
	return lookup{digest: tagged, there: guarded, unrecorded: true}, err
}

// reuse uses the image that the registry has for the key, if it has one.
func (b *imageBuild) reuse(ctx context.Context) (done Built, there bool, err error) {
	registry, err := b.registry()
	if err != nil {
		return done, false, err
	}
	found, err := b.p.lookUp(ctx, b.services.store, registry, b.src)
	if err != nil || !found.there {
		return done, false, err
	}
	tags := []string{b.p.env.Version}
	if found.moveTag {
		tags = append(tags, b.src.Key().Tag())
	}
	for _, tag := range tags {
		if err := registry.Tag(ctx, repository(b.src.Name), hash(found.digest), tag); err != nil {
			return done, false, err
		}
	}
	if found.unrecorded {
		if err := b.services.store.Record(b.src.Source, b.src.Key(), hash(found.digest)); err != nil {
			return done, false, err
		}
	}
	b.step.Done("unchanged", b.src.Key().Tag()[:16]+"… is in the registry")
	return Built{Name: b.src.Name, Digest: found.digest}, true, nil
}

// checkPermission asks the registry whether it permits the pushes of all sources.
func (r *imageRun) checkPermission(ctx context.Context, sources []*image.Input) error {
	registry, err := r.registry()
	if err != nil {
		return err
	}
	var repos []string
	for _, src := range sources {
		repos = append(repos, repository(src.Name))
	}
	if err := registry.Permitted(ctx, repos...); err != nil {
		return &sharedError{fmt.Errorf("nothing was built: %w", err)}
	}
	return nil
}

func hash(digest name.Digest) v1.Hash {
	h, err := v1.NewHash(digest.DigestStr())
	if err != nil {
		return v1.Hash{} // a name.Digest holds a valid one
	}
	return h
}
