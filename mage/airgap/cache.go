package airgap

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"todo-chatbot/mage/host"
)

// cache keeps what was made once, by the digest of what went in. A result is
// a directory that appears whole or not at all, so an interrupted run leaves
// nothing that a later one could mistake for a result.
type cache struct{ dir string }

func (c cache) path(kind, digest string) string { return filepath.Join(c.dir, kind, digest) }

// entry returns the directory kept for kind and digest, and makes it first if
// it is not there: fill writes into an empty directory beside it. Runs at the
// same time wait for one another.
func (c cache) entry(ctx context.Context, kind, digest string, fill func(dir string) error) (string, error) {
	dir := c.path(kind, digest)
	if done(dir) {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("make cache folder: %w", err)
	}
	lock := flock.New(dir + ".lock")
	if _, err := lock.TryLockContext(ctx, 200*time.Millisecond); err != nil {
		return "", fmt.Errorf("wait for another run that makes %s (lock %q): %w", kind, dir+".lock", err)
	}
	defer lock.Unlock() // the file stays: removing it would let two waiters in
	if done(dir) {
		return dir, nil
	}
	partial := dir + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return "", fmt.Errorf("clear what an interrupted run left at %q: %w", partial, err)
	}
	if err := os.MkdirAll(partial, 0o755); err != nil {
		return "", fmt.Errorf("make cache folder: %w", err)
	}
	defer os.RemoveAll(partial)
	if err := fill(partial); err != nil {
		return "", c.explain(err)
	}
	if err := os.Rename(partial, dir); err != nil {
		return "", fmt.Errorf("keep %s: %w", kind, err)
	}
	return dir, nil
}

// full is how little space is left on a disk that made a program fail, in bytes.
const full = 1 << 20

// explain names the disk if it is full, while what filled it is still there:
// not every program that fails for it says so.
func (c cache) explain(err error) error {
	disk := host.CachesDisk(c.dir)
	free, known := host.Free(c.dir)
	if known && free < full && !errors.Is(err, context.Canceled) {
		return disk.Blame(err)
	}
	return disk.Explain(err)
}

func done(dir string) bool {
	_, err := os.Stat(dir)
	return err == nil
}

// inputs digests what goes into a result. Every part is written with its
// length, so that moving bytes from one part to the next changes the digest.
func inputs(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}
