// Command bench measures how long a deploy takes from each starting point, and
// writes build/bench.json and the table of docs/performance.md. It works on a
// copy of the project with a separate cluster, which it removes at the end. Each
// result is the median of several runs.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"todo-chatbot/test/project"
)

// Measure is one row of the report.
type Measure struct {
	Name   string    `json:"name"`
	From   string    `json:"from"`  // the state before a run
	Bound  float64   `json:"bound"` // seconds at most
	Runs   []float64 `json:"runs"`  // seconds, in the order in which they were measured
	Median float64   `json:"median"`
}

const table = "docs/performance.md"

func main() {
	cold := flag.Bool("cold", false, "also measure with nothing cached: modules, compiled packages, images (up to 20 minutes)")
	runs := flag.Int("runs", 5, "runs of the short measures; the long ones take fewer")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *cold, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, cold bool, runs int) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "todo-bench-")
	if err != nil {
		return err
	}
	defer removeAll(dir)
	p, err := project.Copy(ctx, root, filepath.Join(dir, "project"), "todo-bench", os.Stderr)
	if err != nil {
		return err
	}
	p.Env = append(p.Env, "TODO_PROVIDER=kind")
	b := &bench{p: p, dir: dir}
	defer func() { _, _ = b.mage(context.WithoutCancel(ctx), "clean", "-yes") }()
	if cold {
		if err := b.cold(ctx); err != nil {
			return err
		}
	}
	for _, measure := range []func(context.Context, int) error{b.cluster, b.unchanged, b.oneLine} {
		if err := measure(ctx, runs); err != nil {
			return err
		}
	}
	return b.report(root)
}

type bench struct {
	p        *project.Project
	dir      string
	measures []Measure
}

func (b *bench) mage(ctx context.Context, args ...string) (time.Duration, error) {
	result, err := b.p.Mage(ctx, args...)
	if err == nil && result.Code != 0 {
		err = fmt.Errorf("mage %s ended with %d", strings.Join(args, " "), result.Code)
	}
	return result.Took, err
}

// measure runs prepare and a timed deploy n times.
func (b *bench) measure(ctx context.Context, m Measure, n int, prepare func(run int) error) error {
	for i := range n {
		if err := prepare(i); err != nil {
			return err
		}
		took, err := b.mage(ctx, "deploy:dev")
		if err != nil {
			return err
		}
		m.Runs = append(m.Runs, took.Seconds())
	}
	sorted := slices.Sorted(slices.Values(m.Runs))
	m.Median = sorted[len(sorted)/2]
	b.measures = append(b.measures, m)
	return nil
}

// cold uses new, empty caches; only installed packages of the operating system stay.
func (b *bench) cold(ctx context.Context) error {
	warm := b.p.Env
	defer func() { b.p.Env = warm }()
	b.p.Env = append(slices.Clone(warm), "TODO_CACHE="+filepath.Join(b.dir, "cache"))
	if _, err := b.mage(ctx, "clean:all", "-yes"); err != nil { // the engine's images and build cache
		return err
	}
	b.p.Env = append(b.p.Env, "GOCACHE="+filepath.Join(b.dir, "gocache"),
		"GOMODCACHE="+filepath.Join(b.dir, "gomodcache"), "MAGEFILE_CACHE="+filepath.Join(b.dir, "mage"),
		"npm_config_cache="+filepath.Join(b.dir, "npm"))
	err := b.measure(ctx, Measure{Name: "cold", From: "nothing cached, no cluster", Bound: 20 * 60}, 1, func(int) error { return nil })
	if err != nil {
		return err
	}
	_, err = b.mage(ctx, "clean", "-yes")
	return err
}

func (b *bench) cluster(ctx context.Context, runs int) error {
	if _, err := b.mage(ctx, "deploy:dev"); err != nil { // fills the caches
		return err
	}
	return b.measure(ctx, Measure{Name: "no cluster", From: "images and toolchain cached, no cluster, no builder, no engine", Bound: 60}, min(3, runs),
		func(int) error {
			if _, err := b.mage(ctx, "clean", "-yes"); err != nil {
				return err
			}
			return rest(ctx)
		})
}

// rest waits until the file system has finished the deletions of a clean: ext4 skips
// every inode that was deleted less than a minute ago each time that it makes a file,
// which would add some 15 s to a deploy.
func rest(ctx context.Context) error {
	if runtime.GOOS != "linux" {
		return nil
	}
	if err := exec.CommandContext(ctx, "sync").Run(); err != nil {
		return fmt.Errorf("write deletions to the disk: %w", err)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(65 * time.Second):
		return nil
	}
}

func (b *bench) unchanged(ctx context.Context, runs int) error {
	return b.measure(ctx, Measure{Name: "unchanged", From: "deployed, nothing changed", Bound: 3}, runs, func(int) error { return nil })
}

func (b *bench) oneLine(ctx context.Context, runs int) error {
	return b.measure(ctx, Measure{Name: "one line", From: "deployed, one line of the backend changed", Bound: 20}, min(3, runs),
		func(run int) error {
			return b.p.Append("images/backend/app/main.py", fmt.Sprintf("\nMEASURED_RUN = %d\n", run))
		})
}

func (b *bench) report(root string) error {
	document, err := json.MarshalIndent(map[string]any{
		"date": time.Now().UTC().Format(time.DateOnly), "cpus": runtime.NumCPU(), "os": runtime.GOOS, "arch": runtime.GOARCH, "measures": b.measures,
	}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(root, "build"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "build", "bench.json"), append(document, '\n'), 0o644); err != nil {
		return err
	}
	return b.writeTable(filepath.Join(root, table))
}

const (
	tableBegin = "<!-- bench:begin -->\n"
	tableEnd   = "<!-- bench:end -->"
)

// writeTable replaces the table between its marks row by row: a row that was not
// measured this time keeps its numbers and date.
func (b *bench) writeTable(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(content), tableBegin)
	old, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no marks %q and %q for the table", path, strings.TrimSpace(tableBegin), tableEnd)
	}
	rows := map[string]string{}
	var order []string
	note := func(name, row string) {
		if _, known := rows[name]; !known {
			order = append(order, name)
		}
		rows[name] = row
	}
	for line := range strings.Lines(old) {
		cells := strings.Split(line, "|")
		if len(cells) == 8 && !strings.Contains(line, "---") && strings.TrimSpace(cells[1]) != "start" {
			note(strings.TrimSpace(cells[1]), strings.TrimSpace(line))
		}
	}
	for _, m := range b.measures {
		note(m.Name, fmt.Sprintf("| %s | %s | %.1f | %.0f | %s | %d CPUs, %s |", m.Name, m.From, m.Median, m.Bound, list(m.Runs), runtime.NumCPU(), time.Now().UTC().Format(time.DateOnly)))
	}
	text := "| start | state before | median, s | bound, s | runs, s | where, when |\n|---|---|---|---|---|---|\n"
	for _, name := range order {
		text += rows[name] + "\n"
	}
	return os.WriteFile(path, []byte(before+tableBegin+text+tableEnd+after), 0o644)
}

func list(runs []float64) string {
	words := make([]string, len(runs))
	for i, run := range runs {
		words[i] = fmt.Sprintf("%.1f", run)
	}
	return strings.Join(words, ", ")
}

// removeAll also removes Go's module cache, which is read-only.
func removeAll(dir string) {
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o755)
		}
		return nil
	})
	os.RemoveAll(dir)
}
