package airgap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"todo-chatbot/mage/host"
	"todo-chatbot/mage/progress"
)

// modulesDir is the folder of the Go modules and npm packages that recipes use,
// below the project's root.
const modulesDir = "mage/airgap/modules/"

// program is a set of Go commands that one module below modulesDir builds.
type program struct {
	module    string   // folder below modulesDir
	packages  []string // as arguments of `go build`
	tags      string
	variables map[string]string // -X
}

// folder is the module's, below the project's root.
func (p program) folder() string { return modulesDir + p.module }

func (p program) arguments() []string {
	flags := "-s -w"
	for _, name := range slices.Sorted(maps.Keys(p.variables)) {
		flags += " -X " + name + "=" + p.variables[name]
	}
	args := append(host.CompileFlags(), "-ldflags="+flags)
	if p.tags != "" {
		args = append(args, "-tags="+p.tags)
	}
	return args
}

// compile returns the folder with the program's commands, built statically for
// Linux on this machine's architecture. Go's own build cache lets an interrupted
// build continue.
func (s *Supply) compile(ctx context.Context, p program, step *progress.Step) (string, error) {
	dir := filepath.Join(s.opts.Root, filepath.FromSlash(p.folder()))
	sources, err := treeInputs(os.DirFS(dir))
	if err != nil {
		return "", fmt.Errorf("read module %q: %w", p.module, err)
	}
	args := p.arguments()
	digest := inputs(slices.Concat([]string{runtime.Version(), runtime.GOARCH}, p.packages, args, sources)...)
	return s.cache.entry(ctx, "go/"+p.module+"-"+filepath.Base(p.packages[0]), digest, func(out string) error {
		// Two compilers at once compete for memory and save no time on two cores.
		release, err := s.compiler.acquire(ctx)
		if err != nil {
			return err
		}
		defer release()
		total, err := countPackages(ctx, dir, p)
		if err != nil {
			return err
		}
		counter := &packageCounter{step: step, total: total, name: p.module}
		// -v prints each package that is compiled. A lazy garbage collector saves time.
		build := host.Go(ctx, dir, slices.Concat([]string{"build", "-v", "-o", out + string(filepath.Separator)}, args, p.packages)...)
		build.Env = append(build.Env, "GOGC=400")
		if err := host.Run(build, counter); err != nil {
			return fmt.Errorf("compile %s: %w", p.module, err)
		}
		return nil
	})
}

func countPackages(ctx context.Context, dir string, p program) (int, error) {
	list := host.Go(ctx, dir, append([]string{"list", "-deps", "-tags=" + p.tags}, p.packages...)...)
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		return 0, fmt.Errorf("list the packages of module %q: %s: %w", p.module, strings.TrimSpace(stderr.String()), err)
	}
	return bytes.Count(out, []byte("\n")), nil
}

// packageCounter turns the lines of `go build -v` into progress. Lines that do not
// name a package are messages of the compiler and go to the step's log.
type packageCounter struct {
	step     *progress.Step
	name     string
	total    int
	compiled int
	rest     []byte
}

// Write implements io.Writer.
func (c *packageCounter) Write(p []byte) (int, error) {
	c.rest = append(c.rest, p...)
	for {
		line, rest, found := bytes.Cut(c.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		c.rest = rest
		if bytes.ContainsAny(line, " :") {
			if !bytes.HasPrefix(line, []byte("go: downloading")) {
				fmt.Fprintf(c.step, "%s\n", line)
				continue
			}
			c.step.Update("download modules of %s", c.name)
			continue
		}
		c.compiled++
		c.step.Update("compile %s: %d of %d packages", c.name, c.compiled, c.total)
	}
}

// moduleDir is the folder with the sources of a module that the project requires.
func (s *Supply) moduleDir(ctx context.Context, module string) (string, error) {
	download := host.Go(ctx, s.opts.Root, "mod", "download", "-json", module)
	out, err := download.Output()
	var answer struct{ Dir, Error string }
	switch parseErr := json.Unmarshal(out, &answer); {
	case answer.Error != "":
		err = errors.New(answer.Error) // go exits with 1 too
	case err == nil:
		err = parseErr
	}
	if err == nil && answer.Dir == "" {
		err = errors.New("go names no folder")
	}
	if err != nil {
		return "", fmt.Errorf("download module %q: %w", module, err)
	}
	return answer.Dir, nil
}

// limit lets n holders in at once.
type limit chan struct{}

func (l limit) acquire(ctx context.Context) (release func(), err error) {
	select {
	case l <- struct{}{}:
		return func() { <-l }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
