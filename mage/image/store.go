package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// kept is the time that an export without a new build stays on disk.
const kept = 14 * 24 * time.Hour

// recorded is the time that an unused record of a digest is kept.
const recorded = 180 * 24 * time.Hour

// poll is the interval between attempts to take a lock.
const poll = 100 * time.Millisecond

// keyFile is the file in a layout with the key of its image.
const keyFile = "key"

// Store is a folder of OCI layouts: the newest image of every source, and bases for
// BuildKit.
type Store struct{ dir string }

// NewStore returns the store in a folder, which is created at its first use.
func NewStore(dir string) *Store { return &Store{dir: dir} }

func (s *Store) images() string { return filepath.Join(s.dir, "images") }
func (s *Store) bases() string  { return filepath.Join(s.dir, "bases") }

// Keep records that the newest image of src has the key.
func (s *Store) Keep(src Source, key Key) error {
	path := filepath.Join(s.images(), outputName(src), keyFile)
	if err := os.WriteFile(path, []byte(key.String()), 0o644); err != nil {
		return fmt.Errorf("record the key of image %q: %w", src.Name, err)
	}
	return nil
}

// Find returns the newest image of src if it has the key and is complete.
func (s *Store) Find(src Source, key Key) (v1.Image, bool) {
	dir := filepath.Join(s.images(), outputName(src))
	built, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil || string(built) != key.String() {
		return nil, false
	}
	img, err := readLayout(dir, src.platform())
	if err != nil || !whole(dir, img) {
		return nil, false
	}
	now := time.Now()
	_ = os.Chtimes(dir, now, now) // protects it from sweep; without effect the image is built again
	return img, true
}

// digests is the folder of the records of pushed digests.
func (s *Store) digests() string { return filepath.Join(s.dir, "digests") }

func (s *Store) record(src Source, key Key) string {
	return filepath.Join(s.digests(), src.Name+"-"+key.Tag())
}

// Record records the digest that the image with this key has in registries: this
// machine pushed it, or found it in a registry that wants a login for pushes. Records
// that were not used for half a year are removed.
func (s *Store) Record(src Source, key Key, digest v1.Hash) error {
	if err := os.MkdirAll(s.digests(), 0o755); err != nil {
		return fmt.Errorf("record the digest of image %q: %w", src.Name, err)
	}
	s.forget()
	partial, err := os.CreateTemp(s.digests(), "partial-")
	if err != nil {
		return fmt.Errorf("record the digest of image %q: %w", src.Name, err)
	}
	defer os.Remove(partial.Name()) // no longer there after the rename
	_, err = partial.WriteString(digest.String())
	if err = errors.Join(err, partial.Close()); err == nil {
		err = os.Rename(partial.Name(), s.record(src, key))
	}
	if err != nil {
		return fmt.Errorf("record the digest of image %q: %w", src.Name, err)
	}
	return nil
}

// forget removes old records and ignores errors: a record is small.
func (s *Store) forget() {
	records, err := os.ReadDir(s.digests())
	if err != nil {
		return
	}
	for _, record := range records {
		if info, err := record.Info(); err == nil && time.Since(info.ModTime()) > recorded {
			_ = os.Remove(filepath.Join(s.digests(), record.Name()))
		}
	}
}

// Digest is the digest that the image with this key must have in a registry: the
// recorded digest, else the digest of the image in the store.
func (s *Store) Digest(src Source, key Key) (v1.Hash, bool) {
	path := s.record(src, key)
	if text, err := os.ReadFile(path); err == nil {
		digest, err := v1.NewHash(string(text))
		now := time.Now()
		_ = os.Chtimes(path, now, now) // protects it from forget
		return digest, err == nil
	}
	img, ok := s.Find(src, key)
	if !ok {
		return v1.Hash{}, false
	}
	digest, err := img.Digest()
	return digest, err == nil
}

// whole reports whether a layout has every blob of an image, by size.
func whole(dir string, img v1.Image) bool {
	manifest, err := img.Manifest()
	if err != nil {
		return false
	}
	for _, blob := range append(manifest.Layers, manifest.Config) {
		info, err := os.Stat(filepath.Join(dir, "blobs", blob.Digest.Algorithm, blob.Digest.Hex))
		if err != nil || info.Size() != blob.Size {
			return false
		}
	}
	return true
}

// output is the OCI layout for exports of one source. The next build writes only the
// blobs that it does not have.
type output struct {
	dir  string
	lock *flock.Flock
}

// output locks the layout of src, after a wait for other builds of the same source. It
// removes old layouts.
func (s *Store) output(ctx context.Context, src Source) (*output, error) {
	root := s.images()
	dir := filepath.Join(root, outputName(src))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("prepare the folder of the image: %w", err)
	}
	sweep(root, filepath.Base(dir))
	o := &output{dir: dir, lock: flock.New(dir + ".lock")}
	if err := lock(ctx, o.lock); err != nil {
		return nil, err
	}
	// An interrupted export leaves an old index and partial blobs.
	err := errors.Join(remove(filepath.Join(dir, keyFile)), remove(filepath.Join(dir, "index.json")), os.RemoveAll(filepath.Join(dir, "ingest")))
	if err != nil {
		o.close()
		return nil, fmt.Errorf("prepare the folder of the image: %w", err)
	}
	return o, nil
}

