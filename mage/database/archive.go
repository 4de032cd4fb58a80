package database

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"todo-chatbot/mage/host"
)

// Archive names a backup: a file on this machine by its path, or a file in the
// backup volume by its name.
type Archive struct {
	Path string
	Name string // in the volume; used if Path is empty
}

func (a Archive) String() string {
	if a.Path == "" {
		return a.Name
	}
	return filepath.Base(a.Path)
}

// open returns the standard input of a script, which is head and then the file, and
// the script's arguments. The script itself opens a backup in the volume.
func (a Archive) open(head string) (stdin io.ReadCloser, args []string, err error) {
	if a.Path == "" {
		return io.NopCloser(strings.NewReader(head)), []string{a.Name}, nil
	}
	file, err := os.Open(a.Path)
	if err != nil {
		return nil, nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(strings.NewReader(head), file), file}, nil, nil
}

// Check refuses a backup that is not complete: its checksum is missing or wrong, or
// PostgreSQL cannot read the archive to its end. Check changes nothing.
func (d *Database) Check(ctx context.Context, a Archive) error {
	if err := d.checkSum(ctx, a); err != nil {
		return err
	}
	s, err := d.server(ctx)
	if err != nil {
		return err
	}
	err = d.check(ctx, s, a)
	if exit, says := errors.AsType[*Exit](err); says && exit.Status == 1 {
		return &Refused{Backup: a.String(), Why: "PostgreSQL cannot read it: " + telling(exit.Stderr),
			Fix: "the file is truncated, damaged or not a backup; choose another one from `mage db:list`"}
	}
	if err != nil {
		return fmt.Errorf("check backup %q: %w", a, nodeDisk.explain(err))
	}
	return nil
}

func (d *Database) checkSum(ctx context.Context, a Archive) error {
	sum, err := d.sum(ctx, a)
	if err != nil {
		return err
	}
	switch sum {
	case SumOK:
		return nil
	case SumMissing:
		return &Refused{Backup: a.String(), Why: "its checksum file " + a.String() + sumSuffix + " is missing",
			Fix: "copy the checksum file from the place of the backup, or create it with `sha256sum` if you are sure that the backup is complete"}
	default:
		return &Refused{Backup: a.String(), Why: "its checksum does not match, so the file has changed",
			Fix: "copy the backup and its checksum file again, or choose another backup: `mage db:list` shows which ones are complete"}
	}
}

func (d *Database) sum(ctx context.Context, a Archive) (Sum, error) {
	if a.Path != "" {
		sum, err := sumOf(a.Path)
		if err != nil {
			return "", fmt.Errorf("read the checksum of backup %q: %w", a, err)
		}
		return sum, nil
	}
	all, err := d.Volume(ctx)
	if err != nil {
		return "", err
	}
	for _, b := range all {
		if b.Name == a.Name && volumeName.MatchString(a.Name) {
			return b.Sum, nil
		}
	}
	return "", &Refused{Backup: a.Name, Why: "neither this machine nor the volume has it", Fix: "choose one from `mage db:list`"}
}

// check lets the server read an archive to its end. It returns an *Exit if
// PostgreSQL cannot read it.
func (d *Database) check(ctx context.Context, s *server, a Archive) error {
	stdin, args, err := a.open("")
	if err != nil {
		return err
	}
	defer stdin.Close()
	_, err = d.run(ctx, s.container, stdin, script("check", args...))
	return err
}

// disk is a disk that commands in a pod write to.
type disk host.Disk

// nodeDisk holds the database's volume. This machine cannot measure it.
var nodeDisk = disk{Of: "the cluster's node"}

// explain names the disk in an error of a command in a pod. Other errors stay as
// they are.
func (d disk) explain(err error) error {
	if _, inPod := errors.AsType[*Exit](err); !inPod {
		return err
	}
	return host.Disk(d).Explain(err)
}
