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

// Folder is a folder with backups on this machine. It may not exist yet.
type Folder string

// List returns the backups of the folder. It reads each file to compute its checksum.
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

// sumOf compares a file with its checksum file.
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
	// The name after the checksum is not compared, because a copy may have another name.
	if words := strings.Fields(line); len(words) > 0 && words[0] == hex.EncodeToString(sum.Sum(nil)) {
		return SumOK, nil
	}
	return SumWrong, nil
}

// sumLine returns a line in the format of sha256sum.
func sumLine(sum []byte, name string) string { return hex.EncodeToString(sum) + "  " + name + "\n" }

// tidy removes temporary files of runs that were killed. The caller prevents
// concurrent backups.
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

// save writes a backup and its checksum file to path. fill writes the content, and
// prove checks it before the file gets its name, so that path is a complete backup
// or does not exist. Only the user can read the files, because they contain personal
// data.
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
	// The checksum file comes first, as in the hook: a backup without one is refused.
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

// write creates or replaces a file and syncs it to the disk.
func write(path string, fill func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer file.Close() // closing twice is harmless
	if err := fill(file); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return file.Close()
}
