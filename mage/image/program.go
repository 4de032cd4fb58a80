package image

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/compression"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"todo-chatbot/mage/host"
	"todo-chatbot/mage/progress"
)

// A Go program needs no Dockerfile. Every machine that runs the pipeline has Go, which
// compiles a static program from the module cache in seconds. The image has no base
// and no other file.

// programUser is the user of the program; it owns no file in the image.
const programUser = "10001:10001"

// programTests are the files in a program's folder that do not go into the program.
var programTests = []string{"**/*_test.go", "**/testdata"}

// isProgram reports whether a folder holds a Go main package.
func isProgram(dir string) (bool, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return false, err
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly)
		if err != nil {
			return false, err
		}
		if file.Name.Name == "main" {
			return true, nil
		}
	}
	return false, nil
}

// moduleRoot is the folder of the go.mod for a folder.
func moduleRoot(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s: this folder and its parents have no go.mod", dir)
		}
	}
}

// programInputs are the inputs of a Go program outside its folder: the compiler with
// its flags, and go.mod and go.sum.
func programInputs(src Source) ([]string, error) {
	root, err := moduleRoot(src.Context)
	if err != nil {
		return nil, err
	}
	inputs := append([]string{runtime.Version()}, programFlags()...)
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		inputs = append(inputs, string(text))
	}
	return inputs, nil
}

func programFlags() []string {
	return append(host.CompileFlags(), "-ldflags=-s -w -buildid=")
}

// Compile builds the image of a Go program in the store. The image is valid until the
// next build of the same source.
func Compile(ctx context.Context, in *Input, store *Store, step *progress.Step) (v1.Image, error) {
	if step == nil {
		step = (*progress.Reporter)(nil).Start("image", in.Name)
	}
	step.Update("compile")
	img, err := compile(ctx, in, store)
	if err != nil {
		return nil, fmt.Errorf("build image %q: %w", in.Name, err)
	}
	return img, nil
}

func compile(ctx context.Context, in *Input, store *Store) (v1.Image, error) {
	src := in.Source
	if err := checkImports(ctx, src); err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "program-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	binary := filepath.Join(folder, src.Name)
	args := slices.Concat([]string{"build"}, programFlags(), []string{"-o", binary, "."})
	if _, err := goOutput(ctx, src, args...); err != nil {
		return nil, err
	}
	img, err := programImage(in, binary)
	if err != nil {
		return nil, err
	}
	out, err := store.output(ctx, src)
	if err != nil {
		return nil, err
	}
	defer out.close()
	return out.write(img, src.platform())
}

// checkImports refuses packages of the module outside the program's folder: they are
// not part of the key, so a change in them does not cause a build.
func checkImports(ctx context.Context, src Source) error {
	root, err := moduleRoot(src.Context)
	if err != nil {
		return err
	}
	folder, err := filepath.Abs(src.Context)
	if err != nil {
		return err
	}
	listed, err := goOutput(ctx, src, "list", "-deps", "-f", "{{if not .Standard}}{{with .Module}}{{if .Main}}{{$.Dir}}{{end}}{{end}}{{end}}", ".")
	if err != nil {
		return err
	}
	for _, dir := range strings.Fields(listed) {
		if relative, err := filepath.Rel(folder, dir); err != nil || strings.HasPrefix(relative, "..") {
			outside, _ := filepath.Rel(root, dir)
			return fmt.Errorf("%s: imports package %q, which is outside its folder: move the package into the folder or into a module of its own", src.Context, filepath.ToSlash(outside))
		}
	}
	return nil
}

// goOutput runs go in the program's folder, for the image's platform.
func goOutput(ctx context.Context, src Source, args ...string) (string, error) {
	platform := src.platform()
	command := host.Go(ctx, src.Context, args...)
	command.Env = append(command.Env, "GOOS="+platform.OS, "GOARCH="+platform.Architecture)
	var out, problems bytes.Buffer
	command.Stdout, command.Stderr = &out, &problems
	if err := command.Run(); err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
			return "", fmt.Errorf("go %s: %w", args[0], err)
		}
		return "", fmt.Errorf("go %s in %s: %s", args[0], src.Context, compilerMessage(problems.String()))
	}
	return out.String(), nil
}

// compilerMessage is the output of the compiler on one line, without the lines with
// package names.
func compilerMessage(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// programImage is an image with one layer, which has only the program.
func programImage(in *Input, binary string) (v1.Image, error) {
	src := in.Source
	path := "/" + src.Name
	layer, err := fileLayer(binary, strings.TrimPrefix(path, "/"))
	if err != nil {
		return nil, err
	}
	img, err := mutate.Append(mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1),
		mutate.Addendum{Layer: layer, MediaType: types.OCILayerZStd})
	if err != nil {
		return nil, err
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	platform := src.platform()
	file.OS, file.Architecture, file.Variant = platform.OS, platform.Architecture, platform.Variant
	file.Created = v1.Time{Time: time.Unix(Epoch, 0).UTC()}
	file.History = []v1.History{{Created: file.Created, CreatedBy: "go build"}}
	labels := in.Origin.labels()
	labels["org.opencontainers.image.title"] = src.Name
	file.Config = v1.Config{Entrypoint: []string{path}, User: programUser, WorkingDir: "/", Labels: labels}
	return mutate.ConfigFile(img, file)
}

// fileLayer is a reproducible layer of one executable file.
func fileLayer(path, name string) (v1.Layer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(data)), ModTime: time.Unix(Epoch, 0), Format: tar.FormatUSTAR}
	if err := w.WriteHeader(header); err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithCompression(compression.ZStd), tarball.WithMediaType(types.OCILayerZStd), tarball.WithCompressedCaching)
}

// write replaces the image in the output.
func (o *output) write(img v1.Image, platform v1.Platform) (v1.Image, error) {
	path, err := layout.Write(o.dir, empty.Index)
	if err != nil {
		return nil, fmt.Errorf("write image to %q: %w", o.dir, err)
	}
	if err := path.AppendImage(img, layout.WithPlatform(platform)); err != nil {
		return nil, fmt.Errorf("write image to %q: %w", o.dir, err)
	}
	return o.image(platform)
}
