package chart

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
)

// Package is a chart in one archive file, in the format of `helm package`.
type Package struct {
	Name    string
	Version string
	File    string // path of the archive

	archive  []byte
	metadata []byte // Chart.yaml as JSON
}

// Pack writes the chart in the folder dir to into/NAME-VERSION.tgz, with its
// subcharts and without the files that .helmignore excludes. The same sources give
// the same bytes, unless another Go version compresses differently.
func Pack(dir, into string) (*Package, error) {
	c, err := Load(dir)
	if err != nil {
		return nil, err
	}
	p := &Package{Name: c.Name(), Version: c.Metadata.Version}
	if p.metadata, err = json.Marshal(c.Metadata); err == nil {
		p.File, err = p.write(c, into)
	}
	if err != nil {
		return nil, fmt.Errorf("package chart %q: %w", dir, err)
	}
	return p, nil
}

func (p *Package) write(c *chart.Chart, into string) (file string, err error) {
	scratch, err := os.MkdirTemp("", "chart-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(scratch)
	saved, err := chartutil.Save(c, scratch)
	if err != nil {
		return "", err
	}
	if p.archive, err = settled(saved, c.Name()); err != nil {
		return "", err
	}
	if err := os.MkdirAll(into, 0o755); err != nil {
		return "", err
	}
	file = filepath.Join(into, filepath.Base(saved))
	return file, os.WriteFile(file, p.archive, 0o644)
}

// packed is the modification time of every entry. It has no meaning; some tools
// complain about times before 1980.
var packed = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

// settled makes Helm's archive reproducible: Helm orders subcharts at random and
// gives each entry the current time.
func settled(archive, name string) ([]byte, error) {
	file, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	entries, err := loader.LoadArchiveFiles(file)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b *loader.BufferedFile) int { return cmp.Compare(a.Name, b.Name) })
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	tarred := tar.NewWriter(zipped)
	for _, entry := range entries {
		header := &tar.Header{Name: path.Join(name, entry.Name), Mode: 0o644, Size: int64(len(entry.Data)), ModTime: packed}
		if err := tarred.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := tarred.Write(entry.Data); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(tarred.Close(), zipped.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Tag returns the registry tag of the version. A tag must not contain "+"; like
// Helm, Tag replaces it with "_".
func (p *Package) Tag() string { return strings.ReplaceAll(p.Version, "+", "_") }

// Size returns the size of the archive in bytes.
func (p *Package) Size() int { return len(p.archive) }
