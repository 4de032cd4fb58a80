//go:build unix

package database

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const programs = "/usr/lib/postgresql/15/bin"

// realPod implements Shell with a PostgreSQL server of this machine. This machine's
// sh runs the scripts with the environment of the server's pod.
type realPod struct {
	dir string
	env []string
	as  *syscall.SysProcAttr
}

// shared starts one server for all tests, because a start takes seconds.
var shared = sync.OnceValues(startServer)

func TestMain(m *testing.M) {
	code := m.Run()
	if _, err := os.Stat(filepath.Join(programs, "initdb")); err == nil {
		if p, err := shared(); err == nil {
			_ = p.command(context.Background(), "pg_ctl", "-m", "immediate", "stop").Run()
			_ = os.RemoveAll(p.dir)
		}
	}
	os.Exit(code)
}

// startServer starts a server with the entrypoint of the image. PostgreSQL refuses to
// run as root, so root runs it as the user postgres, which the socket authenticates
// with "peer". For other users, a rule of the test trusts the name postgres.
func startServer() (*realPod, error) {
	dir, err := os.MkdirTemp("", "database") // t.TempDir is not readable by other users, and its path is too long for a socket
	if err != nil {
		return nil, err
	}
	p := &realPod{dir: dir, as: &syscall.SysProcAttr{}, env: []string{
		"PATH=" + programs + ":/usr/bin:/bin", "LANG=C.UTF-8", "TMPDIR=" + dir, "PGHOST=" + dir, "PGPORT=5432", "PG_MAJOR=15",
		"POSTGRES_USER=todo", "POSTGRES_DB=todo", "POSTGRES_PASSWORD_FILE=" + filepath.Join(dir, "password"),
		"POSTGRES_FRONTEND_USER=todo_frontend", "POSTGRES_FRONTEND_PASSWORD_FILE=" + filepath.Join(dir, "password"),
		"POSTGRES_BACKEND_USER=todo_backend", "POSTGRES_BACKEND_PASSWORD_FILE=" + filepath.Join(dir, "password"),
		"BACKUPS=" + filepath.Join(dir, "backups"), "PGDATA=" + filepath.Join(dir, "data"),
	}}
	entrypoint, err := os.ReadFile("../../images/postgresql/entrypoint")
	if err != nil {
		return nil, err
	}
	rules := "local all postgres trust\nlocal all all scram-sha-256\n"
	for name, content := range map[string]string{"entrypoint": string(entrypoint), "password": "secret", "rules": rules} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return nil, err
		}
	}
	more := "-c hba_file=" + filepath.Join(dir, "rules")
	if os.Getuid() == 0 {
		more = ""
		if err := p.become("postgres"); err != nil {
			return nil, err
		}
	}
	// The redirection detaches the server, which outlives the shell that starts it.
	out, err := p.command(context.Background(), "sh", "-euc", `sh entrypoint -c listen_addresses= -c unix_socket_directories="$PGHOST" \
			-c fsync=off -c log_statement=all `+more+` >>log 2>&1 &
		tries=0
		until pg_isready -q; do tries=$((tries + 1)); [ "$tries" -lt 600 ] || { cat log; exit 1; }; sleep 0.1; done`).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return p, nil
}

// become runs the server as a user of this machine, who then owns the folder.
func (p *realPod) become(name string) error {
	one, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, uidErr := strconv.Atoi(one.Uid)
	gid, gidErr := strconv.Atoi(one.Gid)
	p.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return errors.Join(uidErr, gidErr, os.Chown(p.dir, uid, gid))
}

