package database

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Taken is the error for a backup whose file already exists.
type Taken struct{ Path string }

func (t *Taken) Error() string {
	return fmt.Sprintf("write backup: file %q exists; choose another name or move the file", t.Path)
}

// Save writes a backup to a file on this machine and returns its path. The path is
// target. If target is a folder, or empty, Save makes a name from the current time
// in that folder, or in home. The file appears only after the server has read it back
// to its end.
func (d *Database) Save(ctx context.Context, home Folder, target string) (path string, err error) {
	s, err := d.server(ctx)
	if err != nil {
		return "", err
	}
	path, err = place(home, target, fileName(s.database, time.Now()))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("make the backup folder: %w", err)
	}
	if err := home.tidy(); err != nil {
		return "", fmt.Errorf("remove temporary files of an earlier backup: %w", err)
	}
	err = save(path, func(w io.Writer) error {
		if err := d.shell.Run(ctx, s.container, script("dump"), nil, w); err != nil {
			return fmt.Errorf("pg_dump: %w", err)
		}
		return nil
	}, func(part string) error {
		if err := d.check(ctx, s, Archive{Path: part}); err != nil {
			return fmt.Errorf("read the backup back: %w; try again", err)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("back up database %q of pod %q to %q: %w", s.database, s.container.Pod, path, nodeDisk.explain(err))
	}
	return path, nil
}

// place returns the path of a new backup.
func place(home Folder, target, name string) (string, error) {
	path := target
	switch info, err := os.Stat(target); {
	case target == "":
		path = filepath.Join(string(home), name)
	case err == nil && info.IsDir():
		path = filepath.Join(target, name)
	}
	for _, taken := range []string{path, path + sumSuffix} {
		if _, err := os.Lstat(taken); !errors.Is(err, fs.ErrNotExist) {
			return "", &Taken{Path: taken}
		}
	}
	return path, nil
}
