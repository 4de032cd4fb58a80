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

// Taken says that a backup is not written, because something has its place.
type Taken struct{ Path string }

func (t *Taken) Error() string {
	return fmt.Sprintf("file %q exists: choose another name, or move it away", t.Path)
}

// Save backs the database up to a file of this machine and returns its path:
// target, or, where that is empty or a folder, a name of the time in that folder
// or in home. The file appears when the server has read it back whole, and never
// before.
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
		return "", fmt.Errorf("make the folder of the backups: %w", err)
	}
	if err := home.tidy(); err != nil {
		return "", fmt.Errorf("remove what an earlier backup left: %w", err)
	}
	err = save(path, func(w io.Writer) error {
		if err := d.shell.Run(ctx, s.container, script("dump"), nil, w); err != nil {
			return fmt.Errorf("pg_dump: %w", err)
		}
		return nil
	}, func(part string) error {
		if err := d.check(ctx, s, Archive{Path: part}); err != nil {
			return fmt.Errorf("what pg_dump wrote cannot be read back, try again: %w", err)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("back up database %q of pod %q to %q: %w", s.database, s.container.Pod, path, nodeDisk.explain(err))
	}
	return path, nil
}

// place is where a backup goes.
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
