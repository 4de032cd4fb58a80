package airgap

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// required are the versions that a module below modules/ requires, by path, without
// the replaced modules.
func required(t *testing.T, module string) map[string]string {
	t.Helper()
	edit := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json")
	edit.Dir = filepath.Join("modules", module)
	out, err := edit.Output()
	require.NoError(t, err)
	var file struct {
		Require []struct{ Path, Version string }
		Replace []struct{ Old struct{ Path string } }
	}
	require.NoError(t, json.Unmarshal(out, &file))
	versions := map[string]string{}
	for _, r := range file.Require {
		versions[r.Path] = r.Version
	}
	for _, r := range file.Replace {
		delete(versions, r.Old.Path)
	}
	return versions
}

// A module in the same version is compiled once. Another version of a package that
// everything imports costs a cold deploy half a minute: raise the lower version with
// `go get` in its folder.
func TestModulesOfTheNodeRequireEqualVersions(t *testing.T) {
	mayDiffer := map[string]bool{
		"go.etcd.io/bbolt": true, // etcd is released with its own version
	}
	kubernetes, runtimes := required(t, "kubernetes"), required(t, "runtime")
	shared := 0
	for path, version := range runtimes {
		other, ok := kubernetes[path]
		if !ok || mayDiffer[path] {
			continue
		}
		shared++
		assert.Equal(t, version, other, path)
	}
	assert.Greater(t, shared, 50)
}
