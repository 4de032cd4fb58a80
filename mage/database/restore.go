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

// A backup is restored into a database of its own, beside the application's,
// which serves meanwhile. Only when all of it is there and is what it should be
// do the two exchange their names, in one transaction. So a restore that fails,
// or is killed, at any point before leaves the data as it was, and nothing of a
// later schema stays behind, as it would under pg_restore --clean. It takes the
// room of both for a while, as a restore in one transaction would.

// Tables are those that every backup of the application has: Alembic's mark, the
// backend's tables, and Better Auth's, which the frontend makes.
var Tables = []string{"alembic_version", "task", "conversation", "message", "user", "session", "account", "verification"}

// Contents is what a backup was found to hold when it was restored beside.
type Contents struct {
	Tables    []string
	Revisions []string // of the backend's schema
}

// Load restores a checked archive beside the application's database and says what
// it holds. The password is the role's: a backup is run with no more rights than
// the application has. What it makes stays until Swap or Forget.
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
	lines, err := d.tell(ctx, s.container, stdin, script("load", args...))
	if err != nil {
		return found, fmt.Errorf("restore backup %q into a database of its own (the application's is as it was): %w", a, nodeDisk.explain(err))
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

// Fits refuses contents that are not the application's, or of a schema that the
// backend does not know. known are the revisions that it knows; it migrates an
// older one to its own when it starts.
func (c Contents) Fits(backup string, known []string) error {
	var missing []string
	for _, table := range Tables {
		if !slices.Contains(c.Tables, table) {
			missing = append(missing, table)
		}
	}
	if len(missing) > 0 {
		return &Refused{Backup: backup, Why: "it is no backup of this application: it has no table " + strings.Join(missing, ", "),
			Cure: "`mage db:list` names those that are"}
	}
	for _, revision := range c.Revisions {
		if !slices.Contains(known, revision) {
			return &Refused{Backup: backup,
				Why:  fmt.Sprintf("its schema is at %s, which the backend does not know (it knows %s)", revision, strings.Join(known, ", ")),
				Cure: "deploy the release that the backup is of, or a later one, and restore then"}
		}
	}
	return nil
}

// Swap puts the database that Load made in the application's place. The one that
// was there is kept beside it until Forget or the next Swap. Nobody may need the
// database meanwhile: who is connected is disconnected.
func (d *Database) Swap(ctx context.Context) error {
	s, err := d.server(ctx)
	if err != nil {
		return err
	}
	if _, err := d.tell(ctx, s.container, nil, script("swap")); err != nil {
		return fmt.Errorf("put the restored database in the place of %q, of which nothing was changed: %w", s.database, err)
	}
	return nil
}

// Beside names a database that a restore makes beside the application's.
type Beside string

// The databases of a restore.
const (
	Restored Beside = "aside"    // what Load makes
	Replaced Beside = "replaced" // what Swap keeps
)

// Forget drops a database beside the application's; none there is no error.
func (d *Database) Forget(ctx context.Context, which Beside) error {
	s, err := d.server(ctx)
	if err != nil {
		return err
	}
	if _, err := d.tell(ctx, s.container, nil, script("forget", string(which))); err != nil {
		return fmt.Errorf("remove a database that a restore made beside %q: %w", s.database, err)
	}
	return nil
}

// ErrNoBackend says that no backend runs that could be asked.
var ErrNoBackend = errors.New("no backend runs")

// revisions asks the backend's own code; it takes nothing but the scripts' text.
const revisions = `from app.core import schema; print(*schema.lineage(), "` + lastLine + `", sep="\n")`

// Revisions are those of the schema that the running backend knows, or ErrNoBackend.
func (d *Database) Revisions(ctx context.Context) ([]string, error) {
	pods, err := d.client.CoreV1().Pods(d.namespace).List(ctx, metav1.ListOptions{LabelSelector: d.selector(backendName)})
	if err != nil {
		return nil, fmt.Errorf("look for the backend of release %q: %w", d.release, err)
	}
	for _, pod := range pods.Items {
		// It need not be ready: a database in disorder is when one restores.
		runs := slices.ContainsFunc(pod.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool {
			return s.Name == backendName && s.State.Running != nil
		})
		if pod.DeletionTimestamp != nil || !runs {
			continue
		}
		known, err := d.tell(ctx, Container{Namespace: d.namespace, Pod: pod.Name, Name: backendName}, nil, []string{"python", "-c", revisions})
		if err != nil {
			return nil, fmt.Errorf("ask pod %q which schemas it knows: %w", pod.Name, err)
		}
		slices.Sort(known)
		return known, nil
	}
	return nil, ErrNoBackend
}

var revision = regexp.MustCompile(`(?m)^revision(?:\s*:[^=\n]+)?\s*=\s*["']([^"']+)["']`)

// RevisionsIn are those of a folder of migration scripts.
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
		return nil, fmt.Errorf("folder %q holds no migrations", dir)
	}
	slices.Sort(known)
	return known, nil
}
