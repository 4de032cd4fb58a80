// Package cache is the cache folder: which folder may be used, how the pipeline
// recognises it, and how it is emptied without removing other people's files. The
// packages that write the cached files decide their contents.
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

// Marker is the file that marks the pipeline's cache folder. It is a cache
// directory tag (https://bford.info/cachedir/), so that backup programs skip the
// folder.
const Marker = "CACHEDIR.TAG"

const mark = `Signature: 8a477f597d28d172789f06886806bc55
# The pipeline of todo-chatbot made this folder and keeps here what it makes
# once. "mage clean:all" removes what the pipeline put into it.
`

// folders and files are the names of the pipeline's own entries. A package that
// adds an entry adds its name here.
var (
	folders = []string{"bin", "builds", "engine", "go", "images", "pulled", "python", "rootfs"}
	files   = regexp.MustCompile(`^(` + strings.Join([]string{
		regexp.QuoteMeta(Marker), `apt\.lock`,
		`cluster-[a-z0-9-]+\.lock(\.holder)?`,
		`(kind|minikube)-[a-z0-9-]+\.kubeconfig(\.lock|\.[0-9]+)?`,
	}, "|") + `)$`)
	// unique are the files that no other program creates. They identify a cache
	// folder of a version that wrote no marker.
	unique = regexp.MustCompile(`^(apt\.lock|cluster-[a-z0-9-]+\.lock|(kind|minikube)-[a-z0-9-]+\.kubeconfig)$`)
)

// Known tells whether the pipeline creates entries of this name and type. It
// never creates symbolic links.
func Known(entry fs.DirEntry) bool {
	switch {
	case entry.IsDir():
		return slices.Contains(folders, entry.Name())
	case entry.Type().IsRegular():
		return files.MatchString(entry.Name())
	}
	return false
}

// Refused says why a folder cannot be the cache folder, and gives a fix.
type Refused struct{ Folder, Why, Fix string }

func (r *Refused) Error() string {
	return fmt.Sprintf("%q cannot be the cache folder: %s: %s", r.Folder, r.Why, r.Fix)
}

const anotherFolder = "use a folder that does not exist yet, or an empty folder"

// Check refuses a folder whose removal would remove other files: the root, the
// home folder, the project, a folder that contains one of these, and a folder
// with entries that the pipeline did not create. A folder that does not exist is
// accepted. Check follows symbolic links and changes nothing.
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
			return &Refused{dir, fmt.Sprintf("it contains %s (%s)", what, path), anotherFolder}
		}
	}
	return checkContents(dir)
}

// checkContents refuses a folder without a marker that contains entries which the
// pipeline does not create.
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
		recognised = recognised || entry.Type().IsRegular() && unique.MatchString(entry.Name())
		if entry.Name() == "lost+found" { // of a file system's own root
			recognised = recognised || len(entries) == 1
		} else if !Known(entry) || entry.Name() == Marker {
			foreign = append(foreign, entry.Name())
		}
	}
	switch {
	case len(foreign) > 0:
		return &Refused{dir, "it contains " + some(foreign) + ", which the pipeline did not create", anotherFolder + ", or move your files to another folder"}
	case !recognised:
		return &Refused{dir, "the pipeline did not create it, and it is not empty", anotherFolder}
	}
	return nil
}

// Make creates the folder where it is missing, and marks it. It refuses the same
// contents as Check.
func Make(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create cache folder %q: %w", dir, err)
	}
	if marked(dir) {
		return nil
	}
	if err := checkContents(dir); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(dir, Marker), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil // another run has just created it
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

// marked tells whether the folder has the marker. It waits up to 100 ms for a
// marker that another run is writing.
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

// resolved replaces the symbolic links in the existing part of a path.
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

// some joins the first three names and counts the others.
func some(names []string) string {
	const few = 3
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}

// reason removes the path from a file error, because the message has it already.
func reason(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}
