package image

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// version is part of every key. It changes when this package begins to build
// other bytes from the same sources.
const version = "todo-chatbot/image/1"

// tagDigits is how many hexadecimal digits of a key its tag has: 128 bits.
const tagDigits = 32

// Key is the digest of everything that goes into an image. Equal keys mean
// equal sources, so an image published under its key need not be built again.
type Key [sha256.Size]byte

// KeyOf reads everything that goes into the image of src: the relative paths,
// types, executable bits, link targets and bytes of its context after the
// ignore file; the Dockerfile; name, arguments, target and platform; and the
// digests of its bases, by the references that Bases returns. File order, time
// stamps, owners, other mode bits, where the tree lies and build secrets do not
// go in. Empty folders do. Into the key of a Go program go the compiler's
// version and flags, and the module's go.mod and go.sum, instead of a Dockerfile
// and bases; its tests do not.
//
// A source may change while it is built: who publishes under a key calls KeyOf
// again after the build and publishes only when it is the same.
func KeyOf(ctx context.Context, src Source, bases map[string]v1.Hash) (Key, error) {
	recipe, refs, err := recipeOf(src, bases)
	if err != nil {
		return Key{}, fmt.Errorf("key of image %q: %w", src.Name, err)
	}
	t, err := scan(ctx, src)
	if err != nil {
		return Key{}, fmt.Errorf("key of image %q: %w", src.Name, err)
	}

	w := writer{sha256.New()}
	w.text(append([]string{version, src.Name, src.Target, src.platform().String()}, recipe...)...)
	w.count(len(src.Args))
	for _, name := range slices.Sorted(maps.Keys(src.Args)) {
		w.text(name, src.Args[name])
	}
	w.count(len(refs))
	for _, ref := range refs {
		w.text(ref, bases[ref].String())
	}
	w.count(len(t.entries))
	for _, e := range t.entries {
		w.text(e.path, string(e.kind), e.target, string(e.sum[:]))
	}
	return Key(w.Sum(nil)), nil
}

// recipeOf is how an image is made from its context, and the bases it needs.
func recipeOf(src Source, bases map[string]v1.Hash) (recipe, refs []string, err error) {
	if src.Program {
		recipe, err = programInputs(src)
		return recipe, nil, err
	}
	df, err := readDockerfile(src.dockerfile())
	if err != nil {
		return nil, nil, err
	}
	refs, err = df.bases(src)
	if err != nil {
		return nil, nil, err
	}
	var missing []string
	for _, ref := range refs {
		if bases[ref] == (v1.Hash{}) {
			missing = append(missing, fmt.Sprintf("%q", ref))
		}
	}
	if len(missing) > 0 {
		return nil, nil, fmt.Errorf("no digest is given for base %s", strings.Join(missing, ", "))
	}
	return []string{string(df.bytes)}, refs, nil
}

// String is the key as a digest, "sha256:…".
func (k Key) String() string { return "sha256:" + hex.EncodeToString(k[:]) }

// Tag is the key as a tag, "key-…".
func (k Key) Tag() string { return "key-" + hex.EncodeToString(k[:])[:tagDigits] }

// writer writes fields and numbers so that no two sequences read alike.
type writer struct{ hash.Hash }

func (w writer) text(fields ...string) {
	for _, s := range fields {
		w.count(len(s))
		w.Write([]byte(s))
	}
}

func (w writer) count(n int) {
	w.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
}
