package pipeline

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"todo-chatbot/mage/airgap"
	"todo-chatbot/mage/cache"
	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/engine"
	"todo-chatbot/mage/release"
)

// Cleaned says what a clean did.
type Cleaned struct {
	Removed []string // in the order in which it was removed
	Kept    []string // what is ours but could not go, and why
}

// Clean removes what deploys made: the release, the cluster, containers,
// networks and the engine's process. With caches it also removes what makes the
// next deploy fast. What it did not make, it leaves.
func (p *Pipeline) Clean(ctx context.Context, caches bool) (Cleaned, error) {
	var done Cleaned
	if _, err := os.Stat(p.env.Cache); os.IsNotExist(err) {
		if made, err := p.wireExisting(ctx); made == nil {
			return done, err
		}
	}
	err := p.exclusive(ctx, "clean", func(ctx context.Context) error {
		if err := p.cleanEngine(ctx, caches, &done); err != nil {
			return err
		}
		stopped, kept, err := engine.Stop(ctx, p.env.Cache)
		if stopped != "" {
			done.Removed = append(done.Removed, stopped)
		}
		if kept != "" {
			done.Kept = append(done.Kept, kept)
		}
		if err != nil || !caches {
			return err
		}
		return p.cleanCache(&done)
	})
	return done, err
}

func (p *Pipeline) cleanEngine(ctx context.Context, caches bool, done *Cleaned) error {
	made, err := p.wireExisting(ctx)
	if err != nil || made == nil {
		return err
	}
	defer made.engine.Client.Close()
	if err := p.sureToDelete(ctx, made.provider); err != nil {
		return err
	}
	note := func(removed []string, err error) error {
		done.Removed = append(done.Removed, removed...)
		return err
	}
	if err := note(p.cleanRelease(ctx, made)); err != nil {
		return err
	}
	if err := note(made.provider.Delete(ctx)); err != nil {
		return err
	}
	if err := note(made.engine.RemoveBuildKit(ctx, caches)); err != nil {
		return err
	}
	if !caches {
		return nil
	}
	return note(made.engine.RemoveImages(ctx, airgap.KindNodeRef, airgap.BuildKitRef))
}

// cleanRelease uninstalls from a cluster that stays: one that the pipeline
// makes is deleted whole, releases and all.
func (p *Pipeline) cleanRelease(ctx context.Context, made *parts) ([]string, error) {
	c, err := made.provider.Find(ctx)
	if err != nil || c == nil {
		return nil, nil // what cannot be reached goes with its cluster
	}
	defer c.Close()
	manager, err := p.releases(c)
	if err != nil {
		return nil, err
	}
	if _, stays := made.provider.(*cluster.KubeContext); !stays {
		if history, err := manager.History(ctx, p.env.Release); err == nil && len(history) > 0 {
			return []string{fmt.Sprintf("release %s/%s", p.env.Namespace, p.env.Release)}, nil
		}
		return nil, nil
	}
	removed, err := manager.Uninstall(ctx, p.env.Release, release.UninstallOptions{})
	if err != nil || !removed {
		return nil, err
	}
	return []string{fmt.Sprintf("release %s/%s", p.env.Namespace, p.env.Release)}, nil
}

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
