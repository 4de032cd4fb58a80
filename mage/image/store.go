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

// kept is how long an export that nobody builds again stays on disk.
const kept = 14 * 24 * time.Hour

// recorded is how long the digest of an image that nobody asks for is known.
const recorded = 180 * 24 * time.Hour

// poll is how often a lock that another build holds is tried again.
const poll = 100 * time.Millisecond

// keyFile is the file in a source's layout that says what it was built from.
const keyFile = "key"

// Store is a folder of OCI layouts: the newest image of every source, and the
// bases that BuildKit was given.
type Store struct{ dir string }

// NewStore returns the store in a folder, which is made when it is first used.
func NewStore(dir string) *Store { return &Store{dir: dir} }

func (s *Store) images() string { return filepath.Join(s.dir, "images") }
func (s *Store) bases() string  { return filepath.Join(s.dir, "bases") }

// Keep says that the image of src that was built last was built from what key
// names.
func (s *Store) Keep(src Source, key Key) error {
	path := filepath.Join(s.images(), outputName(src), keyFile)
	if err := os.WriteFile(path, []byte(key.String()), 0o644); err != nil {
		return fmt.Errorf("keep image %q: %w", src.Name, err)
	}
	return nil
}

// Find returns the newest image of src if it is known to have been built from
// what key names and is still there, whole.
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
	_ = os.Chtimes(dir, now, now) // in use, so not to be swept; at worst it is built again
	return img, true
}

// digests is where the records are of what was pushed under a key.
func (s *Store) digests() string { return filepath.Join(s.dir, "digests") }

func (s *Store) record(src Source, key Key) string {
	return filepath.Join(s.digests(), src.Name+"-"+key.Tag())
}

// Record says which digest the image of src, of what key names, has in
// registries: this machine pushed it, or found it where only those with a login
// can push. Records that nobody asked for in half a year are removed.
func (s *Store) Record(src Source, key Key, digest v1.Hash) error {
	if err := os.MkdirAll(s.digests(), 0o755); err != nil {
		return fmt.Errorf("record the digest of image %q: %w", src.Name, err)
	}
	s.forget()
	partial, err := os.CreateTemp(s.digests(), "partial-")
	if err != nil {
		return fmt.Errorf("record the digest of image %q: %w", src.Name, err)
	}
	defer os.Remove(partial.Name()) // gone when all went well
	_, err = partial.WriteString(digest.String())
	if err = errors.Join(err, partial.Close()); err == nil {
		err = os.Rename(partial.Name(), s.record(src, key))
	}
	if err != nil {
		return fmt.Errorf("record the digest of image %q: %w", src.Name, err)
	}
	return nil
}

// forget removes old records, as far as it can: each is a few bytes.
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

// Digest is the one digest that the image of src, of what key names, is believed
// to have in a registry: what was recorded, else that of the build which is kept.
func (s *Store) Digest(src Source, key Key) (v1.Hash, bool) {
	path := s.record(src, key)
	if text, err := os.ReadFile(path); err == nil {
		digest, err := v1.NewHash(string(text))
		now := time.Now()
		_ = os.Chtimes(path, now, now) // in use, so not to be removed
		return digest, err == nil
	}
	img, ok := s.Find(src, key)
	if !ok {
		return v1.Hash{}, false
	}
	digest, err := img.Digest()
	return digest, err == nil
}

// whole tells whether every blob of an image is in a layout, with its size.
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

// output is the OCI layout that one source is exported to. It stays for the
// next build, which then writes only the blobs that are not in it.
type output struct {
	dir  string
	lock *flock.Flock
}

// output locks the layout of src, waiting for another build of the same
// source, and removes layouts that were not built for a long time.
func (s *Store) output(ctx context.Context, src Source) (*output, error) {
	root := s.images()
	dir := filepath.Join(root, outputName(src))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make room for the image: %w", err)
	}
	sweep(root, filepath.Base(dir))
	o := &output{dir: dir, lock: flock.New(dir + ".lock")}
	if err := lock(ctx, o.lock); err != nil {
		return nil, err
	}
	// What an interrupted export left: an old index and blobs half written.
	err := errors.Join(remove(filepath.Join(dir, keyFile)), remove(filepath.Join(dir, "index.json")), os.RemoveAll(filepath.Join(dir, "ingest")))
	if err != nil {
		o.close()
		return nil, fmt.Errorf("make room for the image: %w", err)
	}
	return o, nil
}

func (o *output) close() { o.lock.Unlock() }

// image finds the exported image and drops blobs of earlier ones.
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
		return nil, fmt.Errorf("clear exported image in %q: %w", o.dir, err)
	}
	for _, blob := range unused {
		if err := path.RemoveBlob(blob); err != nil {
			return nil, fmt.Errorf("clear exported image in %q: %w", o.dir, err)
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

// descend finds the image for platform in an index and the indexes within. An
// image that names no platform suits any; attestations name "unknown".
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

// outputName keeps variants of one source apart.
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

// sweep removes the layouts under root that are old and not in use, as far as
// it can. The lock files stay: a removed one would no longer exclude anybody.
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

// keepBase writes img as an OCI layout, once, and returns its folder.
func (s *Store) keepBase(ctx context.Context, img v1.Image, digest v1.Hash) (string, error) {
	root := s.bases()
	dir := filepath.Join(root, digest.Hex)
	done := filepath.Join(dir, "index.json")
	if _, err := os.Stat(done); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", fmt.Errorf("keep on disk: %w", err)
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
		return "", fmt.Errorf("keep on disk: %w", err)
	}
	defer os.RemoveAll(partial)
	path, err := layout.Write(partial, empty.Index)
	if err != nil {
		return "", fmt.Errorf("keep on disk: %w", err)
	}
	if err := path.AppendImage(img); err != nil {
		return "", fmt.Errorf("keep on disk: %w", err)
	}
	if err := errors.Join(os.RemoveAll(dir), os.Rename(partial, dir)); err != nil {
		return "", fmt.Errorf("keep on disk: %w", err)
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
