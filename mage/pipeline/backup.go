package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"todo-chatbot/mage/database"
)

// backupsFolder is the folder of backups below build/.
const backupsFolder = "backups"

// Backup saves the environment's database to a file and returns its path. file is that
// file, or a folder for it; empty means build/backups/<env>.
func (p *Pipeline) Backup(ctx context.Context, file string) (path string, err error) {
	if file != "" {
		file = p.absolute(file)
	}
	err = p.exclusive(ctx, "db:backup", func(ctx context.Context) error {
		return p.withTarget(ctx, func(_ *services, t target) error {
			path, err = p.save(ctx, t.database, file)
			return withExitCode(err)
		})
	})
	return path, err
}

func (p *Pipeline) save(ctx context.Context, db BackupMaker, file string) (string, error) {
	step := p.opts.Progress.Start("backup", p.releaseName())
	path, err := db.Save(ctx, p.backups(), file)
	if err != nil {
		return path, step.Fail(err)
	}
	detail := ""
	if info, err := os.Stat(path); err == nil {
		detail = fmt.Sprintf("%.1f MB, read back and complete", float64(info.Size())/1e6)
	}
	step.Done("saved", detail)
	return path, nil
}

// Backups lists the backups on this machine and, if the release has them, those in the
// cluster's backup volume, which the chart's hook writes. If the volume cannot be read,
// it returns the backups of this machine and an error.
func (p *Pipeline) Backups(ctx context.Context) ([]database.Backup, error) {
	all, err := p.backups().List()
	if err != nil {
		return nil, err
	}
	err = p.withTarget(ctx, func(_ *services, t target) error {
		more, err := t.database.Volume(ctx)
		all = append(all, more...)
		return err
	})
	_, absent := errors.AsType[*database.Absent](err)
	switch {
	case errors.Is(err, errNoCluster), absent:
		p.opts.Progress.Note("only the backups of this machine are listed: %v", err)
		err = nil
	case err != nil:
		err = withExitCode(fmt.Errorf("only the backups of this machine are listed, because the backup volume could not be read: %w", err))
	}
	database.Sort(all)
	return all, err
}

// backups returns the folder of the environment's backups on this machine.
func (p *Pipeline) backups() database.Folder {
	return database.Folder(filepath.Join(p.env.Root, "build", backupsFolder, p.env.Name))
}

// absolute resolves a path that the user gave, relative to the project's folder.
func (p *Pipeline) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(p.env.Root, path)
}