// newRealPod resets the server to an empty database and an empty volume. Without
// PostgreSQL it skips the test.
func newRealPod(t *testing.T) *realPod {
	t.Helper()
	if _, err := os.Stat(filepath.Join(programs, "initdb")); err != nil {
		t.Skipf("skip: PostgreSQL 15 is not in %s; install the package postgresql-15", programs)
	}
	p, err := shared()
	require.NoError(t, err)
	p.must(t, `rm -rf "$BACKUPS" "$TMPDIR"/tmp.*; mkdir "$BACKUPS"; : >log
		for name in todo todo_restore todo_replaced other; do dropdb -U postgres --force --if-exists "$name" 2>/dev/null; done
		psql -qX -U postgres -c 'DROP ROLE IF EXISTS gone' -c 'CREATE DATABASE todo OWNER todo'
		for name in todo todo_frontend todo_backend; do psql -qX -U postgres -c "ALTER ROLE $name PASSWORD 'secret'"; done`)
	return p
}

func (p *realPod) command(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Dir, command.Env, command.SysProcAttr = p.dir, p.env, p.as
	return command
}

func (p *realPod) Run(ctx context.Context, in Container, command []string, stdin io.Reader, stdout io.Writer) error {
	if in.Name != serverName {
		return errors.New("there is no such container")
	}
	var said bytes.Buffer
	run := p.command(ctx, command...)
	run.Stdin, run.Stdout, run.Stderr = stdin, stdout, &said
	err := run.Run()
	if exit, is := errors.AsType[*exec.ExitError](err); is {
		return &Exit{Status: exit.ExitCode(), Stderr: said.String()}
	}
	return err
}

// must runs shell commands, which must succeed.
func (p *realPod) must(t *testing.T, text string) string {
	t.Helper()
	out, err := p.command(context.WithoutCancel(t.Context()), "sh", "-euc", text).CombinedOutput()
	require.NoError(t, err, "%s\n%s", text, out)
	return strings.TrimSpace(string(out))
}

// ask runs SQL as the owner of the database.
func (p *realPod) ask(t *testing.T, sql string) string {
	t.Helper()
	return p.must(t, `PGPASSWORD=secret psql -qAtX -U todo -d todo -v ON_ERROR_STOP=1 <<'SQL'
`+sql+`
SQL`)
}

// fill creates the application's tables, and rows with special characters.
func (p *realPod) fill(t *testing.T) {
	t.Helper()
	var sql strings.Builder
	for _, table := range Tables {
		if table != "alembic_version" && table != "task" {
			sql.WriteString(`CREATE TABLE "` + table + `" (id text PRIMARY KEY);` + "\n")
		}
	}
	p.ask(t, sql.String()+`CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0001');
CREATE TABLE task (id serial PRIMARY KEY, title text NOT NULL, done boolean DEFAULT false, at timestamptz DEFAULT now());
INSERT INTO task (title) SELECT 'task ' || n || E' \t "quoted" \\ ñ 漢\n' || md5(n::text) FROM generate_series(1, 2000) n;
INSERT INTO "user" VALUES ('ada'), ('bob');`)
}

// rows returns all rows of the application's tables.
func (p *realPod) rows(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, table := range Tables {
		all.WriteString(`SELECT to_jsonb(r) FROM "` + table + `" r ORDER BY to_jsonb(r)::text;` + "\n")
	}
	return p.ask(t, all.String())
}

// realDatabase returns a filled Database on a real server, and a backup of it.
func realDatabase(t *testing.T) (*realPod, *Database, string) {
	t.Helper()
	p := newRealPod(t)
	p.fill(t)
	d := over(t, p)
	path, err := d.Save(t.Context(), Folder(t.TempDir()), "")
	require.NoError(t, err)
	return p, d, path
}

