package airgap

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// pulledFile holds the last digest that a registry had for a reference. With it, keys
// stay the same while offline, and an unchanged application is not built on other
// bases.
func (s *Supply) pulledFile(ref string) string {
	return filepath.Join(s.opts.Cache, "pulled", fileName(ref))
}

func (s *Supply) remember(ref string, digest v1.Hash) error {
	file := s.pulledFile(ref)
	if known, ok := s.remembered(ref); ok && known == digest {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("remember the digest of image %q: %w", ref, err)
	}
	partial, err := os.CreateTemp(filepath.Dir(file), "partial-")
	if err != nil {
		return fmt.Errorf("remember the digest of image %q: %w", ref, err)
	}
	defer os.Remove(partial.Name()) // no longer there after the rename
	_, err = partial.WriteString(digest.String())
	if err = errors.Join(err, partial.Close()); err == nil {
		err = os.Rename(partial.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("remember the digest of image %q: %w", ref, err)
	}
	return nil
}

// remembered is the digest of an image that was pulled before. With Offline there is
// none, because every image is made.
func (s *Supply) remembered(ref string) (v1.Hash, bool) {
	if s.opts.Offline {
		return v1.Hash{}, false
	}
	known, err := os.ReadFile(s.pulledFile(ref))
	if errors.Is(err, fs.ErrNotExist) {
		return v1.Hash{}, false
	}
	digest, err := v1.NewHash(strings.TrimSpace(string(known)))
	return digest, err == nil
}
