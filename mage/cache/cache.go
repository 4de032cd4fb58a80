// Package cache is the folder in which the pipeline keeps what it makes once:
// which folder may be it, how it is known as the pipeline's own, and how it is
// emptied without touching what somebody else put there. What the folders in it
// hold is the business of the packages that fill them.
package cache

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Marker is the file by which the folder is known as the pipeline's own. It is
// also a cache directory tag (https://bford.info/cachedir/), so that programs
// that back up a home folder leave the caches out.
const Marker = "CACHEDIR.TAG"

const mark = `Signature: 8a477f597d28d172789f06886806bc55
# The pipeline of todo-chatbot made this folder and keeps here what it makes
# once. "mage clean:all" removes what the pipeline put into it.
`

// folders and files are what the pipeline itself puts into the folder. A package
// that begins to keep something there adds its name here.
var (
	folders = []string{"bin", "builds", "engine", "go", "images", "pulled", "python", "rootfs"}
	files   = regexp.MustCompile(`^(` + strings.Join([]string{
		regexp.QuoteMeta(Marker), `apt\.lock`,
		`cluster-[a-z0-9-]+\.lock(\.holder)?`,
		`(kind|minikube)-[a-z0-9-]+\.kubeconfig(\.lock|\.[0-9]+)?`,
	}, "|") + `)$`)
	// telling are the files that no other program's folder has: by them a cache
	// is recognised that was made before there were markers.
	telling = regexp.MustCompile(`^(apt\.lock|cluster-[a-z0-9-]+\.lock|(kind|minikube)-[a-z0-9-]+\.kubeconfig)$`)
)

// Known tells whether an entry of the folder is one that the pipeline makes. A
// symbolic link is none, whatever its name.
func Known(entry fs.DirEntry) bool {
	switch {
	case entry.IsDir():
		return slices.Contains(folders, entry.Name())
	case entry.Type().IsRegular():
		return files.MatchString(entry.Name())
	}
	return false
}

// Refused says why a folder cannot be the cache, and what to do.
type Refused struct{ Folder, Why, Cure string }

func (r *Refused) Error() string {
	return fmt.Sprintf("%q cannot be the cache folder: %s: %s", r.Folder, r.Why, r.Cure)
}

const anotherFolder = "name a folder that does not exist yet, or an empty one"

// Check refuses a folder whose removal would take something else with it: one
// that is or holds the root, the home folder or the project, and one with
// contents that the pipeline did not make. It follows symbolic links and
// changes nothing; a folder that does not exist is fine.
func Check(dir, project string) error {
	real := resolved(dir)
	if filepath.Dir(real) == real {
		return &Refused{dir, "it is the root of the file system", anotherFolder}
	}
	protected := map[string]string{"the project": project}
	if home, err := os.UserHomeDir(); err == nil && home != "" {
		protected["your home folder"] = home
	}
	for _, what := range []string{"your home folder", "the project"} {
		path, given := protected[what]
		if !given {
			continue
		}
		switch below, err := filepath.Rel(real, resolved(path)); {
		case err != nil: // on another volume
		case below == ".":
			return &Refused{dir, "it is " + what, anotherFolder}
		case below != ".." && !strings.HasPrefix(below, ".."+string(filepath.Separator)):
			return &Refused{dir, fmt.Sprintf("it holds %s (%s)", what, path), anotherFolder}
		}
	}
	return checkContents(dir)
}

// checkContents refuses a folder that has no marker and holds what the pipeline
// does not make.
func checkContents(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &Refused{dir, fmt.Sprintf("it cannot be read (%v)", reason(err)), anotherFolder}
	case marked(dir):
		return nil
	}
	var foreign []string
	recognised := len(entries) == 0
	for _, entry := range entries {
		recognised = recognised || entry.Type().IsRegular() && telling.MatchString(entry.Name())
		if entry.Name() == "lost+found" { // of a file system's own root
			recognised = recognised || len(entries) == 1
		} else if !Known(entry) || entry.Name() == Marker {
			foreign = append(foreign, entry.Name())
		}
	}
	switch {
	case len(foreign) > 0:
		return &Refused{dir, "it holds " + some(foreign) + ", which the pipeline did not make", anotherFolder + ", or move what is yours out of it"}
	case !recognised:
		return &Refused{dir, "it was not made by the pipeline, and is not empty", anotherFolder}
	}
	return nil
}

// Make makes the folder, unless it is there, and marks it as the pipeline's own.
// What Check says of contents holds here too.
func Make(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make cache folder: %w", err)
	}
	if marked(dir) {
		return nil
	}
	if err := checkContents(dir); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(dir, Marker), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil // another run has just made it
	}
	if err == nil {
		_, err = file.WriteString(mark)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return fmt.Errorf("mark cache folder %q: %w", dir, err)
	}
	return nil
}

// marked tells whether the folder has the marker. One that another run has begun
// to write is waited for.
func marked(dir string) bool {
	for range 5 {
		text, err := os.ReadFile(filepath.Join(dir, Marker))
		if err != nil || !strings.HasPrefix(mark, string(text)) {
			return err == nil && bytes.HasPrefix(text, []byte(mark))
		}
		if len(text) == len(mark) {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

// resolved is a path without symbolic links, as far as it exists.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	above := filepath.Dir(path)
	if above == path {
		return path
	}
	return filepath.Join(resolved(above), filepath.Base(path))
}

// some names the first few.
func some(names []string) string {
	const few = 3
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}

// reason is a file error without the path, which the message names already.
func reason(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}
