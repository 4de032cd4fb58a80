package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Kept is an entry that Sweep did not remove, and why.
type Kept struct{ Path, Why string }

func (k Kept) String() string { return k.Path + ": " + k.Why }

// Rules decide what Sweep removes from a folder.
type Rules struct {
	// Known tells whether an entry may be removed. Required.
	Known func(fs.DirEntry) bool
	// Spare gives the reason to keep a known entry, or "".
	Spare func(name string) string
	// Last are removed after all other entries, and only if none was kept.
	Last []string
}

// Sweep removes the entries of a folder that the rules know, and then the folder
// if it is empty. removed tells whether it removed anything. It touches nothing
// outside the folder: it keeps symbolic links in the folder, and follows none out
// of it, even if the folder is replaced during the sweep. If dir itself is a
// symbolic link, the link and the linked folder stay.
func Sweep(dir string, rules Rules) (removed bool, kept []Kept, err error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil, nil
	}
	if err != nil {
		return false, nil, fmt.Errorf("open folder %q: %w", dir, err)
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return false, nil, fmt.Errorf("list folder %q: %w", dir, err)
	}
	var last []string
	for _, entry := range entries {
		name, why := entry.Name(), ""
		switch {
		case rules.Spare != nil && rules.Spare(name) != "":
			why = rules.Spare(name)
		case entry.Type()&fs.ModeSymlink != 0:
			why = "it is a symbolic link, and the pipeline creates none"
		case !rules.Known(entry):
			why = "the pipeline did not create it"
		case slices.Contains(rules.Last, name):
			last = append(last, name)
			continue
		}
		if why != "" {
			kept = append(kept, Kept{filepath.Join(dir, name), why})
			continue
		}
		if err := root.RemoveAll(name); err != nil {
			return removed, kept, err
		}
		removed = true
	}
	if len(kept) > 0 {
		return removed, kept, nil
	}
	for _, name := range last {
		if err := root.RemoveAll(name); err != nil {
			return removed, kept, err
		}
		removed = true
	}
	info, err := os.Lstat(dir)
	if err != nil || info.Mode()&fs.ModeSymlink != 0 {
		return removed, kept, nil
	}
	// The root of a mounted file system cannot be removed.
	if err := os.Remove(dir); err == nil {
		removed = true
	}
	return removed, kept, nil
}

// Remove sweeps a cache folder. It changes nothing in a folder without the marker.
func Remove(dir string, rules Rules) (removed bool, kept []Kept, err error) {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return false, nil, nil
	}
	if !marked(dir) {
		return false, []Kept{{dir, "it has no " + Marker + " that the pipeline wrote"}}, nil
	}
	rules.Known = Known
	rules.Last = append(slices.Clone(rules.Last), Marker)
	return Sweep(dir, rules)
}
