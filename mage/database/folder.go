package database

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Folder is a folder of this machine that holds backups; it may not exist yet.
type Folder string

// List gives the folder's backups, each read whole for its checksum.
func (f Folder) List() ([]Backup, error) {
	entries, err := os.ReadDir(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the backups in %q: %w", string(f), err)
	}
	var all []Backup
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !strings.HasSuffix(entry.Name(), suffix) {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return nil, fmt.Errorf("list the backups in %q: %w", string(f), err)
		}
		sum, err := sumOf(filepath.Join(string(f), entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("list the backups in %q: %w", string(f), err)
		}
		b := Backup{Name: entry.Name(), Place: OnHost, Size: info.Size(), Time: info.ModTime().UTC(), Sum: sum}
		if at, named := begun(b.Name); named {
			b.Time = at
		}
		all = append(all, b)
	}
	Sort(all)
	return all, nil
}

// sumOf compares a file with the checksum beside it.
func sumOf(path string) (Sum, error) {
	wanted, err := os.Open(path + sumSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return SumMissing, nil
	}
	if err != nil {
		return "", err
	}
	defer wanted.Close()
	line, err := bufio.NewReader(io.LimitReader(wanted, 4<<10)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", err
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	// The name that follows is not compared: a copy may have another.
	if words := strings.Fields(line); len(words) > 0 && words[0] == hex.EncodeToString(sum.Sum(nil)) {
		return SumOK, nil
	}
	return SumWrong, nil
}

// sumLine is a line of sha256sum.
func sumLine(sum []byte, name string) string { return hex.EncodeToString(sum) + "  " + name + "\n" }

// tidy removes what runs that were killed left. Two backups at once are the
// caller's to prevent.
func (f Folder) tidy() error {
	left, err := filepath.Glob(filepath.Join(string(f), "*"+suffix+"*"+partial))
	if err != nil {
		return err
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// save writes a backup to path: what fill writes, once prove has found that it
// is a backup, and its checksum. Under path there is a whole one or none. They
// are for the user's eyes only: they hold what people wrote.
func save(path string, fill func(io.Writer) error, prove func(path string) error) (err error) {
	part := path + partial
	defer func() {
		if err != nil {
			os.Remove(part)
			os.Remove(path + sumSuffix + partial)
		}
	}()
	sum := sha256.New()
	if err := write(part, func(w io.Writer) error { return fill(io.MultiWriter(w, sum)) }); err != nil {
		return err
	}
	if err := prove(part); err != nil {
		return err
	}
	// The checksum first, as the hook does: a backup without one is no backup.
	err = write(path+sumSuffix+partial, func(w io.Writer) error {
		_, err := io.WriteString(w, sumLine(sum.Sum(nil), filepath.Base(path)))
		return err
	})
	if err != nil {
		return err
	}
	if err := os.Rename(path+sumSuffix+partial, path+sumSuffix); err != nil {
		return err
	}
	return os.Rename(part, path)
}

// write makes or replaces a file whose bytes are on the disk when it returns.
func write(path string, fill func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer file.Close() // again after the one below, which is harmless
	if err := fill(file); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return file.Close()
}
