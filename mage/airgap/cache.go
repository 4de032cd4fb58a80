package airgap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"todo-chatbot/mage/host"
)

// cache keeps results by the digest of their inputs. A result is a folder that
// appears complete or not at all, so no run takes an interrupted result for a
// complete one.
type cache struct{ dir string }

func (c cache) path(kind, digest string) string { return filepath.Join(c.dir, kind, digest) }

// entry returns the folder of kind and digest. If it is missing, fill writes into
// an empty folder, which then gets the name. Runs at the same time wait for each
// other.
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
	defer lock.Unlock() // the file stays: without it two waiting runs could enter
	if done(dir) {
		return dir, nil
	}
	partial := dir + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return "", fmt.Errorf("remove the folder of an interrupted run, %q: %w", partial, err)
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

// full is the free space, in bytes, below which a disk counts as full.
const full = 1 << 20

// explain names the disk if it is full. It runs before the partial result is
// removed, because some programs fail without naming a full disk.
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
