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

// Package is a chart in one file, as the helm command makes and takes it.
type Package struct {
	Name    string
	Version string
	File    string // path of the archive

	archive  []byte
	metadata []byte // of Chart.yaml, as JSON
}

// Pack writes the chart in the folder dir, subcharts included and without what
// .helmignore names, to into/NAME-VERSION.tgz. The same sources give the same
// bytes for as long as Go compresses them in the same way.
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

// packed is the time of every entry. It means nothing: some tools complain about
// times before 1980.
var packed = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

// settled is an archive of Helm's without what chance and the clock put in:
// its entries have the time of their writing, and subcharts come in any order.
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

// Tag is what a registry calls the version. Tags have no "+", for which Helm
// writes "_" too.
func (p *Package) Tag() string { return strings.ReplaceAll(p.Version, "+", "_") }

// Size is the archive's, in bytes.
func (p *Package) Size() int { return len(p.archive) }
