package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Kept is an entry that Sweep left, and why.
type Kept struct{ Path, Why string }

func (k Kept) String() string { return k.Path + ": " + k.Why }

// Rules say what Sweep may remove from a folder.
type Rules struct {
	// Known tells whether an entry may go. Required.
	Known func(fs.DirEntry) bool
	// Spare gives the reason to keep an entry all the same, or "".
	Spare func(name string) string
	// Last are removed after everything else, and stay where something is kept.
	Last []string
}

// Sweep removes from a folder what the rules know, and then the folder if
// nothing is left in it. removed tells whether anything went. Nothing outside
// the folder is touched: symbolic links in it are kept, and those on the way
// (the folder may have been exchanged meanwhile) are not followed out of it. Of
// a folder that is itself a symbolic link, the link and what it leads to stay.
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
			why = "it is a symbolic link, and the pipeline makes none"
		case !rules.Known(entry):
			why = "the pipeline did not make it"
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
	// A file system's root cannot be removed; it is empty then.
	if err := os.Remove(dir); err == nil {
		removed = true
	}
	return removed, kept, nil
}

// Remove sweeps the cache folder. Only one with the marker is touched.
func Remove(dir string, rules Rules) (removed bool, kept []Kept, err error) {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return false, nil, nil
	}
	if !marked(dir) {
		return false, []Kept{{dir, "it has no " + Marker + " of the pipeline's"}}, nil
	}
	rules.Known = Known
	rules.Last = append(slices.Clone(rules.Last), Marker)
	return Sweep(dir, rules)
}
