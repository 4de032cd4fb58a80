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

func TestRestrictDropsWhatTheHostCannotGive(t *testing.T) {
	for _, c := range []struct {
		name, file string
		process    bool
		host       Host
		adj        float64
		kept       int
	}{
		{"a privileged container's bundle", "privileged.json", false, Host{Bounding: withoutSysResource}, 0, 40},
		{"a process that is executed in one", "exec-process.json", true, Host{Bounding: withoutSysResource}, 0, 40},
		{"a host that may not go below its own score", "privileged.json", false, Host{Bounding: withoutSysResource, OOMScoreAdj: 7}, 7, 40},
		{"a host that can give everything", "privileged.json", false, Host{Bounding: 1<<41 - 1}, -500, 41},
	} {
		t.Run(c.name, func(t *testing.T) {
			document, before := read(t, c.file)
			restricted, err := c.host.Restrict(document, c.process)
			require.NoError(t, err)
			var after map[string]any
			require.NoError(t, json.Unmarshal(restricted, &after))

			was, is := before, after
			if !c.process {
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
			assert.Equal(t, before, after, "every other field stays as it was")
		})
	}
}

func TestRestrictKeepsNumbersThatAFloatWouldRound(t *testing.T) {
	restricted, err := Host{}.Restrict([]byte(`{"linux":{"limit":9223372036854775807}}`), false)
	require.NoError(t, err)
	assert.JSONEq(t, `{"linux":{"limit":9223372036854775807}}`, string(restricted))
	assert.Contains(t, string(restricted), "9223372036854775807")
}

func TestRestrictRefusesWhatIsNoDocument(t *testing.T) {
	_, err := Host{}.Restrict([]byte(`{"process":`), false)
	assert.ErrorContains(t, err, "parse runtime document")
}

func TestDocumentFindsTheFileOfACommandLine(t *testing.T) {
	for _, c := range []struct {
		name    string
		args    []string
		path    string
		process bool
	}{
		{"containerd creates", []string{"--root", "/run/docker", "--log", "/l.json", "--log-format", "json", "create", "--bundle", "/b", "--pid-file", "/p", "id"}, "/b/config.json", false},
		{"an inline bundle", []string{"run", "-b=/b", "id"}, "/b/config.json", false},
		{"the bundle is the working directory", []string{"create", "id"}, "config.json", false},
		{"exec with a process file", []string{"--root", "/r", "exec", "--process", "/tmp/p.json", "--detach", "id"}, "/tmp/p.json", true},
		{"exec of a command line", []string{"exec", "id", "true"}, "", true},
		{"a container that is called run", []string{"delete", "run"}, "", false},
		{"state", []string{"--root", "/r", "state", "id"}, "", false},
		{"version", []string{"--version"}, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, process := Document(c.args)
			assert.Equal(t, c.path, path)
			if path != "" {
				assert.Equal(t, c.process, process)
			}
		})
	}
}

func TestParseHostReadsTheKernelsFiles(t *testing.T) {
	host, err := ParseHost("Name:\tcat\nCapBnd:\t000001fffeffffff\nCapAmb:\t0\n", "-3\n")
	require.NoError(t, err)
	assert.Equal(t, Host{Bounding: withoutSysResource, OOMScoreAdj: -3}, host)
	assert.False(t, host.Has(SysResource))
	assert.True(t, host.Has(0))

	for name, status := range map[string]string{"no line": "Name:\tcat\n", "no number": "CapBnd:\txyz\n"} {
		_, err := ParseHost(status, "0")
		assert.Error(t, err, name)
	}
}
