package pipeline

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/progress"
)

// chartRegistry starts an image registry and counts its PUT requests.
func chartRegistry(t *testing.T) (names cluster.Registry, puts *int) {
	t.Helper()
	puts = new(int)
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			*puts++
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return cluster.Registry{Push: strings.TrimPrefix(server.URL, "http://"), Pull: "localhost:5000"}, puts
}

func TestPushChartSendsUnchangedChartOnce(t *testing.T) {
	var steps bytes.Buffer
	p := load(t, copyProject(t, ""), "dev", nil)
	p.opts.Progress = progress.New(&steps, progress.Options{})
	names, puts := chartRegistry(t)
	s := &services{registry: newWire(p).registry}

	packed, err := p.PackChart()
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(p.env.Root, "build", "charts", "todo-chatbot-"+packed.Version+".tgz"), packed.File)
	assert.FileExists(t, packed.File)
	first, err := p.pushChart(t.Context(), s, names, packed)
	require.NoError(t, err)
	assert.Regexp(t, `^oci://`+regexp.QuoteMeta(names.Push)+`/charts/todo-chatbot@sha256:[0-9a-f]{64}$`, first)
	sent := *puts
	assert.Positive(t, sent)

	packed, err = p.PackChart()
	require.NoError(t, err)
	second, err := p.pushChart(t.Context(), s, names, packed)
	require.NoError(t, err)
	assert.Equal(t, first, second)
	assert.Equal(t, sent, *puts, "nothing is sent again")
	assert.Regexp(t, `(?s)pushed.*unchanged`, steps.String())

	file := filepath.Join(p.chartDir(), "values.yaml")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	write(t, file, string(text)+"# changed\n")
	packed, err = p.PackChart()
	require.NoError(t, err)
	third, err := p.pushChart(t.Context(), s, names, packed)
	require.NoError(t, err)
	assert.NotEqual(t, first, third, "the tag names the new chart")
	assert.Greater(t, *puts, sent)
}

func TestPushChartFailsWithoutRegistry(t *testing.T) {
	p := load(t, copyProject(t, ""), "dev", nil)
	s := &services{registry: newWire(p).registry}
	packed, err := p.PackChart()
	require.NoError(t, err)
	_, err = p.pushChart(t.Context(), s, cluster.Registry{}, packed)
	assert.ErrorIs(t, err, errNoRegistry)

	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	_, err = p.pushChart(t.Context(), s, cluster.Registry{Push: strings.TrimPrefix(gone.URL, "http://"), Pull: "localhost:5000"}, packed)
	assert.ErrorContains(t, err, "`mage cluster:up` starts it")
}
