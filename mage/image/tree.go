package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
	"golang.org/x/sync/errgroup"
)

// kind is the part of a file's type and mode that goes into the key and to BuildKit.
type kind byte

const (
	folder     kind = 'd'
	plain      kind = 'f'
	executable kind = 'x'
	link       kind = 'l'
)

// entry is one file of a build context.
type entry struct {
	path   string // relative, with slashes
	kind   kind
	target string            // of a link
	sum    [sha256.Size]byte // of the bytes of a plain or executable file
}

// tree is a build context after its ignore file, for the key and for the build.
// BuildKit gets it through fs, without owners, time stamps, extended attributes and
// hard links; the mode says only whether the owner may execute the file. So umask and
// checkout do not change an image.
//
// On Windows every file counts as executable, as in BuildKit's client, and keys
// differ from the keys of other systems.
type tree struct {
	root     string
	excludes []string
	entries  []entry // sorted by path
}

// scan reads the context of src. Files are hashed as streams, several at once.
func scan(ctx context.Context, src Source) (*tree, error) {
	t := &tree{root: src.Context}
	var err error
	if t.excludes, err = excludes(src); err != nil {
		return nil, err
	}
	files, err := t.filtered(nil)
	if err != nil {
		return nil, fmt.Errorf("read build context %q: %w", t.root, err)
	}
	var problems []error
	err = files.Walk(ctx, "", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		stat := info.Sys().(*types.Stat)
		k, ok := kindOf(info.Mode())
		if !ok {
			problems = append(problems, fmt.Errorf("%s: not a file, folder or link: remove it or name it in .dockerignore", filepath.Join(t.root, path)))
			return nil
		}
		e := entry{path: filepath.ToSlash(path), kind: k}
		if k == link {
			e.target = filepath.ToSlash(stat.Linkname)
		}
		t.entries = append(t.entries, e)
		return nil
	})
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, fmt.Errorf("read build context %q: %w", t.root, err)
	}
	slices.SortFunc(t.entries, func(a, b entry) int { return strings.Compare(a.path, b.path) })
	if err := t.hash(ctx); err != nil {
		return nil, fmt.Errorf("read build context %q: %w", t.root, err)
	}
	return t, nil
}

func (t *tree) hash(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range t.entries {
		e := &t.entries[i]
		if e.kind != plain && e.kind != executable {
			continue
		}
		group.Go(func() error {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			f, err := os.Open(filepath.Join(t.root, filepath.FromSlash(e.path)))
			if err != nil {
				return err
			}
			defer f.Close()
			h := sha256.New()
			if _, err := io.Copy(h, interruptible{ctx, f}); err != nil {
				return err
			}
			h.Sum(e.sum[:0])
			return nil
		})
	}
	return group.Wait()
}

// interruptible is a reader that ends with its context.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}

// fs is the tree as BuildKit gets it. Files that were added after the scan are left
// out.
func (t *tree) fs() (fsutil.FS, error) {
	return t.filtered(func(path string, stat *types.Stat) fsutil.MapResult {
		path = filepath.ToSlash(path)
		i, ok := slices.BinarySearchFunc(t.entries, path, func(e entry, p string) int { return strings.Compare(e.path, p) })
		if !ok {
			return fsutil.MapResultExclude
		}
		e := t.entries[i]
		stat.Uid, stat.Gid, stat.Xattrs = 0, 0, nil
		stat.ModTime = e.time().UnixNano()
		switch e.kind {
		case folder:
			stat.Mode = uint32(fs.ModeDir | 0o755)
		case link:
			stat.Mode = uint32(fs.ModeSymlink | 0o777)
		case executable:
			stat.Mode, stat.Linkname = 0o755, ""
		case plain:
			stat.Mode, stat.Linkname = 0o644, ""
		}
		return fsutil.MapResultKeep
	})
}

// time replaces the file's time stamp. It depends on the bytes only: the output of
// tools that write it (Python's .pyc) is reproducible, and tools that compare it with
// an earlier build (a bundler's cache) notice every change. It is between 2000 and
// 2017.
func (e entry) time() time.Time {
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	return start.Add(time.Duration(binary.BigEndian.Uint32(e.sum[:4])>>3) * time.Second)
}

func (t *tree) filtered(rewrite fsutil.MapFunc) (fsutil.FS, error) {
	files, err := fsutil.NewFS(t.root)
	if err != nil {
		return nil, err
	}
	return fsutil.NewFilterFS(files, &fsutil.FilterOpt{ExcludePatterns: t.excludes, Map: rewrite})
}

func kindOf(mode fs.FileMode) (kind, bool) {
	switch {
	case mode.IsDir():
		return folder, true
	case mode&fs.ModeSymlink != 0:
		return link, true
	case mode.IsRegular() && mode&0o100 != 0:
		return executable, true
	case mode.IsRegular():
		return plain, true
	}
	return 0, false
}

// excludes are the patterns of <Dockerfile>.dockerignore, else of .dockerignore in the
// context, in BuildKit's order. Both may be missing. For a Go program they are its
// tests.
func excludes(src Source) ([]string, error) {
	if src.Program {
		return programTests, nil
	}
	for _, path := range []string{src.dockerfile() + ".dockerignore", filepath.Join(src.Context, ".dockerignore")} {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read ignore file: %w", err)
		}
		patterns, err := ignorefile.ReadAll(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("read ignore file %q: %w", path, err)
		}
		return patterns, nil
	}
	return nil, nil
}
