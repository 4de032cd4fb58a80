package image

import (
	"archive/tar"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const helloProgram = "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"hello\") }\n"

// program writes a Go module with one program and discovers it.
func program(t *testing.T, more map[string]string) *Input {
	t.Helper()
	dir := put(t, t.TempDir(), map[string]string{"go.mod": "module example.test/app\n\ngo 1.24\n", "images/hello/main.go": helloProgram})
	put(t, dir, more)
	found, err := Discover(filepath.Join(dir, "images"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}

func keyOf(t *testing.T, in *Input) Key {
	t.Helper()
	require.NoError(t, in.Load(t.Context(), nil))
	return in.Key()
}

func TestDiscoverFindsGoMainPackage(t *testing.T) {
	src := program(t, nil)
	assert.True(t, src.Program)
	assert.Equal(t, "hello", src.Name)
	assert.Empty(t, src.Refs())
}

func TestKeyOfProgramCoversSourcesAndModulesWithoutTests(t *testing.T) {
	key := keyOf(t, program(t, nil))
	assert.Equal(t, key, keyOf(t, program(t, nil)), "the folder is not part of the key")
	assert.Equal(t, key, keyOf(t, program(t, map[string]string{"images/hello/main_test.go": "package main\n", "images/hello/testdata/a": "a"})))
	for name, more := range map[string]map[string]string{
		"source":   {"images/hello/main.go": helloProgram + "\n"},
		"package":  {"images/hello/words/words.go": "package words\n"},
		"embedded": {"images/hello/words.txt": "hello"},
		"go.mod":   {"go.mod": "module example.test/app\n\ngo 1.25\n"},
		"go.sum":   {"go.sum": "example.test/other v1.0.0 h1:x\n"},
	} {
		assert.NotEqual(t, key, keyOf(t, program(t, more)), name)
	}
}

func TestCompiledImageHasOnlyTheProgram(t *testing.T) {
	if testing.Short() && runtime.GOOS != "linux" {
		t.Skip("cross-compiles the standard library: not under -short")
	}
	src := program(t, nil)
	store := NewStore(t.TempDir())
	img, err := Compile(t.Context(), src, store, nil)
	require.NoError(t, err)
	file, err := img.ConfigFile()
	require.NoError(t, err)
	assert.Equal(t, []string{"/hello"}, file.Config.Entrypoint)
	assert.Equal(t, "10001:10001", file.Config.User)
	assert.Equal(t, "linux/"+runtime.GOARCH, file.OS+"/"+file.Architecture)
	assert.Equal(t, "hello", file.Config.Labels["org.opencontainers.image.title"])

	again, err := Compile(t.Context(), program(t, nil), NewStore(t.TempDir()), nil)
	require.NoError(t, err)
	first, err := img.Digest()
	require.NoError(t, err)
	second, err := again.Digest()
	require.NoError(t, err)
	assert.Equal(t, first, second, "the same sources give the same bytes in every folder")

	key := keyOf(t, src)
	require.NoError(t, store.Keep(src.Source, key))
	kept, found := store.Find(src.Source, key)
	require.True(t, found)
	layers, err := kept.Layers()
	require.NoError(t, err)
	require.Len(t, layers, 1)
	compressed, err := layers[0].Compressed()
	require.NoError(t, err)
	defer compressed.Close()
	plain, err := zstd.NewReader(compressed)
	require.NoError(t, err)
	defer plain.Close()
	files := tar.NewReader(plain)
	header, err := files.Next()
	require.NoError(t, err)
	assert.Equal(t, "hello", header.Name)
	assert.EqualValues(t, 0o755, header.Mode)
	binary := filepath.Join(t.TempDir(), "hello")
	data, err := io.ReadAll(files)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(binary, data, 0o755))
	if runtime.GOOS == "linux" {
		out, err := exec.Command(binary).Output()
		require.NoError(t, err)
		assert.Equal(t, "hello\n", string(out))
	}
	_, err = files.Next()
	assert.ErrorIs(t, err, io.EOF, "the image has no other file")
}

func TestCompileReportsMessageOfCompiler(t *testing.T) {
	src := program(t, map[string]string{"images/hello/main.go": "package main\n\nfunc main() { missing() }\n"})
	_, err := Compile(t.Context(), src, NewStore(t.TempDir()), nil)
	assert.ErrorContains(t, err, `build image "hello": go build in `+src.Context+`: ./main.go:3:15: undefined: missing`)
}

func TestCompileRefusesPackagesOutsideTheFolder(t *testing.T) {
	src := program(t, map[string]string{
		"shared/shared.go":     "package shared\n",
		"images/hello/main.go": "package main\n\nimport _ \"example.test/app/shared\"\n\nfunc main() {}\n",
	})
	_, err := Compile(t.Context(), src, NewStore(t.TempDir()), nil)
	assert.ErrorContains(t, err, `imports package "shared", which is outside its folder`)
}

func TestCompileEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Compile(ctx, program(t, nil), NewStore(t.TempDir()), nil)
	assert.ErrorIs(t, err, context.Canceled)
}
