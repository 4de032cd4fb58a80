package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// FreeSpace is the fix for a full disk.
const FreeSpace = "`docker system prune` removes unused images and containers of the engine; `mage clean:all` removes everything that the pipeline made: the caches, and the cluster with its data (`mage db:backup` saves the data)"

// Disk is a disk that can become full.
type Disk struct {
	Of   string // the owner, for messages: "the container engine"
	Path string // a folder on the disk; "" where it is not known
	Here bool   // the disk belongs to this machine, so that it can be measured
}

// EngineDisk is the disk on which a container engine keeps images, containers and
// volumes. address is the engine's address as in DOCKER_HOST; root and system are
// DockerRootDir and OperatingSystem of its answer to /info. Only an engine behind
// a Unix socket of Linux, except Docker Desktop, uses a disk of this machine.
func EngineDisk(address, root, system string) Disk {
	here := runtime.GOOS == "linux" && strings.HasPrefix(address, "unix://") && !strings.Contains(system, "Docker Desktop")
	return Disk{Of: "the container engine", Path: root, Here: here && root != ""}
}

// CachesDisk is the disk of the cache folder.
func CachesDisk(folder string) Disk { return Disk{Of: "the caches", Path: folder, Here: true} }

// FullDisk says which disk is full and how to free space on it.
type FullDisk struct {
	Disk
	Free     uint64 // bytes that an ordinary user could still write
	NoInodes bool   // no further file can be created
	Measured bool   // Free and NoInodes are known
	Cause    error
}

func (f *FullDisk) Error() string {
	var facts []string
	if f.Path != "" {
		facts = append(facts, f.Path)
	}
	switch {
	case f.Measured && f.NoInodes:
		facts = append(facts, size(f.Free)+" free, but no inode")
	case f.Measured:
		facts = append(facts, size(f.Free)+" free")
	default:
		facts = append(facts, "its free space is unknown")
	}
	return fmt.Sprintf("%v: the disk of %s is full (%s): %s", f.Cause, f.Of, strings.Join(facts, ", "), FreeSpace)
}

func (f *FullDisk) Unwrap() error { return f.Cause }

// Explain returns err as a FullDisk if it says that a disk is full, and unchanged
// otherwise.
func (d Disk) Explain(err error) error {
	if err == nil || !errors.Is(err, syscall.ENOSPC) && !SaysFull(err.Error()) {
		return err
	}
	return d.Blame(err)
}

// Blame returns err as a FullDisk. If err names a file of this machine, the disk
// is that of the file; otherwise it is d.
func (d Disk) Blame(err error) error {
	if _, explained := errors.AsType[*FullDisk](err); explained {
		return err
	}
	if path := fileOf(err); path != "" {
		d = Disk{Of: "this machine", Path: filepath.Dir(path), Here: true}
	}
	full := &FullDisk{Disk: d, Cause: err}
	if d.Here {
		full.Free, full.NoInodes, full.Measured = measure(existing(d.Path))
	}
	return full
}

// SaysFull tells whether a message of a program, an engine or a kernel says that a
// disk is full. Linux uses the same message for too many inotify watches.
func SaysFull(text string) bool {
	text = strings.ToLower(text)
	return !strings.Contains(text, "inotify") && slices.ContainsFunc([]string{
		"no space left on device",      // ENOSPC, on every Unix and in every engine's answer
		"disk quota exceeded",          // EDQUOT
		"out of disk space",            // Minikube
		"not enough space on the disk", // Windows
		"enough free space in /",       // apt
	}, func(words string) bool { return strings.Contains(text, words) })
}

// Free returns the bytes that an ordinary user may still write to the file system
// of a folder, or of the nearest existing folder above it.
func Free(folder string) (bytes uint64, known bool) {
	bytes, _, known = measure(existing(folder))
	return bytes, known
}

// fileOf returns the absolute path that an error of the operating system names, or "".
func fileOf(err error) string {
	name := ""
	if one, ok := errors.AsType[*fs.PathError](err); ok {
		name = one.Path
	} else if two, ok := errors.AsType[*os.LinkError](err); ok {
		name = two.New
	}
	if !filepath.IsAbs(name) {
		return ""
	}
	return name
}

// existing returns the path, or the nearest existing path above it.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || filepath.Dir(path) == path {
			return path
		}
		path = filepath.Dir(path)
	}
}

func size(bytes uint64) string {
	switch {
	case bytes < 1e6:
		return fmt.Sprintf("%d bytes", bytes)
	case bytes < 1e9:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	default:
		return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
	}
}
