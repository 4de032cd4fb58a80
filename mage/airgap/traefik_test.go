package airgap

import (
	"archive/tar"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stubGo puts a fake go on the PATH. It compiles nothing: it records its arguments
// and writes a file in place of the program.
func stubGo(t *testing.T, program string) (calls func() string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the stub is a shell script")
	}
	bin := t.TempDir()
	log := filepath.Join(bin, "calls")
	script := "#!/bin/sh\necho \"CGO_ENABLED=$CGO_ENABLED GOOS=$GOOS $PWD $*\" >> '" + log + "'\n" +
		"while [ $# -gt 0 ]; do\n  if [ \"$1\" = -o ]; then echo compiled > \"$2" + program + "\"; fi\n  shift\ndone\n"
	require.NoError(t, os.WriteFile(filepath.Join(bin, "go"), []byte(script), 0o755))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() string {
		content, err := os.ReadFile(log)
		require.NoError(t, err)
		return string(content)
	}
}

func TestTraefikImageHasOneStaticProgramAndNumericUser(t *testing.T) {
	calls := stubGo(t, "traefik")
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	image, err := New(Options{Root: root, Cache: t.TempDir(), Offline: true}).Resolve(t.Context(), TraefikRef)
	require.NoError(t, err)
	require.True(t, image.Made())

	config, err := image.ConfigFile()
	require.NoError(t, err)
	assert.Equal(t, "linux", config.OS)
	assert.Equal(t, "65532:65532", config.Config.User, "a number, because Kubernetes cannot check a name")
	assert.Equal(t, []string{"/usr/local/bin/traefik"}, config.Config.Entrypoint)
	layers, err := image.Layers()
	require.NoError(t, err)
	require.Len(t, layers, 1)
	content, err := layers[0].Uncompressed()
	require.NoError(t, err)
	defer content.Close()
	var header *tar.Header
	for files := tar.NewReader(content); header == nil || header.Typeflag == tar.TypeDir; {
		header, err = files.Next()
		require.NoError(t, err)
	}
	assert.Equal(t, "usr/local/bin/traefik", header.Name)
	assert.EqualValues(t, 0o755, header.Mode)

	assert.Contains(t, calls(), "CGO_ENABLED=0 GOOS=linux "+filepath.Join(root, "mage", "airgap", "modules", "traefik")+" build ")
	assert.Contains(t, calls(), "version.Version="+strings.TrimPrefix(Traefik, "v"))
}

func TestVersionConstantsEqualModules(t *testing.T) {
	for module, required := range map[string]string{
		"traefik": "github.com/traefik/traefik/v3 " + Traefik, kubernetesModule: "k8s.io/kubernetes " + Kubernetes,
	} {
		content, err := os.ReadFile(filepath.Join("modules", module, "go.mod"))
		require.NoError(t, err)
		assert.Contains(t, string(content), "\t"+required+"\n", module)
	}
}
