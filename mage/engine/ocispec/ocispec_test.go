package ocispec

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withoutSysResource is the bounding set of a host where root lacks it.
const withoutSysResource = 0x1fffeffffff

func read(t *testing.T, name string) (document []byte, parsed map[string]any) {
	t.Helper()
	document, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(document, &parsed))
	return document, parsed
}

func TestRestrictRemovesMissingCapabilitiesAndRaisesOOMScore(t *testing.T) {
	for _, c := range []struct {
		name, file string
		kind       Kind
		host       Host
		adj        float64
		kept       int
	}{
		{"bundle of a privileged container", "privileged.json", Bundle, Host{Bounding: withoutSysResource}, 0, 40},
		{"process of exec", "exec-process.json", Process, Host{Bounding: withoutSysResource}, 0, 40},
		{"host with an OOM score above zero", "privileged.json", Bundle, Host{Bounding: withoutSysResource, OOMScoreAdj: 7}, 7, 40},
		{"host with all capabilities", "privileged.json", Bundle, Host{Bounding: 1<<41 - 1}, -500, 41},
	} {
		t.Run(c.name, func(t *testing.T) {
			document, before := read(t, c.file)
			restricted, err := c.host.Restrict(document, c.kind)
			require.NoError(t, err)
			var after map[string]any
			require.NoError(t, json.Unmarshal(restricted, &after))

			was, is := before, after
			if c.kind == Bundle {
				was, is = before["process"].(map[string]any), after["process"].(map[string]any)
			}
			assert.Equal(t, c.adj, is["oomScoreAdj"])
			for name, set := range is["capabilities"].(map[string]any) {
				assert.Len(t, set, c.kept, name)
				if c.kept < 41 {
					assert.NotContains(t, set, "CAP_SYS_RESOURCE", name)
				}
			}
			for _, changed := range []map[string]any{was, is} {
				delete(changed, "capabilities")
				delete(changed, "oomScoreAdj")
			}
			assert.Equal(t, before, after, "every other field stays")
		})
	}
}

func TestRestrictKeepsNumbersThatAFloatWouldRound(t *testing.T) {
	restricted, err := Host{}.Restrict([]byte(`{"linux":{"limit":9223372036854775807}}`), Bundle)
	require.NoError(t, err)
	assert.JSONEq(t, `{"linux":{"limit":9223372036854775807}}`, string(restricted))
	assert.Contains(t, string(restricted), "9223372036854775807")
}

func TestRestrictRefusesInvalidJSON(t *testing.T) {
	_, err := Host{}.Restrict([]byte(`{"process":`), Bundle)
	assert.ErrorContains(t, err, "parse runtime document")
}

func TestDocumentFindsFileOfCommandLine(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		path string
		kind Kind
	}{
		{"create as containerd calls it", []string{"--root", "/run/docker", "--log", "/l.json", "--log-format", "json", "create", "--bundle", "/b", "--pid-file", "/p", "id"}, "/b/config.json", Bundle},
		{"bundle in a short inline flag", []string{"run", "-b=/b", "id"}, "/b/config.json", Bundle},
		{"bundle in the working directory", []string{"create", "id"}, "config.json", Bundle},
		{"exec with a process file", []string{"--root", "/r", "exec", "--process", "/tmp/p.json", "--detach", "id"}, "/tmp/p.json", Process},
		{"exec with a command line", []string{"exec", "id", "true"}, "", Process},
		{"container named run", []string{"delete", "run"}, "", Bundle},
		{"state", []string{"--root", "/r", "state", "id"}, "", Bundle},
		{"version", []string{"--version"}, "", Bundle},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, kind := Document(c.args)
			assert.Equal(t, c.path, path)
			if path != "" {
				assert.Equal(t, c.kind, kind)
			}
		})
	}
}

func TestParseHostReadsKernelFiles(t *testing.T) {
	host, err := ParseHost("Name:\tcat\nCapBnd:\t000001fffeffffff\nCapAmb:\t0\n", "-3\n")
	require.NoError(t, err)
	assert.Equal(t, Host{Bounding: withoutSysResource, OOMScoreAdj: -3}, host)
	assert.False(t, host.Has(SysResource))
	assert.True(t, host.Has(0))

	for name, status := range map[string]string{"line missing": "Name:\tcat\n", "not a number": "CapBnd:\txyz\n"} {
		_, err := ParseHost(status, "0")
		assert.Error(t, err, name)
	}
}
