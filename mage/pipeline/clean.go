package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"todo-chatbot/mage/airgap"
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
		return err
	})
	if err == nil && caches {
		err = p.cleanCache(&done)
	}
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

// cleanCache removes the cache folder and the reports. Backups stay: they are
// often the only copy of what they hold.
func (p *Pipeline) cleanCache(done *Cleaned) error {
	for _, dir := range []string{p.env.Cache, filepath.Join(p.env.Root, "build")} {
		removed, kept, err := removeBut(dir, backupsFolder)
		if err != nil {
			return fmt.Errorf("remove %q: %w", dir, err)
		}
		if removed {
			done.Removed = append(done.Removed, "folder "+dir)
		}
		if kept {
			done.Kept = append(done.Kept, "folder "+filepath.Join(dir, backupsFolder)+": backups are yours to remove")
		}
	}
	return nil
}

// removeBut removes a folder, or, where it has an entry of the name keep, all others of it.
func removeBut(dir, keep string) (removed, kept bool, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	isKept := func(entry os.DirEntry) bool { return entry.Name() == keep }
	if !slices.ContainsFunc(entries, isKept) {
		return true, false, os.RemoveAll(dir)
	}
	for _, entry := range slices.DeleteFunc(entries, isKept) {
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			return removed, true, err
		}
		removed = true
	}
	return removed, true, nil
}
