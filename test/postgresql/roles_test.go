//go:build unix

package postgresql_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Passwords of the three roles, with every character that quoting could break.
const (
	ownersPassword    = `o'w"n\er $$ er`
	frontendsPassword = `f'r''o\nt $$ end`
	backendsPassword  = `b''ac'k "e" nd`
)

// separated returns a server with separate roles for frontend and backend.
func (s *server) separated(t *testing.T) []string {
	t.Helper()
	s.password(t, "frontend", frontendsPassword)
	s.password(t, "backend", backendsPassword)
	return []string{
		"POSTGRES_FRONTEND_USER=todo_frontend", "POSTGRES_FRONTEND_PASSWORD_FILE=" + filepath.Join(s.dir, "frontend"),
		"POSTGRES_BACKEND_USER=todo_backend", "POSTGRES_BACKEND_PASSWORD_FILE=" + filepath.Join(s.dir, "backend"),
	}
}

// password writes a file like the one in the Secret's volume.
func (s *server) password(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(s.dir, name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	if s.as.Credential != nil {
		require.NoError(t, os.Chown(path, int(s.as.Credential.Uid), int(s.as.Credential.Gid)))
	}
}

// asks runs a query that must succeed.
func (s *server) asks(t *testing.T, role, password, sql string) string {
	t.Helper()
	got, err := s.query(sql, role, password)
	require.NoError(t, err, got)
	return got
}

// refused runs a query that must fail with a reason.
func (s *server) refused(t *testing.T, role, password, sql, reason string) {
	t.Helper()
	got, err := s.query(sql, role, password)
	require.Error(t, err, "%s may: %s", role, sql)
	assert.Contains(t, got, reason, "%s: %s", role, sql)
}

// bounded requires that both roles exist and can only log in.
func (s *server) bounded(t *testing.T) {
	t.Helper()
	for role, password := range map[string]string{"todo_frontend": frontendsPassword, "todo_backend": backendsPassword} {
		assert.Equal(t, "f|f|f|f|f|36", s.asks(t, role, password,
			"SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolconnlimit FROM pg_roles WHERE rolname = current_user"))
		assert.Equal(t, "0", s.asks(t, role, password, "SELECT count(*) FROM pg_auth_members WHERE member = current_user::regrole"))
		assert.Equal(t, "30s", s.asks(t, role, password, "SHOW statement_timeout"))
		for sql, reason := range map[string]string{
			"CREATE TABLE mine (n int)":                              "permission denied for schema public",
			"CREATE FUNCTION lower(varchar) RETURNS text RETURN 'x'": "permission denied for schema public",
			"CREATE SCHEMA mine":                                     "permission denied for database todo",
			"CREATE TEMPORARY TABLE mine (n int)":                    "permission denied to create temporary tables",
			"CREATE ROLE mine":                                       "permission denied to create role",
			"CREATE DATABASE mine":                                   "permission denied to create database",
			"SELECT rolpassword FROM pg_authid":                      "permission denied for table pg_authid",
			"SET temp_file_limit = '1GB'":                            "permission denied to set parameter",
			"SET ROLE todo":                                          "permission denied to set role",
			"COPY (SELECT 1) TO PROGRAM 'id'":                        "privileges of the pg_execute_server_program role",
			"ALTER ROLE " + role + " CONNECTION LIMIT 60":            "permission denied",
			"SELECT * FROM kept":                                     "permission denied for table kept",
			"INSERT INTO kept VALUES (1)":                            "permission denied for table kept",
			"DROP TABLE kept":                                        "must be owner of table kept",
			"CREATE TRIGGER t BEFORE INSERT ON kept EXECUTE FUNCTION suppress_redundant_updates_trigger()": "permission denied for table kept",
		} {
			s.refused(t, role, password, sql, reason)
		}
		for _, database := range []string{"postgres", "template1", "todo_replaced"} {
			out, err := s.queryIn(database, "SELECT 1", role, password)
			assert.Error(t, err, "%s connected to database %s", role, database)
			assert.Contains(t, out, "pg_hba.conf rejects connection")
		}
	}
}

const keep = "CREATE TABLE kept (n int); INSERT INTO kept VALUES (42); CREATE TABLE public.other (id serial PRIMARY KEY)"

func TestRolesOfNewClusterCanOnlyLogIn(t *testing.T) {
	t.Parallel()
	s := newServer(t, ownersPassword)
	stop, log := s.start(t, s.separated(t)...)
	s.asks(t, "todo", ownersPassword, keep)
	s.bounded(t)
	for _, password := range []string{ownersPassword, frontendsPassword, backendsPassword} {
		assert.NotContains(t, log.String(), password)
	}
	stop(syscall.SIGINT)
}

// state is everything that the entrypoint could change in a cluster.
func (s *server) state(t *testing.T) string {
	t.Helper()
	rules, err := os.ReadFile(filepath.Join(s.data(), "pg_hba.conf"))
	require.NoError(t, err)
	return string(rules) + s.asks(t, "todo", ownersPassword, `SELECT rolname, rolcanlogin, rolconnlimit, rolconfig FROM pg_roles ORDER BY rolname;
		SELECT datname, datdba::regrole, datacl FROM pg_database ORDER BY datname;
		SELECT relname, relowner::regrole, relacl FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY relname;
		SELECT setdatabase, setrole::regrole, setconfig FROM pg_db_role_setting ORDER BY setrole`)
}

func TestClusterOfEarlierReleaseGetsRolesAndKeepsData(t *testing.T) {
	t.Parallel()
	s := newServer(t, ownersPassword)
	stop, _ := s.start(t) // a release without roles
	s.asks(t, "todo", ownersPassword, keep)
	old := "local all postgres peer\nlocal all all scram-sha-256\nhost all postgres all reject\nhost all all all scram-sha-256\n"
	require.NoError(t, os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(old), 0o600))
	orphans := s.processes(t, ownersPassword)
	stop(syscall.SIGKILL) // the server replays its log before the roles are made
	waitGone(t, orphans)

	env := s.separated(t)
	stop, log := s.start(t, env...)
	assert.Equal(t, "42", s.asks(t, "todo", ownersPassword, "SELECT n FROM kept"))
	s.bounded(t)
	first := s.state(t)
	stop(syscall.SIGINT)

	// A changed password has no effect, as for the owner.
	s.password(t, "backend", "another")
	stop, _ = s.start(t, env...)
	assert.Equal(t, first, s.state(t), "a second start changed something")
	s.bounded(t)
	stop(syscall.SIGINT)

	// The earlier release serves the volume again and changes the role's tables.
	stop, _ = s.start(t)
	s.asks(t, "todo", ownersPassword, "ALTER TABLE kept ADD COLUMN m int; INSERT INTO kept VALUES (43)")
	stop(syscall.SIGINT)
	for _, password := range []string{ownersPassword, frontendsPassword, backendsPassword} {
		assert.NotContains(t, log.String(), password)
	}
}

