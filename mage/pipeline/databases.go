package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/database"
	"todo-chatbot/mage/release"
)

// tidyTime bounds what is put right after the run was interrupted; mage gives it
// five seconds in all.
const tidyTime = 4 * time.Second

// Backup saves the environment's database to a file and returns its path. target
// is the file, or a folder for it; without one it is build/backups/<env>.
func (p *Pipeline) Backup(ctx context.Context, target string) (path string, err error) {
	if target != "" {
		target = p.below(target)
	}
	err = p.exclusive(ctx, "db:backup", func(ctx context.Context) error {
		return p.withDatabase(ctx, func(db *database.Database, _ *cluster.Cluster) error {
			step := p.opts.Progress.Start("backup", p.env.Namespace+"/"+p.env.Release)
			if path, err = db.Save(ctx, p.backups(), target); err != nil {
				return step.Fail(err)
			}
			detail := ""
			if info, err := os.Stat(path); err == nil {
				detail = fmt.Sprintf("%.1f MB, read back whole", float64(info.Size())/1e6)
			}
			step.Done("saved", detail)
			return nil
		})
	})
	return path, err
}

// Backups lists those of this machine and, where the release has them, of the
// volume that the chart's hook writes. Those of this machine are given also where
// the volume could not be asked, which is an error.
func (p *Pipeline) Backups(ctx context.Context) ([]database.Backup, error) {
	all, err := p.backups().List()
	if err != nil {
		return nil, err
	}
	err = p.withDatabase(ctx, func(db *database.Database, _ *cluster.Cluster) error {
		more, err := db.Volume(ctx)
		all = append(all, more...)
		return err
	})
	absent := (*database.Absent)(nil)
	switch {
	case errors.Is(err, errNoCluster), errors.As(err, &absent):
		p.opts.Progress.Note("these are the backups of this machine alone: %v", err)
		err = nil
	case err != nil:
		err = fmt.Errorf("what is listed are the backups of this machine alone, those of the volume could not be asked for: %w", err)
	}
	database.Sort(all)
	return all, err
}

// backups is where this machine keeps those of the environment.
func (p *Pipeline) backups() database.Folder {
	return database.Folder(filepath.Join(p.env.Root, "build", backupsFolder, p.env.Name))
}

const backupsFolder = "backups"

// below is a path as the user gave it, from the project's folder.
func (p *Pipeline) below(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(p.env.Root, path)
}

// withDatabase does something with the database of the running release.
func (p *Pipeline) withDatabase(ctx context.Context, do func(*database.Database, *cluster.Cluster) error) error {
	c, closeCluster, err := p.running(ctx)
	if err != nil {
		return err
	}
	defer closeCluster()
	return cured(do(p.database(c), c))
}

func (p *Pipeline) database(c *cluster.Cluster) *database.Database {
	return database.New(c.Clients, p.env.Namespace, p.env.Release, database.Options{})
}

// cured marks what the user cures by other words or files.
func cured(err error) error {
	var (
		taken   *database.Taken
		refused *database.Refused
		absent  *database.Absent
		smaller *database.Smaller
		foreign *release.ForeignCredentials
	)
	if errors.As(err, &taken) || errors.As(err, &refused) || errors.As(err, &absent) || errors.As(err, &smaller) || errors.As(err, &foreign) {
		return usage(err)
	}
	return err
}

// ready waits for the pods that something has replaced, and for what else is
// given, and asks the application whether it works.
func (p *Pipeline) ready(c *cluster.Cluster, also ...func(context.Context) error) func(context.Context) (Deployment, error) {
	return func(ctx context.Context) (done Deployment, err error) {
		manager, err := p.releases(c)
		if err != nil {
			return done, err
		}
		if err := manager.Settle(ctx, p.env.Release); err != nil {
			p.keepEvidence(manager, p.env.Release, "", err)
			return done, err
		}
		for _, wait := range also {
			waiting, cancel := context.WithTimeout(ctx, p.env.Timeout)
			err := wait(waiting)
			cancel()
			if err != nil {
				return done, err
			}
		}
		if done.URL, done.Verdict, err = p.verify(ctx, c); err != nil {
			return done, err
		}
		done.Complete = true
		return done, p.judge(done.Verdict)
	}
}
