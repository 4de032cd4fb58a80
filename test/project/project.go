// Package project copies the sources and runs `go tool mage` in the copy, as a user
// does. Tests and benchmarks use it, since they must not change the original sources
// or the user's cluster.
package project

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Project is a copy of the sources with another cluster name and other ports.
type Project struct {
	Dir     string
	Cluster string
	Ports   map[string]int // environment → port of its frontend on 127.0.0.1
	Env     []string       // added to the environment of every run
	Log     io.Writer
}

// Result is the result of one run of mage.
type Result struct {
	Code           int
	Stdout, Stderr string
	Took           time.Duration
}

// Copy copies the sources from root into dir, without files that git ignores.
func Copy(ctx context.Context, root, dir, cluster string, log io.Writer) (*Project, error) {
	list := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list the project's files in %q: %w", root, err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if err := copyFile(filepath.Join(root, name), filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	p := &Project{Dir: dir, Cluster: cluster, Log: log, Ports: map[string]int{}}
	return p, p.own()
}

// Lines of a values file: the frontend's port and the cluster.
var (
	url  = regexp.MustCompile(`url: \{port: \d+\}`)
	name = regexp.MustCompile(`cluster: \{provider: auto, name: \w+\}`)
	// existing matches an environment on a cluster that exists.
	existing = regexp.MustCompile(`provider: kubecontext`)
)

// own sets a free port and the copy's cluster in every environment, so that it can run
// next to the user's deployment. Environments on an existing cluster stay unchanged.
func (p *Project) own() error {
	files, err := filepath.Glob(filepath.Join(p.Dir, "values", "*.yaml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if existing.Match(content) {
			continue
		}
		port, err := freePort()
		if err != nil {
			return err
		}
		for line, own := range map[*regexp.Regexp]string{
			url: fmt.Sprintf("url: {port: %d}", port), name: fmt.Sprintf("cluster: {provider: auto, name: %s}", p.Cluster),
		} {
			if !line.Match(content) {
				return fmt.Errorf("set the port and the cluster of the copy: %q has no line %q", file, line)
			}
			content = line.ReplaceAll(content, []byte(own))
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			return err
		}
		p.Ports[strings.TrimSuffix(filepath.Base(file), ".yaml")] = port
	}
	return nil
}

// Mage runs one target and waits for it.
func (p *Project) Mage(ctx context.Context, args ...string) (Result, error) {
	return p.MageWith(ctx, nil, args...)
}

// MageWith is Mage with more environment variables. A cancelled ctx interrupts the
// run, as Ctrl-C does.
func (p *Project) MageWith(ctx context.Context, env []string, args ...string) (Result, error) {
	return p.run(ctx, env, io.Discard, interrupt, args...)
}

// Stop says when and how a run is stopped.
type Stop struct {
	Seen  string        // text on stderr
	After time.Duration // time after that text
	Kill  bool          // with SIGKILL in the place of Ctrl-C
}

// MageStopped is Mage, stopped before its end.
func (p *Project) MageStopped(ctx context.Context, stop Stop, args ...string) (Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	end := interrupt
	if stop.Kill {
		end = kill
	}
	watch := &watcher{seen: stop.Seen, then: func() { time.AfterFunc(stop.After, cancel) }}
	return p.run(ctx, nil, watch, end, args...)
}

// watcher calls then once, when the written text contains seen.
type watcher struct {
	seen    string
	then    func()
	written strings.Builder
	done    bool
}

func (w *watcher) Write(p []byte) (int, error) {
	w.written.Write(p)
	if !w.done && strings.Contains(w.written.String(), w.seen) {
		w.done = true
		w.then()
	}
	return len(p), nil
}

func (p *Project) run(ctx context.Context, env []string, watch io.Writer, end func(*os.Process) error, args ...string) (Result, error) {
	command := exec.CommandContext(ctx, "go", append([]string{"tool", "mage"}, args...)...)
	command.Dir = p.Dir
	command.Env = append(append(os.Environ(), p.Env...), env...)
	command.Cancel = func() error { return end(command.Process) }
	command.SysProcAttr = ownGroup()
	command.WaitDelay = time.Minute
	var stdout, stderr bytes.Buffer
	command.Stdout = &stdout
	command.Stderr = io.MultiWriter(&stderr, p.Log, watch)
	fmt.Fprintf(p.Log, "$ mage %s\n", strings.Join(args, " "))
	began := time.Now()
	err := command.Run()
	result := Result{Stdout: stdout.String(), Stderr: stderr.String(), Took: time.Since(began)}
	var exit *exec.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		result.Code = exit.ExitCode()
	case ctx.Err() != nil:
		result.Code = -1
	default:
		return result, fmt.Errorf("run mage %s: %w", strings.Join(args, " "), err)
	}
	fmt.Fprintf(p.Log, "%sexit %d after %.1fs\n", result.Stdout, result.Code, result.Took.Seconds())
	return result, nil
}

// Edit replaces old, which must occur once, in one of the copy's files.
func (p *Project) Edit(name, old, replacement string) error {
	path := filepath.Join(p.Dir, filepath.FromSlash(name))
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if n := strings.Count(string(content), old); n != 1 {
		return fmt.Errorf("edit %q: want %q once, found it %d times", name, old, n)
	}
	return os.WriteFile(path, []byte(strings.Replace(string(content), old, replacement, 1)), 0o644)
}

// Append adds text to the end of one of the copy's files.
func (p *Project) Append(name, text string) error {
	file, err := os.OpenFile(filepath.Join(p.Dir, filepath.FromSlash(name)), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		return err
	}
	return file.Close()
}

// Lines returns the values of the result's lines that begin with key.
func (r Result) Lines(key string) []string {
	var values []string
	for line := range strings.Lines(r.Stdout) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), key+" "); ok {
			values = append(values, value)
		}
	}
	return values
}

func copyFile(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if info.Mode()&os.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, info.Mode().Perm())
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
