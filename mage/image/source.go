// Package image discovers the sources of images, computes a key of everything that
// goes into an image, builds images with BuildKit or the Go compiler, and publishes
// them to a registry.
//
// The callers decide which images are built, where their bases come from, and where
// BuildKit and the registry run.
package image

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Source names the files and the options of one image.
type Source struct {
	Name       string            // last part of the repository's name
	Context    string            // folder sent to the build
	Dockerfile string            // path of the Dockerfile; empty means Dockerfile in Context
	Target     string            // stage to build; empty means the last one
	Args       map[string]string // build arguments; do not put secrets here
	Platform   v1.Platform       // empty means Linux on this machine's architecture
	Program    bool              // Context is a Go main package, and there is no Dockerfile: see Compile
}

// validName is a path component of a repository as the OCI distribution
// specification defines it.
var validName = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$`)

// Discover finds the source of an image in every folder of dir, sorted by name: a
// Dockerfile, which it parses, or else a Go main package. It skips files in dir and
// folders whose name begins with a dot. The error holds every problem of every
// folder, each on a line, with file and line.
func Discover(dir string) ([]*Input, error) {
	sources, err := find(dir)
	problems := []error{err}
	inputs := make([]*Input, len(sources))
	for i, src := range sources {
		inputs[i], err = Open(src)
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return inputs, nil
}

// Names lists the images that Discover finds, without parsing their Dockerfiles.
func Names(dir string) ([]string, error) {
	sources, err := find(dir)
	names := make([]string, len(sources))
	for i, src := range sources {
		names[i] = src.Name
	}
	return names, err
}

// find returns the valid sources, and the problems of the others as one error.
func find(dir string) ([]Source, error) {
	folders, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("discover images in %q: %w", dir, err)
	}
	var sources []Source
	var problems []error
	for _, folder := range folders {
		path := filepath.Join(dir, folder.Name())
		if info, err := os.Stat(path); err == nil && !info.IsDir() || strings.HasPrefix(folder.Name(), ".") {
			continue
		}
		src, err := discover(path, folder.Name())
		if err != nil {
			problems = append(problems, err)
			continue
		}
		sources = append(sources, src)
	}
	if len(sources) == 0 && len(problems) == 0 {
		problems = append(problems, fmt.Errorf("discover images in %q: the folder has no subfolder", dir))
	}
	return sources, errors.Join(problems...)
}

// discover finds the source in one folder.
func discover(path, name string) (Source, error) {
	src := Source{Name: name, Context: path}
	var problems []error
	if !validName.MatchString(name) {
		problems = append(problems, fmt.Errorf("%s: %q is not a valid image name: use lower-case letters, digits, '-', '_' and '.'", path, name))
	}
	file := filepath.Join(path, "Dockerfile")
	info, err := os.Stat(file)
	switch {
	case err == nil && info.IsDir():
		problems = append(problems, fmt.Errorf("%s: is a folder, not a Dockerfile", file))
	case err == nil:
		src.Dockerfile = file
	case !errors.Is(err, fs.ErrNotExist):
		problems = append(problems, fmt.Errorf("read Dockerfile: %w", err))
	default:
		if src.Program, err = isProgram(path); err != nil {
			problems = append(problems, err)
		} else if !src.Program {
			problems = append(problems, fmt.Errorf("%s: has neither a Dockerfile nor a Go main package: add one, or move the folder elsewhere", path))
		}
	}
	return src, errors.Join(problems...)
}

func (s Source) dockerfile() string {
	if s.Dockerfile != "" {
		return s.Dockerfile
	}
	return filepath.Join(s.Context, "Dockerfile")
}

func (s Source) platform() v1.Platform {
	p := s.Platform
	if p.OS == "" {
		p.OS = "linux"
	}
	if p.Architecture == "" {
		p.Architecture = runtime.GOARCH
	}
	return p
}

// dockerfile is a parsed Dockerfile.
type dockerfile struct {
	path   string
	bytes  []byte
	escape rune
	args   []instructions.ArgCommand // before the first FROM
	stages []instructions.Stage
	syntax string // the image of another frontend, in the form of Refs; "" for BuildKit's own
}

// readDockerfile parses the file at path and reports all problems. A mistake at which
// the parser stops, such as an unterminated heredoc, hides the problems after it.
func readDockerfile(path string) (*dockerfile, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: the Dockerfile does not exist", path)
	}
	if err != nil {
		return nil, fmt.Errorf("read Dockerfile: %w", err)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, fmt.Errorf("%s:1: the Dockerfile is empty", path)
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, at(path, lineOf(err), err)
	}
	var problems []error
	for _, node := range parsed.AST.Children {
		if _, err := instructions.ParseInstruction(node); err != nil {
			problems = append(problems, at(path, node.StartLine, err))
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	stages, args, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil, at(path, lineOf(err), fmt.Errorf("an instruction before the first FROM: %w", err))
	}
	if len(stages) == 0 {
		return nil, fmt.Errorf("%s:1: no FROM instruction", path)
	}
	df := &dockerfile{path: path, bytes: text, escape: parsed.EscapeToken, args: args, stages: stages}
	if ref, _, at, ok := parser.DetectSyntax(text); ok {
		if df.syntax, err = shortName(ref); err != nil {
			return nil, fmt.Errorf("%s:%d: the syntax line: %q is not an image: %w", path, line(at), ref, err)
		}
	}
	return df, nil
}

func lineOf(err error) int {
	var located *parser.LocationError
	if errors.As(err, &located) {
		return line(located.Locations...)
	}
	return 1
}

// line is the first line of the first location that has a line, else 1.
func line(locations ...[]parser.Range) int {
	for _, ranges := range locations {
		for _, r := range ranges {
			if r.Start.Line > 0 {
				return r.Start.Line
			}
		}
	}
	return 1
}

func at(path string, line int, err error) error {
	return fmt.Errorf("%s:%d: %w", path, line, err)
}