func TestRestoreBringsBackEveryRow(t *testing.T) {
	p, d, path := realDatabase(t)
	before := p.rows(t)
	check := exec.Command("sha256sum", "--check", "--quiet", filepath.Base(path)+sumSuffix)
	check.Dir = filepath.Dir(path)
	out, err := check.CombinedOutput()
	require.NoError(t, err, string(out))

	p.ask(t, `DELETE FROM task WHERE id > 3; UPDATE task SET title = 'changed'; INSERT INTO "user" VALUES ('eve');
		CREATE TABLE of_a_later_release (id int); UPDATE alembic_version SET version_num = '0002'`)
	changed := p.rows(t)
	a := Archive{Path: path}
	require.NoError(t, d.Check(t.Context(), a))
	contents, err := d.Load(t.Context(), a, "secret")
	require.NoError(t, err)
	assert.ElementsMatch(t, Tables, contents.Tables)
	assert.Equal(t, []string{"0001"}, contents.Revisions)
	assert.NoError(t, contents.Fits("it", []string{"0001"}))
	assert.Equal(t, changed, p.rows(t), "the data does not change before the swap")

	require.NoError(t, d.Swap(t.Context()))
	assert.Equal(t, before, p.rows(t))
	assert.Equal(t, "2001", p.ask(t, "INSERT INTO task (title) VALUES ('new') RETURNING id"), "sequences continue")
	assert.Empty(t, p.ask(t, "SELECT to_regclass('of_a_later_release')"))
	assert.Equal(t, "todo", p.ask(t, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'todo'"))
	assert.Equal(t, "todo,todo_replaced", p.databases(t))
	require.NoError(t, d.Forget(t.Context(), Replaced))
	require.NoError(t, d.Forget(t.Context(), Restored), "a missing database is not an error")
	assert.Equal(t, "todo", p.databases(t))
	assert.Empty(t, p.must(t, `find "$TMPDIR" -maxdepth 1 -name 'tmp.*'`), "no password is left in a file")
}

func (p *realPod) databases(t *testing.T) string {
	t.Helper()
	return p.ask(t, "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database WHERE datname LIKE 'todo%'")
}

func TestLoadReplacesTheDatabaseOfAKilledRestore(t *testing.T) {
	p, d, path := realDatabase(t)
	before := p.rows(t)
	for range 2 { // the first restore is killed after the load, the second after the swap
		_, err := d.Load(t.Context(), Archive{Path: path}, "secret")
		require.NoError(t, err)
	}
	require.NoError(t, d.Swap(t.Context()))
	_, err := d.Load(t.Context(), Archive{Path: path}, "secret")
	require.NoError(t, err)
	require.NoError(t, d.Swap(t.Context()))
	assert.Equal(t, before, p.rows(t))
	assert.Equal(t, "todo,todo_replaced", p.databases(t))
}

func TestSwapEndsOpenConnections(t *testing.T) {
	p, d, path := realDatabase(t)
	session := p.command(t.Context(), "sh", "-c", "PGPASSWORD=secret exec psql -qAtX -U todo -d todo -c 'SELECT pg_sleep(600)'")
	require.NoError(t, session.Start())
	ended := make(chan error, 1)
	go func() { ended <- session.Wait() }()
	for p.ask(t, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'") == "0" {
	}
	_, err := d.Load(t.Context(), Archive{Path: path}, "secret")
	require.NoError(t, err)
	require.NoError(t, d.Swap(t.Context()))
	assert.Error(t, <-ended)
}

func TestSwapWithoutLoadChangesNothing(t *testing.T) {
	p, d, _ := realDatabase(t)
	before := p.rows(t)
	err := d.Swap(t.Context())
	require.Error(t, err)
	assert.ErrorContains(t, err, `database "todo_restore" does not exist`)
	assert.Equal(t, before, p.rows(t))
	assert.Equal(t, "todo", p.databases(t))
}

// The checksum of the truncated backup is right, so only PostgreSQL can find the error.
func TestCheckRefusesTruncatedBackups(t *testing.T) {
	p, d, path := realDatabase(t)
	before := p.rows(t)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, share := range []float64{0, 0.001, 0.05, 0.2, 0.5, 0.9, 0.99} {
		cut := filepath.Join(t.TempDir(), "cut.dump")
		require.NoError(t, save(cut, func(w io.Writer) error {
			_, err := w.Write(whole[:int(share*float64(len(whole)))])
			return err
		}, func(string) error { return nil }))
		err := d.Check(t.Context(), Archive{Path: cut})
		refused, is := errors.AsType[*Refused](err)
		require.True(t, is, "cut at %v: %v", share, err)
		assert.Contains(t, refused.Why, "pg_restore: error: ")
		_, err = d.Load(t.Context(), Archive{Path: cut}, "secret")
		require.Error(t, err, "cut at %v", share)
	}
	assert.Equal(t, before, p.rows(t))
}

func TestFilesThatAreNotBackupsAreRefused(t *testing.T) {
	p, d, _ := realDatabase(t)
	before := p.rows(t)
	for name, content := range map[string]string{
		"text":  "Dear Bob,\n" + strings.Repeat("how are you?\n", 100),
		"SQL":   p.must(t, "PGPASSWORD=secret pg_dump -U todo -d todo"),
		"empty": "",
	} {
		path := filepath.Join(t.TempDir(), "foreign.dump")
		require.NoError(t, save(path, func(w io.Writer) error {
			_, err := io.WriteString(w, content)
			return err
		}, func(string) error { return nil }))
		_, is := errors.AsType[*Refused](d.Check(t.Context(), Archive{Path: path}))
		assert.True(t, is, name)
	}
	p.must(t, `createdb -U postgres -O todo other
		PGPASSWORD=secret psql -qX -U todo -d other -c 'CREATE TABLE film (title text)'
		pg_dump -U postgres --format=custom other >"$BACKUPS/other-20260101T000000Z.dump"
		cd "$BACKUPS" && sha256sum other-20260101T000000Z.dump >other-20260101T000000Z.dump.sha256`)
	other := Archive{Name: "other-20260101T000000Z.dump"}
	require.NoError(t, d.Check(t.Context(), other), "it is a complete backup")
	contents, err := d.Load(t.Context(), other, "secret")
	require.NoError(t, err)
	assert.Equal(t, Contents{Tables: []string{"film"}}, contents)
	assert.ErrorContains(t, contents.Fits(other.Name, []string{"0001"}), "it has no table alembic_version, task, ")
	assert.Equal(t, before, p.rows(t))
}

func TestLoadWithAWrongPasswordChangesNothing(t *testing.T) {
	p, d, path := realDatabase(t)
	before := p.rows(t)
	_, err := d.Load(t.Context(), Archive{Path: path}, "wr:ong\\")
	require.Error(t, err)
	assert.ErrorContains(t, err, "password authentication failed")
	assert.NotContains(t, err.Error(), "wr:ong")
	assert.Equal(t, before, p.rows(t))
}

func TestBackupsOfTheHookAreListedAndRestored(t *testing.T) {
	p, d, _ := realDatabase(t)
	before := p.rows(t)
	hook, err := os.ReadFile("../../helm/todo-chatbot/charts/postgresql/files/backup.sh")
	require.NoError(t, err)
	password := filepath.Join(p.dir, "password")
	require.NoError(t, os.WriteFile(password, []byte("secret"), 0o644))
	p.must(t, "export KEEP=3 POSTGRES_PASSWORD_FILE="+password+"\n"+string(hook))
	p.must(t, `cd "$BACKUPS"; echo torn >torn.dump; echo 0 >torn.dump.sha256; echo bare >bare.dump; echo half >half.dump.part`)

	all, err := d.Volume(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 3)
	sums := map[string]Sum{}
	var made Backup
	for _, b := range all {
		sums[b.Name] = b.Sum
		assert.Equal(t, InVolume, b.Place)
		if b.Sum == SumOK {
			made = b
		}
	}
	assert.Equal(t, map[string]Sum{"torn.dump": SumWrong, "bare.dump": SumMissing, made.Name: SumOK}, sums)
	at, named := begun(made.Name)
	assert.True(t, named, made.Name)
	assert.Equal(t, at, made.Time)

	p.ask(t, "DELETE FROM task")
	a := Archive{Name: made.Name}
	require.NoError(t, d.Check(t.Context(), a))
	_, err = d.Load(t.Context(), a, "secret")
	require.NoError(t, err)
	require.NoError(t, d.Swap(t.Context()))
	assert.Equal(t, before, p.rows(t))
}
