//go:build unix

package render_test

import (
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
)

// desk is the environment of the backup script: its folders, and scripts in the place
// of the programs that it calls.
type desk struct {
	dir  string
	env  map[string]string
	tool map[string]string // name → shell script
}

// newDesk returns a desk whose tools succeed.
func newDesk(t *testing.T) *desk {
	t.Helper()
	dir := t.TempDir()
	d := &desk{dir: dir, env: map[string]string{
		"PGHOST": "todo-postgresql", "PGPORT": "5432", "POSTGRES_USER": "todo", "POSTGRES_DB": "todo",
		"POSTGRES_PASSWORD_FILE": filepath.Join(dir, "password"), "BACKUPS": filepath.Join(dir, "backups"),
		"KEEP": "2", "TMPDIR": filepath.Join(dir, "tmp"), "NOW": "20260101T000000Z",
	}, tool: map[string]string{
		"date": `echo "$NOW"`, "sleep": "exit 0", "pg_isready": "exit 0", "pg_restore": "exit 0",
		"pg_dump": `for a; do case $a in --file=*) echo "dump of $PGDATABASE as $PGUSER" >"${a#--file=}" ;; esac; done`,
	}}
	for _, name := range []string{"backups", "tmp", "bin"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
	}
	require.NoError(t, os.WriteFile(d.env["POSTGRES_PASSWORD_FILE"], []byte("secret"), 0o600))
	return d
}

// script returns the script of the Job.
func script(t *testing.T) string {
	t.Helper()
	job := get[batchv1.Job](t, deployed(t, "staging"), "Job", "todo-postgresql-backup")
	return job.Spec.Template.Spec.Containers[0].Args[0]
}

func (d *desk) run(t *testing.T) (string, error) {
	t.Helper()
	for name, text := range d.tool {
		require.NoError(t, os.WriteFile(filepath.Join(d.dir, "bin", name), []byte("#!/bin/sh\n"+text+"\n"), 0o700))
	}
	command := exec.Command("sh", "-c", script(t))
	command.Env = []string{"PATH=" + filepath.Join(d.dir, "bin") + ":/usr/bin:/bin"}
	for key, value := range d.env {
		command.Env = append(command.Env, key+"="+value)
	}
	out, err := command.CombinedOutput()
	return string(out), err
}

