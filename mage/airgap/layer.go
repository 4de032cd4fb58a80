package airgap

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/compression"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// file is one entry of a layer: a folder if Dir is set, a link if Link is set, else
// a file with the bytes of Body or of the file at Source.
type file struct {
	Path   string // slash path without a leading slash
	Mode   int64
	Body   []byte
	Source string
	Link   string
	Dir    bool
}

// writeLayer writes files as a reproducible tar: sorted, owned by root, with one
// time stamp, parents before children.
func writeLayer(w io.Writer, files []file) error {
	all := map[string]file{}
	for _, f := range files {
		for parent := path.Dir(f.Path); parent != "."; parent = path.Dir(parent) {
			if _, ok := all[parent]; !ok {
				all[parent] = file{Path: parent, Mode: 0o755, Dir: true}
			}
		}
		all[f.Path] = f
	}
	archive := tar.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := writeEntry(archive, all[name]); err != nil {
			return fmt.Errorf("layer entry %q: %w", name, err)
		}
	}
	return archive.Close()
}

func writeEntry(archive *tar.Writer, f file) error {
	header := &tar.Header{Name: f.Path, Mode: f.Mode, ModTime: time.Unix(epoch, 0), Format: tar.FormatPAX}
	var body io.Reader = bytes.NewReader(f.Body)
	switch {
	case f.Dir:
		header.Typeflag, header.Name = tar.TypeDir, f.Path+"/"
	case f.Link != "":
		header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, f.Link, 0o777
	case f.Source != "":
		source, err := os.Open(f.Source)
		if err != nil {
			return err
		}
		defer source.Close()
		info, err := source.Stat()
		if err != nil {
			return err
		}
		header.Size, body = info.Size(), source
	default:
		header.Size = int64(len(f.Body))
	}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := io.Copy(archive, body)
	return err
}

// writeTar writes files to a tar at target.
func writeTar(target string, files []file) error {
	out, err := os.Create(target)
	if err != nil {
		return err
	}
	return errors.Join(writeLayer(out, files), out.Close())
}

// layerOf writes files to a tar at target and returns it as a layer, which reads the
// tar as long as it is in use.
func layerOf(target string, files []file) (v1.Layer, error) {
	if err := writeTar(target, files); err != nil {
		return nil, err
	}
	return plainLayer(target)
}

// pushed is the compression of layers that go through a registry. zstd takes a
// fraction of gzip's time, for compression and for decompression.
const pushed = compression.ZStd

// pushedLayer is a layer for an image that is pushed to a registry.
func pushedLayer(tarPath string) (v1.Layer, error) {
	return tarball.LayerFromFile(tarPath, tarball.WithCompression(pushed), tarball.WithMediaType(types.OCILayerZStd))
}

// plain is an uncompressed layer in a file, for images that only the engine on this
// machine loads. The tarball package of go-containerregistry always compresses.
type plain struct {
	path string
	hash v1.Hash
	size int64
}

func plainLayer(tarPath string) (v1.Layer, error) {
	in, err := os.Open(tarPath)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, in)
	if err != nil {
		return nil, fmt.Errorf("digest layer %q: %w", tarPath, err)
	}
	return &plain{path: tarPath, size: size, hash: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}}, nil
}

func (p *plain) Digest() (v1.Hash, error)             { return p.hash, nil }
func (p *plain) DiffID() (v1.Hash, error)             { return p.hash, nil }
func (p *plain) Compressed() (io.ReadCloser, error)   { return os.Open(p.path) }
func (p *plain) Uncompressed() (io.ReadCloser, error) { return os.Open(p.path) }
func (p *plain) Size() (int64, error)                 { return p.size, nil }
func (p *plain) MediaType() (types.MediaType, error)  { return types.OCIUncompressedLayer, nil }

// filesBelow lists a folder's files as entries below prefix.
func filesBelow(dir, prefix string) ([]file, error) {
	var files []file
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		relative, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		entry := file{Path: path.Join(prefix, filepath.ToSlash(relative)), Mode: 0o644, Source: name}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			entry.Link, err = os.Readlink(name)
			entry.Source = ""
		} else if info.Mode()&0o111 != 0 {
			entry.Mode = 0o755
		}
		files = append(files, entry)
		return err
	})
	return files, err
}
