package pipeline

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"

	"todo-chatbot/mage/cache"
)

// reports are the files and folders that the targets write below build/. Backups are
// not among them, because they are often the only copy of the data.
var reports = []string{"bench.json", "charts", "contract.xml", "e2e", "evidence", "load.json", "smoke.json", "smoke.xml"}

// caches removes the reports and the pipeline's files in its cache folder. It keeps
// and names other files.
func (c *cleaning) caches() error {
	build := filepath.Join(c.p.env.Root, "build")
	lock := filepath.Base(c.p.lockPath())
	for _, folder := range []struct {
		dir    string
		remove func() (removed bool, kept []cache.Kept, err error)
	}{
		{build, func() (bool, []cache.Kept, error) { return removeReports(build) }},
		{c.p.env.Cache, func() (bool, []cache.Kept, error) {
			return cache.Remove(c.p.env.Cache, cache.Rules{Last: []string{lock + ".holder", lock}})
		}},
	} {
		removed, kept, err := folder.remove()
		if err != nil {
			return fmt.Errorf("remove %q: %w", folder.dir, err)
		}
		if removed {
			c.done.removed("folder " + folder.dir)
		}
		for _, k := range kept {
			c.done.Kept = append(c.done.Kept, k.String())
		}
	}
	return nil
}

func removeReports(build string) (removed bool, kept []cache.Kept, err error) {
	if info, err := os.Lstat(build); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return false, []cache.Kept{{Path: build, Why: "it is a symbolic link, so its target is not removed"}}, nil
	}
	return cache.Sweep(build, cache.Rules{
		Known: func(entry fs.DirEntry) bool { return slices.Contains(reports, entry.Name()) },
		Spare: func(name string) string {
			if name == backupsFolder {
				return "only you remove backups"
			}
			return ""
		},
	})
}

// otherRuns names the clusters on which other runs with this cache folder work now.
func (p *Pipeline) otherRuns() ([]string, error) {
	const prefix, suffix = "cluster-", ".lock.holder"
	holders, err := filepath.Glob(filepath.Join(p.env.Cache, prefix+"*"+suffix))
	if err != nil {
		return nil, err
	}
	var busy []string
	for _, holder := range holders {
		path := strings.TrimSuffix(holder, ".holder")
		if path == p.lockPath() {
			continue
		}
		lock := flock.New(path)
		free, err := lock.TryRLock() // a killed run leaves the holder file
		if err != nil {
			return nil, fmt.Errorf("find out whether another run holds %q: %w", path, err)
		}
		if free {
			_ = lock.Unlock()
			continue
		}
		busy = append(busy, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(holder), prefix), suffix))
	}
	return busy, nil
}
