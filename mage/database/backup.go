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

// Sum is what the checksum beside a backup says of it.
type Sum string

// What checksums say.
const (
	SumOK      Sum = "ok"
	SumWrong   Sum = "wrong"
	SumMissing Sum = "missing"
)

// Place is where a backup is.
type Place string

// Places of backups.
const (
	OnHost   Place = "host"
	InVolume Place = "volume"
)

// Backup is a file that could be restored.
type Backup struct {
	Name  string
	Place Place
	Size  int64     // bytes
	Time  time.Time // when it was begun, by its name; for another name, when it was last written
	Sum   Sum
}

const (
	suffix    = ".dump"
	sumSuffix = ".sha256"
	partial   = ".part"

	stampForm = "20060102T150405Z"
)

// fileName names a backup as the chart's hook does.
func fileName(database string, at time.Time) string {
	return database + "-" + at.UTC().Format(stampForm) + suffix
}

// begun is the time in a backup's name.
func begun(name string) (time.Time, bool) {
	stem, isBackup := strings.CutSuffix(name, suffix)
	if !isBackup || len(stem) < len(stampForm) {
		return time.Time{}, false
	}
	at, err := time.Parse(stampForm, stem[len(stem)-len(stampForm):])
	return at, err == nil
}

// volumeName is what may name a backup of the volume: it becomes part of a path there.
var volumeName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*\.dump$`)

// newestFirst sorts backups by time, then name.
func newestFirst(a, b Backup) int {
	return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Place, b.Place))
}

// Sort puts backups in the order in which people look for them, the newest first.
func Sort(all []Backup) { slices.SortFunc(all, newestFirst) }

// Volume lists the backups of the hook's volume; there is true where the server has one.
func (d *Database) Volume(ctx context.Context) (all []Backup, there bool, err error) {
	s, err := d.server(ctx)
	if err != nil || !s.volume {
		return nil, false, err
	}
	lines, err := d.tell(ctx, s.container, nil, script("list"))
	if err != nil {
		return nil, true, fmt.Errorf("list the backups in the volume of pod %q: %w", s.container.Pod, err)
	}
	for _, line := range lines {
		b, err := listed(line)
		if err != nil {
			return nil, true, fmt.Errorf("list the backups in the volume of pod %q: %w", s.container.Pod, err)
		}
		all = append(all, b)
	}
	Sort(all)
	return all, true, nil
}

// listed is a backup from a line of the list script.
func listed(line string) (Backup, error) {
	fields := strings.Split(line, "\t")
	if len(fields) != 4 {
		return Backup{}, fmt.Errorf("%q is not a name, a size, a time and a checksum's state", line)
	}
	size, sizeErr := strconv.ParseInt(fields[1], 10, 64)
	written, timeErr := strconv.ParseInt(fields[2], 10, 64)
	if sizeErr != nil || timeErr != nil {
		return Backup{}, fmt.Errorf("%q has no size or no time", line)
	}
	b := Backup{Name: fields[0], Place: InVolume, Size: size, Time: time.Unix(written, 0).UTC(), Sum: Sum(fields[3])}
	if at, named := begun(b.Name); named {
		b.Time = at
	}
	return b, nil
}
