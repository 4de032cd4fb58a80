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

// realPod is a PostgreSQL of this machine behind Shell: the scripts run by this
// machine's sh, with the environment that they have in the server's pod.
type realPod struct {
	dir string
	env []string
	as  *syscall.SysProcAttr
}

// shared is the one server of these tests: to make one takes seconds.
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

// startServer makes a server by the image's own entrypoint. PostgreSQL refuses
// root, who becomes the user that the pod's is called: postgres, which the socket
// knows by "peer". Anyone else is let in as that by a rule of the test's.
func startServer() (*realPod, error) {
	dir, err := os.MkdirTemp("", "database") // t.TempDir is closed to other users, and too long for a socket
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
	// The last words are of the server, which outlives the shell that starts it.
	out, err := p.command(context.Background(), "sh", "-euc", `sh entrypoint -c listen_addresses= -c unix_socket_directories="$PGHOST" \
			-c fsync=off -c log_statement=all `+more+` >>log 2>&1 &
		tries=0
		until pg_isready -q; do tries=$((tries + 1)); [ "$tries" -lt 600 ] || { cat log; exit 1; }; sleep 0.1; done`).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return p, nil
}

// become makes a user of this machine the pod's, and the folder theirs.
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

// newRealPod is the server with an empty database, a role and an empty volume. It
// skips where there is no PostgreSQL.
func newRealPod(t *testing.T) *realPod {
	t.Helper()
	if _, err := os.Stat(filepath.Join(programs, "initdb")); err != nil {
		t.Skipf("PostgreSQL 15 is not at %s; install the package postgresql-15 to run this test", programs)
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

// must runs shell commands that have to succeed.
func (p *realPod) must(t *testing.T, text string) string {
	t.Helper()
	out, err := p.command(context.WithoutCancel(t.Context()), "sh", "-euc", text).CombinedOutput()
	require.NoError(t, err, "%s\n%s", text, out)
	return strings.TrimSpace(string(out))
}

// ask runs SQL as the application does.
func (p *realPod) ask(t *testing.T, sql string) string {
	t.Helper()
	return p.must(t, `PGPASSWORD=secret psql -qAtX -U todo -d todo -v ON_ERROR_STOP=1 <<'SQL'
`+sql+`
SQL`)
}

// fill makes the application's tables, and rows with all that a dump could break.
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

// rows is everything in the application's tables.
func (p *realPod) rows(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, table := range Tables {
		all.WriteString(`SELECT to_jsonb(r) FROM "` + table + `" r ORDER BY to_jsonb(r)::text;` + "\n")
	}
	return p.ask(t, all.String())
}

// realDatabase is a Database on a real server, filled, and a backup of it.
func realDatabase(t *testing.T) (*realPod, *Database, string) {
	t.Helper()
	p := newRealPod(t)
	p.fill(t)
	d := over(t, p)
	path, err := d.Save(t.Context(), Folder(t.TempDir()), "")
	require.NoError(t, err)
	return p, d, path
}

func TestABackupRestoresEveryRow(t *testing.T) {
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
	assert.Equal(t, changed, p.rows(t), "the application's data is as it was until the swap")

	require.NoError(t, d.Swap(t.Context()))
	assert.Equal(t, before, p.rows(t))
	assert.Equal(t, "2001", p.ask(t, "INSERT INTO task (title) VALUES ('new') RETURNING id"), "numbers go on")
	assert.Empty(t, p.ask(t, "SELECT to_regclass('of_a_later_release')"))
	assert.Equal(t, "todo", p.ask(t, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'todo'"))
	assert.Equal(t, "todo,todo_replaced", p.databases(t))
	require.NoError(t, d.Forget(t.Context(), Replaced))
	require.NoError(t, d.Forget(t.Context(), Restored), "none there is no error")
	assert.Equal(t, "todo", p.databases(t))
	assert.Empty(t, p.must(t, `find "$TMPDIR" -maxdepth 1 -name 'tmp.*'`), "no password is left in a file")
}

func (p *realPod) databases(t *testing.T) string {
	t.Helper()
	return p.ask(t, "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database WHERE datname LIKE 'todo%'")
}

func TestARestoreAfterOneThatWasKilledStartsAnew(t *testing.T) {
	p, d, path := realDatabase(t)
	before := p.rows(t)
	for range 2 { // the first is killed after the load, the second after the swap
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

func TestTheSwapDisconnectsWhoIsStillThere(t *testing.T) {
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

func TestASwapWithoutALoadChangesNothing(t *testing.T) {
	p, d, _ := realDatabase(t)
	before := p.rows(t)
	err := d.Swap(t.Context())
	require.Error(t, err)
	assert.ErrorContains(t, err, `database "todo_restore" does not exist`)
	assert.Equal(t, before, p.rows(t))
	assert.Equal(t, "todo", p.databases(t))
}

// A backup that was cut off anywhere is noticed, even with a checksum that fits.
func TestACutBackupIsRefusedWhereverItWasCut(t *testing.T) {
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

func TestForeignFilesAreRefusedAndSayWhatTheyAre(t *testing.T) {
	p, d, _ := realDatabase(t)
	before := p.rows(t)
	for name, content := range map[string]string{
		"a text":  "Dear Bob,\n" + strings.Repeat("how are you?\n", 100),
		"SQL":     p.must(t, "PGPASSWORD=secret pg_dump -U todo -d todo"),
		"nothing": "",
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
	require.NoError(t, d.Check(t.Context(), other), "it is a whole backup")
	contents, err := d.Load(t.Context(), other, "secret")
	require.NoError(t, err)
	assert.Equal(t, Contents{Tables: []string{"film"}}, contents)
	assert.ErrorContains(t, contents.Fits(other.Name, []string{"0001"}), "it has no table alembic_version, task, ")
	assert.Equal(t, before, p.rows(t))
}

func TestAPasswordThatIsNotTheRolesStopsTheRestoreBeforeIt(t *testing.T) {
	p, d, path := realDatabase(t)
	before := p.rows(t)
	_, err := d.Load(t.Context(), Archive{Path: path}, "wr:ong\\")
	require.Error(t, err)
	assert.ErrorContains(t, err, "password authentication failed")
	assert.NotContains(t, err.Error(), "wr:ong")
	assert.Equal(t, before, p.rows(t))
}

// The hook's own script makes what this package reads.
func TestTheHooksBackupsAreListedAndRestored(t *testing.T) {
	p, d, _ := realDatabase(t)
	before := p.rows(t)
	hook, err := os.ReadFile("../../helm/todo-chatbot/charts/postgresql/files/backup.sh")
	require.NoError(t, err)
	password := filepath.Join(p.dir, "password")
	require.NoError(t, os.WriteFile(password, []byte("secret"), 0o644))
	p.must(t, "export KEEP=3 POSTGRES_PASSWORD_FILE="+password+"\n"+string(hook))
	p.must(t, `cd "$BACKUPS"; echo torn >torn.dump; echo 0 >torn.dump.sha256; echo bare >bare.dump; echo half >half.dump.part`)

	all, there, err := d.Volume(t.Context())
	require.NoError(t, err)
	require.True(t, there)
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
