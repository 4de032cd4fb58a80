package image

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/progress"
)

// buildkit dials the daemon that TEST_BUILDKIT_ADDR names, unix:///… or
// tcp://….
func buildkit(t *testing.T) func(context.Context) (net.Conn, error) {
	addr := os.Getenv("TEST_BUILDKIT_ADDR")
	if testing.Short() || addr == "" {
		t.Skip("needs a BuildKit daemon: set TEST_BUILDKIT_ADDR to its unix:// or tcp:// address")
	}
	network, address, ok := strings.Cut(addr, "://")
	require.True(t, ok, "TEST_BUILDKIT_ADDR=%q has no scheme", addr)
	return func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}

const tool = `package main

import ("fmt"; "os"; "path/filepath"; "time")

func main() {
	a := os.Args
	switch a[1] {
	case "copy":
		text, err := os.ReadFile(a[2])
		if err != nil { panic(err) }
		write(a[3], text)
	case "env": write(a[3], []byte(os.Getenv(a[2])))
	case "say": fmt.Println(a[2])
	case "fail": fmt.Println("first"); fmt.Println(a[2]); os.Exit(3)
	case "sleep": fmt.Println("asleep"); time.Sleep(time.Minute)
	}
}

func write(path string, text []byte) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { panic(err) }
	if err := os.WriteFile(path, text, 0o644); err != nil { panic(err) }
}
`

// toolBase is an image of one static program, with a time stamp later than
// Epoch.
func toolBase(t *testing.T) v1.Image {
	t.Helper()
	dir := put(t, t.TempDir(), map[string]string{"main.go": tool})
	command := exec.Command("go", "build", "-o", filepath.Join(dir, "tool"), filepath.Join(dir, "main.go"))
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=-mod=mod")
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
	program, err := os.ReadFile(filepath.Join(dir, "tool"))
	require.NoError(t, err)
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "tool", Mode: 0o755, Size: int64(len(program)), ModTime: time.Unix(1.7e9, 0)}))
	_, err = w.Write(program)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil },
		tarball.WithMediaType(types.OCILayer))
	require.NoError(t, err)
	img, err := mutate.AppendLayers(mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1), layer)
	require.NoError(t, err)
	config, err := img.ConfigFile()
	require.NoError(t, err)
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", Source{}.platform().Architecture
	img, err = mutate.ConfigFile(img, config)
	require.NoError(t, err)
	return img
}

func buildFiles(extra string) map[string]string {
	return map[string]string{
		"Dockerfile": `FROM tool:1 AS build
WORKDIR /src
COPY . .
RUN ["/tool", "copy", "/src/app.txt", "/out/app.txt"]
FROM tool:1 AS runtime
COPY rarely /rarely
RUN ["/tool", "say", "in the runtime stage"]
RUN ["/tool", "copy", "/rarely/big.txt", "/made/big.txt"]
COPY --from=build /out /out
` + extra + `USER 10001:10001
CMD ["/tool", "say", "hello"]
`,
		"app.txt":        "one\n",
		"rarely/big.txt": strings.Repeat("data ", 1000),
	}
}

func loaded(t *testing.T, src Source, bases []Base) *Input {
	t.Helper()
	in, err := Open(src)
	require.NoError(t, err)
	require.NoError(t, in.Load(t.Context(), bases))
	return in
}

func layerDigests(t *testing.T, img v1.Image) []string {
	t.Helper()
	layers, err := img.Layers()
	require.NoError(t, err)
	var digests []string
	for _, l := range layers {
		d, err := l.Digest()
		require.NoError(t, err)
		digests = append(digests, d.String())
	}
	return digests
}

func TestSameSourcesGiveTheSameDigest(t *testing.T) {
	dial, base := buildkit(t), toolBase(t)
	bases := []Base{{Ref: "tool:1", Image: base}}
	first := Source{Name: "app", Context: put(t, t.TempDir(), buildFiles(""))}
	var out bytes.Buffer
	reporter := progress.New(&out, progress.Options{Verbose: true})
	one, err := NewBuilder(dial, NewStore(t.TempDir()), BuilderOptions{}).Build(context.Background(), loaded(t, first, bases), reporter.Start("image", "app"))
	require.NoError(t, err)
	assert.Contains(t, out.String(), "in the runtime stage")

	elsewhere := Source{Name: "app", Context: put(t, t.TempDir(), buildFiles(""))}
	require.NoError(t, os.Chmod(filepath.Join(elsewhere.Context, "app.txt"), 0o600))
	require.NoError(t, os.Chtimes(filepath.Join(elsewhere.Context, "app.txt"), time.Unix(1e9, 0), time.Unix(1e9, 0)))
	two, err := NewBuilder(dial, NewStore(t.TempDir()), BuilderOptions{}).Build(context.Background(), loaded(t, elsewhere, bases), nil)
	require.NoError(t, err)
	assert.Equal(t, digestOf(t, one), digestOf(t, two))
	assert.Equal(t, layerDigests(t, base)[0], layerDigests(t, one)[0], "the layer of the base does not change")

	layers, err := one.Layers()
	require.NoError(t, err)
	for _, layer := range layers[1:] {
		stream, err := layer.Uncompressed()
		require.NoError(t, err)
		for r := tar.NewReader(stream); ; {
			header, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			assert.LessOrEqual(t, header.ModTime.Unix(), int64(Epoch), header.Name)
		}
		require.NoError(t, stream.Close())
	}
	config, err := one.ConfigFile()
	require.NoError(t, err)
	assert.Equal(t, "10001:10001", config.Config.User)
	assert.Equal(t, "app", config.Config.Labels["org.opencontainers.image.title"])
	assert.Equal(t, int64(Epoch), config.Created.Unix())
}