func (o *output) close() { o.lock.Unlock() }

// image finds the exported image and removes blobs of earlier images.
func (o *output) image(platform v1.Platform) (v1.Image, error) {
	img, err := readLayout(o.dir, platform)
	if err != nil {
		return nil, err
	}
	path, err := layout.FromPath(o.dir)
	if err != nil {
		return nil, fmt.Errorf("read exported image in %q: %w", o.dir, err)
	}
	unused, err := path.GarbageCollect()
	if err != nil {
		return nil, fmt.Errorf("remove old blobs of the image in %q: %w", o.dir, err)
	}
	for _, blob := range unused {
		if err := path.RemoveBlob(blob); err != nil {
			return nil, fmt.Errorf("remove old blobs of the image in %q: %w", o.dir, err)
		}
	}
	return img, nil
}

// readLayout finds the one image for platform in an OCI layout.
func readLayout(dir string, platform v1.Platform) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("read exported image in %q: %w", dir, err)
	}
	img, err := descend(index, platform)
	if err != nil {
		return nil, fmt.Errorf("read exported image in %q: %w", dir, err)
	}
	return img, nil
}

// descend finds the image for platform in an index and its nested indexes. An image
// without a platform fits every platform; attestations have platform "unknown".
func descend(index v1.ImageIndex, platform v1.Platform) (v1.Image, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, desc := range manifest.Manifests {
		if desc.Platform != nil && !desc.Platform.Satisfies(platform) {
			continue
		}
		if desc.MediaType.IsImage() {
			return index.Image(desc.Digest)
		}
		if desc.MediaType.IsIndex() {
			inner, err := index.ImageIndex(desc.Digest)
			if err != nil {
				return nil, err
			}
			if img, err := descend(inner, platform); err == nil {
				return img, nil
			}
		}
	}
	return nil, fmt.Errorf("no image for %s", platform)
}

// outputName differs for each variant of a source.
func outputName(src Source) string {
	w := writer{sha256.New()}
	context, err := filepath.Abs(src.Context)
	if err != nil {
		context = src.Context
	}
	w.text(context, src.dockerfile(), src.Target, src.platform().String())
	for _, arg := range slices.Sorted(maps.Keys(src.Args)) {
		w.text(arg, src.Args[arg])
	}
	return src.Name + "-" + hex.EncodeToString(w.Sum(nil)[:4])
}

// sweep removes old, unused layouts under root and ignores errors. Lock files stay: a
// removed lock file does not exclude a build that still holds it.
func sweep(root, current string) {
	folders, err := os.ReadDir(root)
	if err != nil {
		return
	}
	for _, folder := range folders {
		info, err := folder.Info()
		if err != nil || !folder.IsDir() || folder.Name() == current || time.Since(info.ModTime()) < kept {
			continue
		}
		guard := flock.New(filepath.Join(root, folder.Name()+".lock"))
		if ok, err := guard.TryLock(); err == nil && ok {
			os.RemoveAll(filepath.Join(root, folder.Name()))
			guard.Unlock()
		}
	}
}

// keepBase returns the folder of img as an OCI layout, and writes it if it is missing.
func (s *Store) keepBase(ctx context.Context, img v1.Image, digest v1.Hash) (string, error) {
	root := s.bases()
	dir := filepath.Join(root, digest.Hex)
	done := filepath.Join(dir, "index.json")
	if _, err := os.Stat(done); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", fmt.Errorf("write base to disk: %w", err)
	}
	guard := flock.New(dir + ".lock")
	if err := lock(ctx, guard); err != nil {
		return "", err
	}
	defer guard.Unlock()
	if _, err := os.Stat(done); err == nil {
		return dir, nil
	}
	partial, err := os.MkdirTemp(root, "partial-")
	if err != nil {
		return "", fmt.Errorf("write base to disk: %w", err)
	}
	defer os.RemoveAll(partial)
	path, err := layout.Write(partial, empty.Index)
	if err != nil {
		return "", fmt.Errorf("write base to disk: %w", err)
	}
	if err := path.AppendImage(img); err != nil {
		return "", fmt.Errorf("write base to disk: %w", err)
	}
	if err := errors.Join(os.RemoveAll(dir), os.Rename(partial, dir)); err != nil {
		return "", fmt.Errorf("write base to disk: %w", err)
	}
	return dir, nil
}

func lock(ctx context.Context, l *flock.Flock) error {
	if _, err := l.TryLockContext(ctx, poll); err != nil {
		return fmt.Errorf("wait for another build, lock %q: %w", l.Path(), err)
	}
	return nil
}

func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
