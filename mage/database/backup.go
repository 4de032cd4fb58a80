package database

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sum is the result of comparing a backup with its checksum file.
type Sum string

// The results of a comparison.
const (
	SumOK      Sum = "ok"
	SumWrong   Sum = "wrong"
	SumMissing Sum = "missing"
)

// Place is the kind of storage of a backup.
type Place string

// The places of backups.
const (
	OnHost   Place = "host"
	InVolume Place = "volume"
)

// Backup is a backup file.
type Backup struct {
	Name  string
	Place Place
	Size  int64     // bytes
	Time  time.Time // start of the backup from its name, else the modification time of the file
	Sum   Sum
}

const (
	suffix    = ".dump"
	sumSuffix = ".sha256"
	partial   = ".part"

	stampForm = "20060102T150405Z"
)

// fileName returns the name of a backup. The chart's hook uses the same form.
func fileName(database string, at time.Time) string {
	return database + "-" + at.UTC().Format(stampForm) + suffix
}

// begun returns the time in the name of a backup.
func begun(name string) (time.Time, bool) {
	stem, isBackup := strings.CutSuffix(name, suffix)
	if !isBackup || len(stem) < len(stampForm) {
		return time.Time{}, false
	}
	at, err := time.Parse(stampForm, stem[len(stem)-len(stampForm):])
	return at, err == nil
}

// volumeName matches valid names in the volume. A name becomes part of a path there.
var volumeName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*\.dump$`)

// newestFirst orders backups by time, then by name and place.
func newestFirst(a, b Backup) int {
	return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Place, b.Place))
}

// Sort sorts backups, the newest first.
func Sort(all []Backup) { slices.SortFunc(all, newestFirst) }

// Volume lists the backups in the backup volume. The list is empty if the server has
// no such volume.
func (d *Database) Volume(ctx context.Context) ([]Backup, error) {
	s, err := d.server(ctx)
	if err != nil || !s.volume {
		return nil, err
	}
	lines, err := d.run(ctx, s.container, nil, script("list"))
	if err != nil {
		return nil, fmt.Errorf("list the backups in the volume of pod %q: %w", s.container.Pod, err)
	}
	var all []Backup
	for _, line := range lines {
		b, err := listed(line)
		if err != nil {
			return nil, fmt.Errorf("list the backups in the volume of pod %q: %w", s.container.Pod, err)
		}
		all = append(all, b)
	}
	Sort(all)
	return all, nil
}

// listed parses a line of the list script.
func listed(line string) (Backup, error) {
	fields := strings.Split(line, "\t")
	if len(fields) != 4 {
		return Backup{}, fmt.Errorf("parse line %q: it does not have four fields (name, size, time, checksum)", line)
	}
	size, sizeErr := strconv.ParseInt(fields[1], 10, 64)
	written, timeErr := strconv.ParseInt(fields[2], 10, 64)
	if sizeErr != nil || timeErr != nil {
		return Backup{}, fmt.Errorf("parse line %q: size or time is not a number", line)
	}
	b := Backup{Name: fields[0], Place: InVolume, Size: size, Time: time.Unix(written, 0).UTC(), Sum: Sum(fields[3])}
	if at, named := begun(b.Name); named {
		b.Time = at
	}
	return b, nil
}