func TestChangedLineChangesOnlyItsLayers(t *testing.T) {
	dial := buildkit(t)
	bases := []Base{{Ref: "tool:1", Image: toolBase(t)}}
	dir := t.TempDir()
	src := Source{Name: "app", Context: put(t, t.TempDir(), buildFiles(""))}
	b := NewBuilder(dial, NewStore(dir), BuilderOptions{})
	img, err := b.Build(context.Background(), loaded(t, src, bases), nil)
	require.NoError(t, err)
	before := layerDigests(t, img)

	stamp := time.Unix(1.6e9, 0) // size and time stamp stay the same
	require.NoError(t, os.Chtimes(filepath.Join(src.Context, "app.txt"), stamp, stamp))
	_, err = b.Build(context.Background(), loaded(t, src, bases), nil)
	require.NoError(t, err)
	put(t, src.Context, map[string]string{"app.txt": "two\n"})
	require.NoError(t, os.Chtimes(filepath.Join(src.Context, "app.txt"), stamp, stamp))
	img, err = b.Build(context.Background(), loaded(t, src, bases), nil)
	require.NoError(t, err)
	after := layerDigests(t, img)
	last := len(before) - 1
	assert.Equal(t, before[:last], after[:last])
	assert.NotEqual(t, before[last], after[last])

	blobs, err := filepath.Glob(filepath.Join(dir, "images", "app-*", "blobs", "sha256", "*"))
	require.NoError(t, err)
	assert.Len(t, blobs, len(after)+2, "layers, configuration and manifest of this image only")
}

func TestBuildIsSafeForConcurrentUse(t *testing.T) {
	dial := buildkit(t)
	bases := []Base{{Ref: "tool:1", Image: toolBase(t)}}
	b := NewBuilder(dial, NewStore(t.TempDir()), BuilderOptions{})
	errs := make(chan error)
	for _, name := range []string{"a", "b", "c"} {
		in := loaded(t, Source{Name: name, Context: put(t, t.TempDir(), buildFiles("ENV NAME="+name+"\n"))}, bases)
		go func() {
			img, err := b.Build(context.Background(), in, nil)
			if err == nil {
				_, err = img.ConfigFile()
			}
			errs <- err
		}()
	}
	for range 3 {
		assert.NoError(t, <-errs)
	}
}

func TestFailedStepIsReportedWithOutput(t *testing.T) {
	dial := buildkit(t)
	src := Source{Name: "app", Context: put(t, t.TempDir(), buildFiles("RUN [\"/tool\", \\\n  \"fail\", \"no such package\"]\n"))}
	_, err := NewBuilder(dial, NewStore(t.TempDir()), BuilderOptions{}).Build(context.Background(), loaded(t, src, []Base{{Ref: "tool:1", Image: toolBase(t)}}), nil)
	var failed *StepError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, 10, failed.Line)
	assert.Equal(t, `RUN ["/tool", "fail", "no such package"]`, failed.Command)
	assert.Equal(t, []string{"first", "no such package"}, failed.Log)
	assert.Equal(t, `build image "app": `+src.dockerfile()+`:10: RUN ["/tool", "fail", "no such package"]: exit code: 3`, err.Error())
}

func TestMissingFileIsReportedWithLine(t *testing.T) {
	dial := buildkit(t)
	src := Source{Name: "app", Context: put(t, t.TempDir(), buildFiles("COPY absent /\n"))}
	_, err := NewBuilder(dial, NewStore(t.TempDir()), BuilderOptions{}).Build(context.Background(), loaded(t, src, []Base{{Ref: "tool:1", Image: toolBase(t)}}), nil)
	assert.ErrorContains(t, err, "Dockerfile:10: COPY absent /: ")
	assert.ErrorContains(t, err, `"/absent": not found`)
}

func TestSecretIsMountedAndNotInImage(t *testing.T) {
	dial := buildkit(t)
	src := Source{Name: "app", Context: put(t, t.TempDir(), buildFiles("RUN --mount=type=secret,id=TOKEN,env=TOKEN [\"/tool\", \"env\", \"TOKEN\", \"/token\"]\n"))}
	b := NewBuilder(dial, NewStore(t.TempDir()), BuilderOptions{Secrets: map[string][]byte{"TOKEN": []byte("s3cret")}})
	img, err := b.Build(context.Background(), loaded(t, src, []Base{{Ref: "tool:1", Image: toolBase(t)}}), nil)
	require.NoError(t, err)
	r := tar.NewReader(mutate.Extract(img))
	for {
		header, err := r.Next()
		require.NoError(t, err, "the image has no /token")
		if header.Name == "token" {
			text, err := io.ReadAll(r)
			require.NoError(t, err)
			assert.Equal(t, "s3cret", string(text), "the step got the secret")
			break
		}
	}
	config, err := img.RawConfigFile()
	require.NoError(t, err)
	assert.NotContains(t, string(config), "s3cret")
}

func TestBuildEndsWithContext(t *testing.T) {
	dial := buildkit(t)
	src := Source{Name: "app", Context: put(t, t.TempDir(), buildFiles("RUN [\"/tool\", \"sleep\"]\n"))}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	asleep := make(chan time.Time, 1)
	step := progress.New(writerFunc(func(p []byte) (int, error) {
		if bytes.Contains(p, []byte("asleep")) {
			asleep <- time.Now()
			cancel()
		}
		return len(p), nil
	}), progress.Options{Verbose: true}).Start("image", "app")
	_, err := NewBuilder(dial, NewStore(t.TempDir()), BuilderOptions{}).Build(ctx, loaded(t, src, []Base{{Ref: "tool:1", Image: toolBase(t)}}), step)
	assert.ErrorIs(t, err, context.Canceled)
	assert.Less(t, time.Since(<-asleep), 10*time.Second)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
