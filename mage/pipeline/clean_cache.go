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

// reports are what the targets write below build/. Backups are not among them:
// they are often the only copy of what they hold.
var reports = []string{"bench.json", "charts", "contract.xml", "e2e", "evidence", "load.json", "smoke.json", "smoke.xml"}

// cleanCache removes what the pipeline keeps in its cache folder, and the
// reports. What somebody else put into either stays, and is named.
func (p *Pipeline) cleanCache(done *Cleaned) error {
	note := func(dir string, removed bool, kept []cache.Kept, err error) error {
		if err != nil {
			return fmt.Errorf("remove %q: %w", dir, err)
		}
		if removed {
			done.Removed = append(done.Removed, "folder "+dir)
		}
		for _, k := range kept {
			done.Kept = append(done.Kept, k.String())
		}
		return nil
	}
	build := filepath.Join(p.env.Root, "build")
	removed, kept, err := cleanReports(build)
	if err := note(build, removed, kept, err); err != nil {
		return err
	}
	lock := filepath.Base(p.lockPath())
	removed, kept, err = cache.Remove(p.env.Cache, cache.Rules{Last: []string{lock + ".holder", lock}})
	return note(p.env.Cache, removed, kept, err)
}

func cleanReports(build string) (removed bool, kept []cache.Kept, err error) {
	if info, err := os.Lstat(build); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return false, []cache.Kept{{Path: build, Why: "it is a symbolic link, so what is behind it is not removed"}}, nil
	}
	return cache.Sweep(build, cache.Rules{
		Known: func(entry fs.DirEntry) bool { return slices.Contains(reports, entry.Name()) },
		Spare: func(name string) string {
			if name == backupsFolder {
				return "backups are yours to remove"
			}
			return ""
		},
	})
}

// otherRuns names the clusters that other runs work on now, from this project or
// another, with this cache folder.
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
		free, err := lock.TryRLock() // its run may have been killed
		if err != nil {
			return nil, fmt.Errorf("look whether another run holds %q: %w", path, err)
		}
		if free {
			_ = lock.Unlock()
			continue
		}
		busy = append(busy, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(holder), prefix), suffix))
	}
	return busy, nil
}
