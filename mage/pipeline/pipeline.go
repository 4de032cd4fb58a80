// Package pipeline holds the use cases: what a target promises, as one path
// from sources to a verdict. Every step first finds out what is true and then
// does only what is missing. It decides order and concurrency; how a thing is
// done is the domain packages' business. Concrete types are named in wire.go
// alone.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"todo-chatbot/mage/cache"
	"todo-chatbot/mage/config"
	"todo-chatbot/mage/host"
	"todo-chatbot/mage/progress"
)

// Exit codes of the targets.
const (
	ExitBroken = 1 // something broke
	ExitUsage  = 2 // bad usage or configuration: the user's files or words
	ExitRed    = 3 // the verdict is red
)

// Error is an error with an exit code of its own.
type Error struct {
	Code int
	Err  error
}

func (e *Error) Error() string   { return e.Err.Error() }
func (e *Error) Unwrap() error   { return e.Err }
func (e *Error) ExitStatus() int { return e.Code }

// ExitCode is the code that a target ends with for err.
func ExitCode(err error) int {
	var coded interface{ ExitStatus() int }
	switch {
	case err == nil:
		return 0
	case errors.As(err, &coded):
		return coded.ExitStatus()
	default:
		return ExitBroken
	}
}

// usage marks an error as one that the user cures in their own files.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Code: ExitUsage, Err: err}
}

// Options are the run's surroundings.
type Options struct {
	Progress *progress.Reporter
	Getenv   func(string) string // required
	// Confirm asks the user a question; nil means that the answer is yes.
	Confirm func(question string) bool
	// Sure asks before something is lost for good. nil means that nobody can be
	// asked, and then it is not done.
	Sure func(question string) bool
}

// Pipeline is one environment's path from sources to a verdict.
type Pipeline struct {
	env      *config.Environment
	opts     Options
	keychain *keychain // docker's logins
}

// New returns the pipeline of an environment. It does no I/O.
func New(env *config.Environment, opts Options) *Pipeline {
	return &Pipeline{env: env, opts: opts, keychain: newKeychain(opts.Progress)}
}

// Busy says that another run works on the same cluster.
type Busy struct {
	Cluster string
	Holder  string // what the other run wrote into the lock: its process and target
}

func (b *Busy) Error() string {
	return fmt.Sprintf("another run works on cluster %q (%s): wait until it ends, or stop it with Ctrl-C in its terminal", b.Cluster, b.Holder)
}

// exclusive runs do alone on the cluster, and names the disk of the caches if
// one was full and nobody knew which.
func (p *Pipeline) exclusive(ctx context.Context, what string, do func(context.Context) error) error {
	return host.CachesDisk(p.env.Cache).Explain(p.locked(ctx, what, do))
}

// locked holds the cluster's lock meanwhile. It is the operating system's, so it
// ends with the process that holds it, however that ends.
func (p *Pipeline) locked(ctx context.Context, what string, do func(context.Context) error) error {
	if err := p.makeCache(); err != nil {
		return err
	}
	path := p.lockPath()
	lock := flock.New(path)
	locked, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("lock cluster %q with file %q: %w", p.env.Cluster.Name, path, err)
	}
	holder := path + ".holder"
	if !locked {
		words, err := os.ReadFile(holder)
		if err != nil || len(words) == 0 {
			words = []byte("it has only just begun") // it has the lock and has not written its name yet
		}
		return &Busy{Cluster: p.env.Cluster.Name, Holder: strings.TrimSpace(string(words))}
	}
	defer lock.Unlock()
	if err := os.WriteFile(holder, []byte("process "+strconv.Itoa(os.Getpid())+", "+what), 0o644); err != nil {
		return fmt.Errorf("name this run in the cluster's lock: %w", err)
	}
	defer os.Remove(holder)
	return do(ctx)
}

func (p *Pipeline) lockPath() string {
	return filepath.Join(p.env.Cache, "cluster-"+p.env.Cluster.Name+".lock")
}

// makeCache makes the cache folder with the mark by which clean:all knows it.
func (p *Pipeline) makeCache() error {
	err := cache.Make(p.env.Cache)
	if _, refused := errors.AsType[*cache.Refused](err); refused {
		return usage(err)
	}
	return err
}
