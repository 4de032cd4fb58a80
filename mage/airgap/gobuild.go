package airgap

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"todo-chatbot/mage/host"
	"todo-chatbot/mage/progress"
)

// program is a set of Go commands that one module below modules/ builds.
type program struct {
	module    string   // folder below modules/
	packages  []string // as `go build` takes them
	tags      string
	variables map[string]string // -X
}

// compile returns the folder with the program's commands, built statically for
// Linux on this machine's architecture. Go's own build cache makes an
// interrupted build go on where it was.
func (s *Supply) compile(ctx context.Context, p program, step *progress.Step) (string, error) {
	dir := filepath.Join(s.opts.Root, "mage", "airgap", "modules", p.module)
	sources, err := readTree(dir)
	if err != nil {
		return "", fmt.Errorf("read module %q: %w", p.module, err)
	}
	args := p.arguments()
	digest := inputs(append([]string{runtime.Version(), runtime.GOARCH, strings.Join(p.packages, " ")}, append(args, sources...)...)...)
	return s.cache.entry(ctx, "go/"+p.module+"-"+filepath.Base(p.packages[0]), digest, func(out string) error {
		// Two compilers at once on two cores only fight for memory.
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
		// -v names each package as it is compiled; a lazy collector saves time.
		build := host.Go(ctx, dir, append(append([]string{"build", "-v", "-o", out + string(filepath.Separator)}, args...), p.packages...)...)
		build.Env = append(build.Env, "GOGC=400")
		if err := host.Run(build, counter); err != nil {
			return fmt.Errorf("compile %s: %w", p.module, err)
		}
		return nil
	})
}

func (p program) arguments() []string {
	flags := "-s -w"
	for _, name := range sortedKeys(p.variables) {
		flags += " -X " + name + "=" + p.variables[name]
	}
	args := append(host.CompileFlags(), "-ldflags="+flags)
	if p.tags != "" {
		args = append(args, "-tags="+p.tags)
	}
	return args
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

// packageCounter turns the lines of `go build -v` into progress; whatever is
// no package name is the compiler's complaint and goes to the step's log.
type packageCounter struct {
	step     *progress.Step
	name     string
	total    int
	compiled int
	rest     []byte
}

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

// readTree lists a module's files with their bytes, in a fixed order.
func readTree(dir string) ([]string, error) {
	var parts []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		parts = append(parts, filepath.ToSlash(name), string(content))
		return nil
	})
	return parts, err
}

// moduleDir is where Go keeps the sources of a module that the project requires.
func (s *Supply) moduleDir(ctx context.Context, module string) (string, error) {
	list := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	list.Dir = s.opts.Root
	out, err := list.Output()
	if err != nil {
		return "", fmt.Errorf("download module %q: %w", module, err)
	}
	scanner := bufio.NewScanner(bytes.NewReader(out))
	for scanner.Scan() {
		if value, ok := strings.CutPrefix(strings.TrimSpace(scanner.Text()), `"Dir": "`); ok {
			return filepath.FromSlash(strings.TrimRight(value, `",`)), nil
		}
	}
	return "", fmt.Errorf("download module %q: no folder in the answer", module)
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
