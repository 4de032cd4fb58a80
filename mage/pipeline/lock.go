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
	"todo-chatbot/mage/host"
)

// Busy says that another run works on the same cluster.
type Busy struct {
	Cluster string
	Holder  string // process and target of the other run
}

func (b *Busy) Error() string {
	return fmt.Sprintf("another run works on cluster %q (%s): wait until it ends, or stop it with Ctrl-C in its terminal", b.Cluster, b.Holder)
}

// exclusive calls do while no other run works on the cluster.
func (p *Pipeline) exclusive(ctx context.Context, target string, do func(context.Context) error) error {
	unlock, err := p.lock(target)
	if err == nil {
		defer unlock()
		err = do(ctx)
	}
	return p.explainDisk(err)
}

// explainDisk names the disk of the caches in an error that a full disk caused.
func (p *Pipeline) explainDisk(err error) error { return host.CachesDisk(p.env.Cache).Explain(err) }

// lock takes the cluster's lock for a target, or returns *Busy. The operating system
// frees the lock when the process ends, also if it is killed.
func (p *Pipeline) lock(target string) (unlock func(), err error) {
	if err := p.makeCache(); err != nil {
		return nil, err
	}
	path := p.lockPath()
	lock := flock.New(path)
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock cluster %q with file %q: %w", p.env.Cluster.Name, path, err)
	}
	holder := path + ".holder"
	if !locked {
		text, err := os.ReadFile(holder)
		if err != nil || len(text) == 0 {
			text = []byte("it started a moment ago") // it has the lock and has not written its name yet
		}
		return nil, &Busy{Cluster: p.env.Cluster.Name, Holder: strings.TrimSpace(string(text))}
	}
	if err := os.WriteFile(holder, []byte("process "+strconv.Itoa(os.Getpid())+", "+target), 0o644); err != nil {
		return nil, errors.Join(fmt.Errorf("write the name of this run next to the cluster's lock: %w", err), lock.Unlock())
	}
	return func() {
		os.Remove(holder)
		_ = lock.Unlock() // the end of the process frees it too
	}, nil
}

func (p *Pipeline) lockPath() string {
	return filepath.Join(p.env.Cache, "cluster-"+p.env.Cluster.Name+".lock")
}

// makeCache makes the cache folder with the marker file that clean:all looks for.
func (p *Pipeline) makeCache() error {
	err := cache.Make(p.env.Cache)
	if _, refused := errors.AsType[*cache.Refused](err); refused {
		return usageError(err)
	}
	return err
}
