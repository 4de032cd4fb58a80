package chart_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/chart/loader"
	helmregistry "helm.sh/helm/v3/pkg/registry"

	"todo-chatbot/mage/chart"
)

const application = "../../helm/todo-chatbot"

func pack(t *testing.T, dir string) *chart.Package {
	t.Helper()
	p, err := chart.Pack(dir, filepath.Join(t.TempDir(), "charts"))
	require.NoError(t, err)
	return p
}

func content(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return data
}

func TestPackIsReproducibleAndChangesWithTheChart(t *testing.T) {
	first := pack(t, application)
	assert.Equal(t, "todo-chatbot-"+first.Version+".tgz", filepath.Base(first.File))
	for range 8 { // Helm orders subcharts at random
		assert.Equal(t, content(t, first.File), content(t, pack(t, application).File))
	}
	changed := pack(t, broken(t, edit{"values.yaml", "", "title: other\n"}))
	assert.NotEqual(t, content(t, pack(t, good).File), content(t, changed.File))
}

func TestPackageEntriesHaveAFixedTimeAndAreSorted(t *testing.T) {
	zipped, err := gzip.NewReader(bytes.NewReader(content(t, pack(t, application).File)))
	require.NoError(t, err)
	assert.True(t, zipped.ModTime.IsZero())
	names := []string{}
	for entries := tar.NewReader(zipped); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		assert.Equal(t, 1980, entry.ModTime.UTC().Year(), entry.Name)
		names = append(names, entry.Name)
	}
	assert.Contains(t, names, "todo-chatbot/charts/backend/Chart.yaml")
	assert.IsIncreasing(t, names)
}

func TestPackageContainsTheWholeChart(t *testing.T) {
	p := pack(t, application)
	packed, err := loader.LoadFile(p.File)
	require.NoError(t, err)
	source, err := chart.Load(application)
	require.NoError(t, err)
	assert.Equal(t, p.Size(), len(content(t, p.File)))
	assert.Equal(t, source.Metadata, packed.Metadata)
	assert.Equal(t, source.Values, packed.Values)
	assert.Len(t, packed.Dependencies(), len(source.Dependencies()))

	dir := filepath.Join(t.TempDir(), packed.Name())
	for _, file := range packed.Raw {
		path := filepath.Join(dir, file.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, file.Data, 0o600))
	}
	want, err := chart.Check(application, chart.Values{}, release)
	require.NoError(t, err)
	got, err := chart.Check(dir, chart.Values{}, release)
	require.NoError(t, err)
	assert.Equal(t, want.Manifests, got.Manifests)
}

func TestPackRefusesAnInvalidChart(t *testing.T) {
	_, err := chart.Pack(t.TempDir(), t.TempDir())
	assert.ErrorContains(t, err, "the folder has no Chart.yaml")
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = chart.Pack(good, filepath.Join(file, "charts"))
	assert.ErrorContains(t, err, `package chart "`+good+`": `)
}

func TestTagReplacesPlusWithUnderscore(t *testing.T) {
	p := pack(t, broken(t, edit{"Chart.yaml", "type: application\nversion: 0.1.0", "type: application\nversion: 0.1.0+build.7"}))
	assert.Equal(t, "0.1.0+build.7 0.1.0_build.7", p.Version+" "+p.Tag())
}

func TestHelmPullsAndLoadsAPushedPackage(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	p := pack(t, application)
	image, err := p.Image()
	require.NoError(t, err)
	ref, err := name.NewTag(strings.TrimPrefix(server.URL, "http://") + "/charts/" + p.Name + ":" + p.Tag())
	require.NoError(t, err)
	require.NoError(t, remote.Write(ref, image))
	digest, err := image.Digest()
	require.NoError(t, err)

	again, err := pack(t, application).Image()
	require.NoError(t, err)
	same, err := again.Digest()
	require.NoError(t, err)
	assert.Equal(t, digest, same, "the same chart has the same digest")

	helm, err := helmregistry.NewClient(helmregistry.ClientOptPlainHTTP(), helmregistry.ClientOptCredentialsFile(filepath.Join(t.TempDir(), "none")))
	require.NoError(t, err)
	for _, wanted := range []string{ref.String(), ref.Context().Name() + "@" + digest.String()} {
		pulled, err := helm.Pull(helmregistry.OCIScheme + "://" + wanted)
		require.NoError(t, err, wanted)
		assert.Equal(t, digest.String(), pulled.Manifest.Digest)
		assert.Equal(t, p.Name+" "+p.Version, pulled.Chart.Meta.Name+" "+pulled.Chart.Meta.Version)
		assert.Equal(t, content(t, p.File), pulled.Chart.Data)
		loaded, err := loader.LoadArchive(bytes.NewReader(pulled.Chart.Data))
		require.NoError(t, err)
		assert.NoError(t, loaded.Validate())
	}
}