func TestConnectionLimitOfRolesFollowsServer(t *testing.T) {
	t.Parallel()
	s := newServer(t, ownersPassword)
	s.arguments = []string{"-c", "max_connections=20", "-c", "log_statement=all"}
	stop, log := s.start(t, s.separated(t)...)
	assert.Equal(t, "12", s.asks(t, "todo_backend", backendsPassword, "SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user"))
	var open []*exec.Cmd
	for range 12 { // concurrent connections could make the server refuse several
		cmd := exec.Command(bin+"/psql", "-X", "-h", "127.0.0.1", "-p", s.port, "-U", "todo_backend", "-d", "todo", "-c", "SELECT pg_sleep(600)")
		cmd.Env = []string{"PGPASSWORD=" + backendsPassword, "PATH=/usr/bin:/bin"}
		require.NoError(t, cmd.Start())
		open = append(open, cmd)
	}
	defer func() {
		for _, cmd := range open {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}()
	// The owner counts them: a query of the role itself could take one of the twelve
	// connections.
	require.Eventually(t, func() bool {
		count, err := s.query("SELECT count(*) FROM pg_stat_activity WHERE usename = 'todo_backend'", "todo", ownersPassword)
		return err == nil && strings.TrimSpace(count) == "12"
	}, time.Minute, 50*time.Millisecond)
	s.refused(t, "todo_backend", backendsPassword, "SELECT 1", `too many connections for role "todo_backend"`)
	assert.Equal(t, "1", s.asks(t, "todo_frontend", frontendsPassword, "SELECT 1"), "the other role cannot connect")
	for _, password := range []string{ownersPassword, frontendsPassword, backendsPassword} {
		assert.NotContains(t, log.String(), password, "the log of a server that logs every statement contains a password")
	}
	stop(syscall.SIGINT)
}

// In a container the server is process 1, and so is the entrypoint's server before it:
// the lock file of a killed server then names the process that reads it.
func TestLockFileOfProcessOneIsIgnored(t *testing.T) {
	t.Parallel()
	s := newServer(t, ownersPassword)
	env := s.separated(t)
	stop, _ := s.start(t, env...)
	stop(syscall.SIGINT)
	s.before = `printf '%s\n' "$$" "$PGDATA" 1 "$PGPORT" "" "" >"$PGDATA/postmaster.pid"; `
	stop, log := s.start(t, env...)
	s.asks(t, "todo_backend", backendsPassword, "SELECT 1")
	assert.NotContains(t, log.String(), "could not be made")
	stop(syscall.SIGINT)
}

func TestServerStartsWithoutRolesThatHaveNoPassword(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"no password in": "", "has more than one line": "a\nb\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, ownersPassword)
			stop, _ := s.start(t)
			stop(syscall.SIGINT)
			env := s.separated(t)
			s.password(t, "backend", content)
			stop, log := s.start(t, env...)
			assert.Contains(t, log.String(), name)
			assert.Equal(t, "1", s.asks(t, "todo", ownersPassword, "SELECT 1"), "the owner cannot connect")
			assert.Equal(t, "1", s.asks(t, "todo_frontend", frontendsPassword, "SELECT 1"), "the role with a password cannot connect")
			s.refused(t, "todo_backend", "a", "SELECT 1", "password authentication failed")
			stop(syscall.SIGINT)

			s.password(t, "backend", backendsPassword)
			stop, _ = s.start(t, env...)
			s.asks(t, "todo_backend", backendsPassword, "SELECT 1")
			stop(syscall.SIGINT)
		})
	}
}

