package image

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Input is everything that goes into one image: its parsed Dockerfile, its
// bases, the files of its context, and the key of them all. Open parses the
// Dockerfile and Load reads the context; a build uses the result of both. An
// Input is for one goroutine at a time.
type Input struct {
	Source
	Origin Origin // set it before a build; it becomes labels of the image

	disk   disk
	parsed *dockerfile // nil for a Go program
	refs   []string
	bases  []Base
	tree   *tree
	key    Key
}

// disk reads sources. Tests count its calls: both are slow for a large context.
type disk interface {
	parse(path string) (*dockerfile, error)
	scan(ctx context.Context, src Source) (*tree, error)
}

// files is the disk of this machine.
type files struct{}

func (files) parse(path string) (*dockerfile, error)              { return readDockerfile(path) }
func (files) scan(ctx context.Context, src Source) (*tree, error) { return scan(ctx, src) }

// Open parses the Dockerfile of src and finds its references. The error holds
// every problem of the Dockerfile.
func Open(src Source) (*Input, error) { return open(src, files{}) }

func open(src Source, disk disk) (*Input, error) {
	in := &Input{Source: src, disk: disk}
	if src.Program {
		return in, nil
	}
	var err error
	if in.parsed, err = disk.parse(src.dockerfile()); err != nil {
		return nil, err
	}
	in.refs, err = in.parsed.bases(src)
	return in, err
}

// Refs returns the upstream references that the target of the source needs:
// the bases of its stages and the images of COPY --from and RUN --mount=from,
// without other stages and scratch. Arguments are Args over the Dockerfile's own
// defaults. They are sorted, unique and in the short form that Docker shows
// ("node:24-alpine", "debian"). Stages that the target does not reach are left
// out, as BuildKit does not build them. ONBUILD triggers of a base are not
// known here. A Go program needs none.
func (in *Input) Refs() []string { return slices.Clone(in.refs) }

// Load reads the context and computes the key with these bases, which must
// include every reference of Refs. Into the key go the relative paths, types,
// executable bits, link targets and bytes of the context after the ignore file;
// the Dockerfile; name, arguments, target and platform; and the digests of the
// bases. File order, time stamps, owners, other mode bits, the place of the
// tree, build secrets and Origin do not. Empty folders do. For a Go program,
// the compiler's version and flags and the module's go.mod and go.sum take the
// place of the Dockerfile and the bases; its tests are left out.
func (in *Input) Load(ctx context.Context, bases []Base) error {
	err := in.load(ctx, bases)
	if err != nil {
		return fmt.Errorf("key of image %q: %w", in.Name, err)
	}
	return nil
}

func (in *Input) load(ctx context.Context, bases []Base) error {
	if err := in.use(bases); err != nil {
		return err
	}
	recipe, err := in.recipe()
	if err != nil {
		return err
	}
	if in.tree, err = in.disk.scan(ctx, in.Source); err != nil {
		return err
	}
	in.key = in.digest(recipe, in.tree)
	return nil
}

// Key returns the key that Load computed.
func (in *Input) Key() Key { return in.key }

// Unchanged reads the sources again after a build. A source may change during
// its build; the image must then not be published under the key.
func (in *Input) Unchanged(ctx context.Context) error {
	recipe, err := in.changedRecipe()
	if err != nil {
		return fmt.Errorf("read image %q again: %w", in.Name, err)
	}
	now, err := in.disk.scan(ctx, in.Source)
	if err != nil {
		return fmt.Errorf("read image %q again: %w", in.Name, err)
	}
	if in.digest(recipe, now) != in.key {
		return fmt.Errorf("the sources of image %q changed during its build: run again", in.Name)
	}
	return nil
}

// use takes the bases of the references that the target needs.
func (in *Input) use(bases []Base) error {
	in.bases = nil
	var problems []error
	var missing []string
	for _, ref := range in.refs {
		i := slices.IndexFunc(bases, func(b Base) bool { return b.Ref == ref })
		if i < 0 {
			missing = append(missing, fmt.Sprintf("%q", ref))
			continue
		}
		base, err := bases[i].checked()
		if err != nil {
			problems = append(problems, fmt.Errorf("base %q: %w", ref, err))
		}
		in.bases = append(in.bases, base)
	}
	if len(missing) > 0 {
		problems = append(problems, fmt.Errorf("no digest is given for base %s", strings.Join(missing, ", ")))
	}
	return errors.Join(problems...)
}

// recipe is how the image is made from its context.
func (in *Input) recipe() ([]string, error) {
	if in.Program {
		return programInputs(in.Source)
	}
	return []string{string(in.parsed.bytes)}, nil
}

// changedRecipe is recipe as it is on disk now.
func (in *Input) changedRecipe() ([]string, error) {
	if in.Program {
		return programInputs(in.Source)
	}
	text, err := os.ReadFile(in.dockerfile())
	return []string{string(text)}, err
}

func (in *Input) digest(recipe []string, t *tree) Key {
	w := writer{sha256.New()}
	w.text(append([]string{version, in.Name, in.Target, in.platform().String()}, recipe...)...)
	w.count(len(in.Args))
	for _, name := range slices.Sorted(maps.Keys(in.Args)) {
		w.text(name, in.Args[name])
	}
	w.count(len(in.bases))
	for _, base := range in.bases {
		w.text(base.Ref, base.Digest.String())
	}
	w.count(len(t.entries))
	for _, e := range t.entries {
		w.text(e.path, string(e.kind), e.target, string(e.sum[:]))
	}
	return Key(w.Sum(nil))
}

// checked returns the base with the digest of its image.
func (b Base) checked() (Base, error) {
	if b.Image == nil {
		if b.Digest == (v1.Hash{}) {
			return b, errors.New("neither an image nor a digest is given")
		}
		return b, nil
	}
	digest, err := b.Image.Digest()
	if err != nil {
		return b, err
	}
	if b.Digest != (v1.Hash{}) && b.Digest != digest {
		return b, fmt.Errorf("the image has digest %s, not %s", digest, b.Digest)
	}
	b.Digest = digest
	return b, nil
}
