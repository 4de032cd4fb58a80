package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A backup is restored into a second database, while the application uses the first.
// After the content is checked, the two databases swap their names in one
// transaction. A restore that fails or is killed before the swap leaves the data
// unchanged. Tables of a later schema do not remain, as they would with
// pg_restore --clean. The volume needs room for both databases for a while.

// Tables are the tables that every backup of the application contains: Alembic's
// version table, the tables of the backend, and those of Better Auth, which the
// frontend creates.
var Tables = []string{"alembic_version", "task", "conversation", "message", "user", "session", "account", "verification"}

// Contents describes a restored backup.
type Contents struct {
	Tables    []string
	Revisions []string // of the backend's schema, in the backup
}

// Load restores a checked archive into a second database and describes its content.
// It logs in as the owner of the application's database with password, so that the
// archive gets no more rights than the application has. The second database stays
// until Swap or Forget.
func (d *Database) Load(ctx context.Context, a Archive, password string) (Contents, error) {
	var found Contents
	s, err := d.server(ctx)
	if err != nil {
		return found, err
	}
	stdin, args, err := a.open(password + "\n")
	if err != nil {
		return found, fmt.Errorf("restore backup %q: %w", a, err)
	}
	defer stdin.Close()
	lines, err := d.run(ctx, s.container, stdin, script("load", args...))
	if err != nil {
		return found, fmt.Errorf("restore backup %q into a second database (the application's database is unchanged): %w", a, nodeDisk.explain(err))
	}
	for _, line := range lines {
		if table, is := strings.CutPrefix(line, "table "); is {
			found.Tables = append(found.Tables, table)
		}
		if revision, is := strings.CutPrefix(line, "revision "); is {
			found.Revisions = append(found.Revisions, revision)
		}
	}
	return found, nil
}

// Fits refuses contents of another application, or with a schema that the backend
// does not know. known lists the revisions that the backend knows; it migrates an
// older schema when it starts.
func (c Contents) Fits(backup string, known []string) error {
	var missing []string
	for _, table := range Tables {
		if !slices.Contains(c.Tables, table) {
			missing = append(missing, table)
		}
	}
	if len(missing) > 0 {
		return &Refused{Backup: backup, Why: "it is not a backup of this application: it has no table " + strings.Join(missing, ", "),
			Fix: "choose another one from `mage db:list`"}
	}
	for _, revision := range c.Revisions {
		if !slices.Contains(known, revision) {
			return &Refused{Backup: backup,
				Why: fmt.Sprintf("its schema has revision %s, and the backend knows only %s", revision, strings.Join(known, ", ")),
				Fix: "deploy the application version of the backup or a later one, and restore again"}
		}
	}
	return nil
}

// Swap makes the database from Load the application's database, and keeps the former
// one until Forget or the next Swap. It ends all connections to both.
func (d *Database) Swap(ctx context.Context) error {
	s, err := d.server(ctx)
	if err != nil {
		return err
	}
	if _, err := d.run(ctx, s.container, nil, script("swap")); err != nil {
		return fmt.Errorf("replace database %q with the restored one (nothing was changed): %w", s.database, err)
	}
	return nil
}

// Second names a second database, next to the application's.
type Second string

// The second databases of a restore.
const (
	Restored Second = "aside"    // Load creates it
	Replaced Second = "replaced" // Swap keeps it
)

// Forget drops a second database if it exists.
func (d *Database) Forget(ctx context.Context, which Second) error {
	s, err := d.server(ctx)
	if err != nil {
		return err
	}
	if _, err := d.run(ctx, s.container, nil, script("forget", string(which))); err != nil {
		return fmt.Errorf("drop a second database of %q: %w", s.database, err)
	}
	return nil
}

// ErrNoBackend is the error for a release without a running backend.
var ErrNoBackend = errors.New("no backend is running")

// revisions prints the known revisions with the backend's own code. It needs no
// database.
const revisions = `from app.core import schema; print(*schema.lineage(), "` + lastLine + `", sep="\n")`

// Revisions returns the schema revisions that the running backend knows. Without a
// running backend the error is ErrNoBackend.
func (d *Database) Revisions(ctx context.Context) ([]string, error) {
	pods, err := d.client.CoreV1().Pods(d.namespace).List(ctx, metav1.ListOptions{LabelSelector: d.selector(backendName)})
	if err != nil {
		return nil, fmt.Errorf("look for the backend of release %q: %w", d.release, err)
	}
	for _, pod := range pods.Items {
		// The backend need not be ready: a restore may repair the database that it needs.
		runs := slices.ContainsFunc(pod.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool {
			return s.Name == backendName && s.State.Running != nil
		})
		if pod.DeletionTimestamp != nil || !runs {
			continue
		}
		known, err := d.run(ctx, Container{Namespace: d.namespace, Pod: pod.Name, Name: backendName}, nil, []string{"python", "-c", revisions})
		if err != nil {
			return nil, fmt.Errorf("ask pod %q for its schema revisions: %w", pod.Name, err)
		}
		slices.Sort(known)
		return known, nil
	}
	return nil, ErrNoBackend
}

var revision = regexp.MustCompile(`(?m)^revision(?:\s*:[^=\n]+)?\s*=\s*["']([^"']+)["']`)

// RevisionsIn returns the revisions of a folder of migration scripts.
func RevisionsIn(dir string) ([]string, error) {
	scripts, err := fs.Glob(os.DirFS(dir), "*.py")
	if err != nil {
		return nil, err
	}
	var known []string
	for _, name := range scripts {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		if found := revision.FindSubmatch(text); found != nil {
			known = append(known, string(found[1]))
		}
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("read migrations: folder %q contains none", dir)
	}
	slices.Sort(known)
	return known, nil
}