func (d *desk) files(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(d.env["BACKUPS"])
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestBackupHasChecksumAndOldOnesAreRemoved(t *testing.T) {
	d := newDesk(t)
	for _, now := range []string{"20260101T000000Z", "20260102T000000Z", "20260103T000000Z"} {
		d.env["NOW"] = now
		out, err := d.run(t)
		require.NoError(t, err, out)
		assert.Contains(t, out, "backup: todo-"+now+".dump, 21 bytes")
	}
	assert.Equal(t, []string{
		"todo-20260102T000000Z.dump", "todo-20260102T000000Z.dump.sha256",
		"todo-20260103T000000Z.dump", "todo-20260103T000000Z.dump.sha256",
	}, d.files(t))
	check := exec.Command("sha256sum", "--check", "todo-20260103T000000Z.dump.sha256")
	check.Dir = d.env["BACKUPS"]
	out, err := check.CombinedOutput()
	require.NoError(t, err, string(out))
	info, err := os.Stat(filepath.Join(d.env["BACKUPS"], "todo-20260103T000000Z.dump"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "other users could read the data")
}

func TestFailedBackupNamesCauseAndKeepsGoodOnes(t *testing.T) {
	for name, tc := range map[string]struct{ tool, text, want string }{
		"no server":            {"pg_isready", "exit 2", "todo-postgresql:5432 takes no connections, so nothing was backed up"},
		"a dump that fails":    {"pg_dump", "exit 1", "pg_dump failed; the volume has "},
		"a full volume":        {"pg_dump", `for a; do case $a in --file=*) echo half >"${a#--file=}" ;; esac; done; exit 1`, "raise postgresql.backup.size"},
		"an unreadable dump":   {"pg_restore", "exit 1", "the new backup cannot be read back"},
		"a checksum that lies": {"sha256sum", `case $1 in --quiet) exit 1 ;; esac; echo "0  $1"`, "does not match after writing; check the volume"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			out, err := d.run(t)
			require.NoError(t, err, out)
			d.env["NOW"], d.env["KEEP"] = "20260102T000000Z", "1"
			d.tool[tc.tool] = tc.text
			out, err = d.run(t)
			require.Error(t, err)
			assert.Contains(t, out, "backup: ")
			assert.Contains(t, out, tc.want)
			assert.Contains(t, d.files(t), "todo-20260101T000000Z.dump")
			for _, file := range d.files(t) {
				assert.False(t, strings.HasSuffix(file, ".part"), file)
			}
		})
	}
}

func TestRestOfKilledBackupIsRemovedByNext(t *testing.T) {
	d := newDesk(t)
	require.NoError(t, os.WriteFile(filepath.Join(d.env["BACKUPS"], "todo-20250101T000000Z.dump.part"), []byte("half"), 0o600))
	out, err := d.run(t)
	require.NoError(t, err, out)
	assert.Equal(t, []string{"todo-20260101T000000Z.dump", "todo-20260101T000000Z.dump.sha256"}, d.files(t))
}

func TestPasswordIsPassedInFile(t *testing.T) {
	d := newDesk(t)
	require.NoError(t, os.WriteFile(d.env["POSTGRES_PASSWORD_FILE"], []byte(`a:b\c d'e`), 0o600))
	d.tool["pg_dump"] = `ls -l "$PGPASSFILE" | cut -c1-10; cat "$PGPASSFILE"; env | grep -F 'a:b' && exit 1; for a; do case $a in *a:b*) exit 1 ;; --file=*) : >"${a#--file=}" ;; esac; done`
	out, err := d.run(t)
	require.NoError(t, err, out)
	assert.Contains(t, out, "-rw-------\n")
	assert.Contains(t, out, `*:*:*:*:a\:b\\c d'e`+"\n", "escaped for libpq")
}

const postgresql = "/usr/lib/postgresql/15/bin"

// TestBackupRestoresData follows docs/chart.md on a real server.
func TestBackupRestoresData(t *testing.T) {
	if _, err := os.Stat(filepath.Join(postgresql, "initdb")); err != nil {
		t.Skipf("PostgreSQL 15 is not at %s; install the package postgresql-15 to run this test", postgresql)
	}
	d := newDesk(t)
	as := &syscall.SysProcAttr{}
	owned := []string{d.dir, d.env["BACKUPS"], d.env["TMPDIR"], d.env["POSTGRES_PASSWORD_FILE"]}
	d.dir, d.env = homeOf(t, d, as, owned)
	run := func(env map[string]string, text string) string {
		command := exec.Command("sh", "-euc", text)
		command.SysProcAttr, command.Dir = as, d.dir
		command.Env = []string{"PATH=" + postgresql + ":/usr/bin:/bin", "LANG=C.UTF-8"}
		for key, value := range env {
			command.Env = append(command.Env, key+"="+value)
		}
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s\n%s", text, out)
		return string(out)
	}
	delete(d.env, "NOW")
	d.env["PGHOST"], d.env["PGPORT"] = "127.0.0.1", freePort(t)
	run(d.env, `initdb -D data -U postgres --auth-local=trust --auth-host=scram-sha-256 >/dev/null
		pg_ctl -D data -w -l log -o "-p $PGPORT -c listen_addresses=127.0.0.1 -c unix_socket_directories=$PWD -c fsync=off" start >/dev/null
		psql -qX -h "$PWD" -U postgres -c "CREATE ROLE todo LOGIN PASSWORD 'secret'" -c 'CREATE DATABASE todo OWNER todo'`)
	t.Cleanup(func() { run(nil, "pg_ctl -D data -m immediate stop >/dev/null") })
	ask := func(sql string) string {
		return strings.TrimSpace(run(d.env, `PGPASSWORD=secret psql -qAtX -U todo -d todo -v ON_ERROR_STOP=1 -c "`+sql+`"`))
	}
	ask("CREATE TABLE task (id serial PRIMARY KEY, title text); INSERT INTO task (title) SELECT 'task ' || n FROM generate_series(1, 500) n")
	assert.Contains(t, run(d.env, script(t)), "backup: todo-"+time.Now().UTC().Format("2006"))

	ask("DELETE FROM task WHERE id > 3; CREATE TABLE of_a_later_release (x int)")
	// docs/chart.md, "Back to a backup".
	run(d.env, `cd "$BACKUPS"; sha256sum --check *.sha256; export PGPASSWORD=secret
		psql -qX -U todo -d todo -c 'DROP OWNED BY CURRENT_USER'
		pg_restore -U todo -d todo --no-owner --single-transaction *.dump`)
	assert.Equal(t, "500", ask("SELECT count(*) FROM task"))
	assert.Equal(t, "501", ask("INSERT INTO task (title) VALUES ('new') RETURNING id"))
	assert.Equal(t, "", ask("SELECT to_regclass('of_a_later_release')"))
}

// homeOf moves the desk to a folder of PostgreSQL's user, since PostgreSQL refuses root.
func homeOf(t *testing.T, d *desk, as *syscall.SysProcAttr, owned []string) (string, map[string]string) {
	t.Helper()
	if os.Getuid() != 0 {
		return d.dir, d.env
	}
	home, err := os.MkdirTemp("", "backup") // other users cannot read t.TempDir
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(home)) })
	nobody, err := user.Lookup("nobody")
	require.NoError(t, err)
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	require.NoError(t, err)
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	require.NoError(t, err)
	as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	require.NoError(t, os.CopyFS(home, os.DirFS(d.dir)))
	for _, path := range owned {
		moved := home + strings.TrimPrefix(path, d.dir)
		require.NoError(t, os.Chown(moved, int(uid), int(gid)))
	}
	env := map[string]string{}
	for key, value := range d.env {
		env[key] = strings.Replace(value, d.dir, home, 1)
	}
	return home, env
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}