func TestInvalidRolesAreRefusedBeforeAnyChange(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ env, want string }{
		"one role for both":           {"POSTGRES_BACKEND_USER=todo_frontend", "are three roles"},
		"the owner as the backend":    {"POSTGRES_BACKEND_USER=todo", "are three roles"},
		"the superuser":               {"POSTGRES_FRONTEND_USER=postgres", "are three roles"},
		"a name that is none":         {`POSTGRES_BACKEND_USER=a"b`, "take a-z, 0-9 and _ only"},
		"one of two":                  {"POSTGRES_BACKEND_USER=", "POSTGRES_BACKEND_USER"},
		"no password on a new volume": {"POSTGRES_BACKEND_PASSWORD_FILE=/nowhere", "no password in /nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, ownersPassword)
			said := s.fails(t, append(s.separated(t), tc.env)...)
			assert.Contains(t, said, tc.want)
			assert.NoDirExists(t, s.data())
			assert.NotContains(t, said, ownersPassword)
		})
	}
}

// The application is unavailable while the pod starts, so the roles must not slow the
// start down.
func TestRolesAddLittleToStart(t *testing.T) {
	s := newServer(t, ownersPassword)
	env := s.separated(t)
	stop, _ := s.start(t, env...)
	stop(syscall.SIGINT)
	shortest := func(env ...string) time.Duration {
		best := time.Minute
		for range 3 {
			began := time.Now()
			stop, _ := s.start(t, env...)
			best = min(best, time.Since(began))
			stop(syscall.SIGINT)
		}
		return best
	}
	without, with := shortest(), shortest(env...)
	t.Logf("a start takes %v, and %v with roles", without.Round(time.Millisecond), with.Round(time.Millisecond))
	assert.Less(t, with-without, 300*time.Millisecond)
}
