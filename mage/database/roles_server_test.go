//go:build unix

package database

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// opens reports whether a role can log in with a password.
func (p *realPod) opens(t *testing.T, role, password string) bool {
	t.Helper()
	command := p.command(t.Context(), "psql", "-qAtX", "-U", role, "-d", "todo", "-c", "SELECT 1")
	command.Env = append(slices.Clone(p.env), "PGPASSWORD="+password)
	return command.Run() == nil
}

var newPasswords = Passwords{Owner: "k9-NEW_owner", Frontend: "k9-NEW_frontend", Backend: "k9-NEW_backend"}

func TestSetPasswordsNeedsNoOldPasswordAndLogsNone(t *testing.T) {
	p, d, _ := realDatabase(t)
	require.NoError(t, d.SetPasswords(t.Context(), newPasswords))
	for role, password := range map[string]string{"todo": newPasswords.Owner, "todo_frontend": newPasswords.Frontend, "todo_backend": newPasswords.Backend} {
		assert.True(t, p.opens(t, role, password), role)
		assert.False(t, p.opens(t, role, "secret"), role)
	}
	log, err := os.ReadFile(filepath.Join(p.dir, "log"))
	require.NoError(t, err)
	assert.Contains(t, string(log), `ALTER ROLE todo PASSWORD 'SCRAM-SHA-256$4096:`)
	assert.NotContains(t, string(log), "k9-NEW")
	assert.NotContains(t, fmt.Sprintf("%v %+v %s", newPasswords, newPasswords, newPasswords), "k9-NEW")

	require.NoError(t, d.SetPasswords(t.Context(), Passwords{Owner: "again"}))
	assert.True(t, p.opens(t, "todo", "again"))
	assert.True(t, p.opens(t, "todo_backend", newPasswords.Backend), "a password that is not given does not change")
}

func TestSetPasswordsChangesAllRolesOrNone(t *testing.T) {
	p, d, _ := realDatabase(t)
	lines, err := newPasswords.lines()
	require.NoError(t, err)
	for n := range strings.Count(lines, "\n") { // the input of a connection that ends early
		cut := strings.Join(strings.SplitAfter(lines, "\n")[:n], "")
		_, err := d.run(t.Context(), Container{Name: serverName}, strings.NewReader(cut), script("password"))
		require.Error(t, err, "%d lines", n)
		assert.ErrorContains(t, err, "the connection ended before all passwords arrived")
	}
	broken := strings.Replace(lines, "end\n", "backend 'x\nend\n", 1)
	_, err = d.run(t.Context(), Container{Name: serverName}, strings.NewReader(broken), script("password"))
	require.Error(t, err)
	for _, role := range []string{"todo", "todo_frontend", "todo_backend"} {
		assert.True(t, p.opens(t, role, "secret"), role)
	}
}

func TestSetPasswordsSkipsRolesThatDoNotExist(t *testing.T) {
	p, d, _ := realDatabase(t)
	env := p.env
	defer func() { p.env = env }()
	p.env = append(slices.Clone(env), "POSTGRES_FRONTEND_USER=not_there", "POSTGRES_BACKEND_USER=")
	require.NoError(t, d.SetPasswords(t.Context(), newPasswords))
	assert.True(t, p.opens(t, "todo", newPasswords.Owner))
	assert.True(t, p.opens(t, "todo_frontend", "secret"))
}

// A backup contains no privileges, because its roles may be missing later. A backup
// that a person made with privileges is restored without them.
func TestPrivilegesAreNeitherSavedNorRestored(t *testing.T) {
	p, d, _ := realDatabase(t)
	p.must(t, `psql -qX -U postgres -c 'CREATE ROLE gone'`)
	p.ask(t, `GRANT SELECT ON task TO gone, todo_backend`)
	path, err := d.Save(t.Context(), Folder(t.TempDir()), "")
	require.NoError(t, err)
	p.must(t, `pg_dump -U postgres --format=custom todo >"$BACKUPS/todo-20260101T000000Z.dump"
		cd "$BACKUPS" && sha256sum *.dump >todo-20260101T000000Z.dump.sha256
		psql -qX -U postgres -d todo -c 'DROP OWNED BY gone' -c 'DROP ROLE gone'`)
	before := p.rows(t)
	text := p.must(t, `pg_restore --file=- "$BACKUPS/todo-20260101T000000Z.dump"`)
	require.Contains(t, text, "GRANT SELECT ON TABLE public.task TO gone", "the backup must contain a grant")
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.NotContains(t, string(content), "GRANT SELECT")

	for _, a := range []Archive{{Path: path}, {Name: "todo-20260101T000000Z.dump"}} {
		require.NoError(t, d.Check(t.Context(), a))
		_, err = d.Load(t.Context(), a, "secret")
		require.NoError(t, err)
		require.NoError(t, d.Swap(t.Context()))
		assert.Equal(t, before, p.rows(t))
		assert.Equal(t, "f", p.ask(t, "SELECT has_table_privilege('todo_backend', 'task', 'SELECT')"), "the migration grants it later")
		assert.Equal(t, "f", p.ask(t, "SELECT has_database_privilege('todo_backend', 'todo', 'TEMP')"))
		assert.Equal(t, "todo", p.ask(t, "SELECT string_agg(DISTINCT tableowner, ',') FROM pg_tables WHERE schemaname = 'public'"))
	}
}
