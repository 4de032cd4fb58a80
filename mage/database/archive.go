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

// Archive is a backup to read: a file of this machine by its path, or one of the
// hook's volume by its name.
type Archive struct {
	Path string
	Name string // in the volume; used where Path is empty
}

func (a Archive) String() string {
	if a.Path == "" {
		return a.Name
	}
	return filepath.Base(a.Path)
}

// open returns what a script reads, which is head and then the file, and the
// script's arguments: a backup of the volume is opened where it is.
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

// Check refuses what is no whole backup: a checksum that is missing or does not
// fit, and an archive that PostgreSQL cannot read to its end. It changes nothing.
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
			Cure: "it is cut off, damaged or no backup; `mage db:list` names others"}
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
		return &Refused{Backup: a.String(), Why: "there is no checksum beside it, in " + a.String() + sumSuffix,
			Cure: "bring that from where the backup was made, or, if you know that the file is whole, make it with `sha256sum`"}
	default:
		return &Refused{Backup: a.String(), Why: "its checksum does not fit, so it is not what was written",
			Cure: "copy it again with the file beside it, or choose another: `mage db:list` shows which are whole"}
	}
}

func (d *Database) sum(ctx context.Context, a Archive) (Sum, error) {
	if a.Path != "" {
		sum, err := sumOf(a.Path)
		if err != nil {
			return "", fmt.Errorf("checksum of backup %q: %w", a, err)
		}
		return sum, nil
	}
	all, _, err := d.Volume(ctx)
	if err != nil {
		return "", err
	}
	for _, b := range all {
		if b.Name == a.Name && volumeName.MatchString(a.Name) {
			return b.Sum, nil
		}
	}
	return "", &Refused{Backup: a.Name, Why: "neither this machine nor the volume has it", Cure: "`mage db:list` names those that are there"}
}

// check has the server read an archive whole. It returns an *Exit where
// PostgreSQL says that it is none.
func (d *Database) check(ctx context.Context, s *server, a Archive) error {
	stdin, args, err := a.open("")
	if err != nil {
		return err
	}
	defer stdin.Close()
	_, err = d.tell(ctx, s.container, stdin, script("check", args...))
	return err
}

// disk is one that a command in a pod may find full.
type disk host.Disk

// nodeDisk holds the database's volume; it cannot be measured from here.
var nodeDisk = disk{Of: "the cluster's node"}

// explain names the disk if it was the command's and not this machine's.
func (d disk) explain(err error) error {
	if _, inPod := errors.AsType[*Exit](err); !inPod {
		return err
	}
	return host.Disk(d).Explain(err)
}
