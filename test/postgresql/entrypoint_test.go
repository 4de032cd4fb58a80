//go:build unix

package postgresql_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const bin = "/usr/lib/postgresql/15/bin"

// server is a database volume with its password file and port.
type server struct {
	dir  string
	port string
	env  []string
	as   *syscall.SysProcAttr

	arguments []string // more arguments of the entrypoint
	before    string   // shell commands of the process that becomes the entrypoint
}

// newServer skips the test without PostgreSQL. As root it uses the user "nobody",
// since PostgreSQL refuses root.
func newServer(t *testing.T, password string) *server {
	t.Helper()
	if _, err := os.Stat(filepath.Join(bin, "initdb")); err != nil {
		t.Skipf("PostgreSQL 15 is not at %s; install the package postgresql-15 to run this test", bin)
	}
	dir, err := os.MkdirTemp("", "entrypoint") // other users cannot read t.TempDir
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "password"), []byte(password), 0o600))
	// Reading the script makes go test's cache depend on it.
	entrypoint, err := os.ReadFile("../../images/postgresql/entrypoint")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "entrypoint"), entrypoint, 0o644))

	s := &server{dir: dir, as: &syscall.SysProcAttr{}}
	if os.Getuid() == 0 {
		uid, gid := nobody(t)
		s.as.Credential = &syscall.Credential{Uid: uid, Gid: gid}
		for _, file := range []string{dir, filepath.Join(dir, "password")} {
			require.NoError(t, os.Chown(file, int(uid), int(gid)))
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.port = strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	require.NoError(t, listener.Close())
	s.env = []string{
		"PATH=" + bin + ":/usr/bin:/bin", "LANG=C.UTF-8", "PG_MAJOR=15", "PGPORT=" + s.port,
		"PGDATA=" + s.data(), "POSTGRES_USER=todo", "POSTGRES_DB=todo",
		"POSTGRES_PASSWORD_FILE=" + filepath.Join(dir, "password"),
	}
	return s
}

func nobody(t *testing.T) (uid, gid uint32) {
	t.Helper()
	u, err := user.Lookup("nobody")
	require.NoError(t, err)
	id, err := strconv.ParseUint(u.Uid, 10, 32)
	require.NoError(t, err)
	group, err := strconv.ParseUint(u.Gid, 10, 32)
	require.NoError(t, err)
	return uint32(id), uint32(group)
}

func (s *server) data() string { return filepath.Join(s.dir, "pgdata") }

// command runs the entrypoint, which listens on loopback only.
func (s *server) command(log *buffer, env ...string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", "-c", s.before+`exec /bin/sh "$0" "$@"`, filepath.Join(s.dir, "entrypoint"),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+s.dir)
	cmd.Args = append(cmd.Args, s.arguments...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = s.dir, append(s.env, env...), s.as
	cmd.Stdout, cmd.Stderr = log, log
	return cmd
}

// buffer is a log that can be read while a process writes it.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start runs the entrypoint and waits until it takes connections; stop sends a signal
// and waits for the end.
func (s *server) start(t *testing.T, env ...string) (stop func(syscall.Signal), log *buffer) {
	t.Helper()
	log = &buffer{}
	cmd := s.command(log, env...)
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	stop = func(signal syscall.Signal) {
		_ = cmd.Process.Signal(signal)
		<-ended
	}
	t.Cleanup(func() { stop(syscall.SIGKILL) })
	require.Eventually(t, func() bool {
		select {
		case <-ended:
			return true
		default:
			return exec.Command(bin+"/pg_isready", "-q", "-h", "127.0.0.1", "-p", s.port).Run() == nil
		}
	}, 60*time.Second, 50*time.Millisecond, "no server; its log:\n%s", log)
	select {
	case <-ended:
		require.Fail(t, "the server ended", log.String())
	default:
	}
	return stop, log
}

// fails runs the entrypoint, which must fail, and returns its output.
func (s *server) fails(t *testing.T, env ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	log := &buffer{}
	cmd := s.command(log, env...)
	require.NoError(t, cmd.Start())
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	require.Error(t, cmd.Wait())
	require.NoError(t, ctx.Err(), "it must end by itself")
	return log.String()
}

func TestSecondServerOnVolumeIsRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t, "secret")
	stop, _ := s.start(t)
	first := s.processes(t, "secret")
	assert.Contains(t, s.fails(t, "PG_LOCK_SECONDS=1"), "another server still runs on "+s.data())

	log := &buffer{}
	second := s.command(log)
	require.NoError(t, second.Start())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = second.Wait() }()
	t.Cleanup(func() { _ = second.Process.Signal(syscall.SIGINT); <-ended })
	time.Sleep(300 * time.Millisecond)
	assert.Empty(t, log.String(), "the waiting server wrote to the log")
	stop(syscall.SIGKILL)
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "ready to accept connections") }, 60*time.Second, 50*time.Millisecond,
		"it starts once nothing of the first is left; its log:\n%s", log)
	waitGone(t, first)
}

func TestVolumeWithoutLocksIsRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t, "secret")
	fake := filepath.Join(s.dir, "bin")
	require.NoError(t, os.Mkdir(fake, 0o755))
	const refuses = "#!/bin/sh\necho 'flock: 9: No locks available' >&2\nexit 71\n"
	require.NoError(t, os.WriteFile(filepath.Join(fake, "flock"), []byte(refuses), 0o755))
	said := s.fails(t, "PATH="+fake+":"+bin+":/usr/bin:/bin")
	assert.Contains(t, said, "No locks available")
	assert.Contains(t, said, s.data()+" cannot be locked")
	assert.NoDirExists(t, s.data(), "a folder was made")
}

func (s *server) query(sql, role, password string) (string, error) {
	return s.queryIn("todo", sql, role, password)
}

func (s *server) queryIn(database, sql, role, password string) (string, error) {
	cmd := exec.Command(bin+"/psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", s.port, "-U", role, "-d", database, "-c", sql)
	cmd.Env = []string{"PGPASSWORD=" + password, "PATH=/usr/bin:/bin"}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestClusterIsMadeOnceAndSurvivesKillAndRestart(t *testing.T) {
	const password = `p"a'ss\ w$rd`
	t.Parallel()
	s := newServer(t, password+"\n")
	leftover := s.data() + ".new.killed"
	require.NoError(t, os.Mkdir(leftover, 0o755))

	stop, log := s.start(t)
	assert.NoDirExists(t, leftover, "the rest of a killed start was not removed")
	assert.NotContains(t, log.String(), password)
	for _, tc := range []struct{ sql, want string }{
		{"SELECT rolsuper FROM pg_roles WHERE rolname = current_user", "f"},
		{"SHOW data_checksums", "on"},
		{"SHOW server_encoding", "UTF8"},
		{"SHOW fsync", "on"},
		{"SHOW jit", "off"},
		{"CREATE TABLE kept (n int)", "CREATE TABLE"},
		{"INSERT INTO kept VALUES (42)", "INSERT 0 1"},
	} {
		got, err := s.query(tc.sql, "todo", password)
		require.NoError(t, err, got)
		assert.Equal(t, tc.want, got, tc.sql)
	}
	_, err := s.query("SELECT 1", "todo", "wrong")
	assert.Error(t, err, "a wrong password was accepted")
	out, err := s.query("SELECT 1", "postgres", "")
	assert.Error(t, err, "the superuser connected over the network")
	assert.Contains(t, out, "pg_hba.conf rejects")

	orphans := s.processes(t, password)
	stop(syscall.SIGKILL)
	waitGone(t, orphans)
	// A changed password has no effect, and wider file permissions are narrowed again.
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "password"), []byte("other"), 0o600))
	require.NoError(t, os.Chmod(s.data(), 0o770))
	stop, log = s.start(t)
	got, err := s.query("SELECT n FROM kept", "todo", password)
	require.NoError(t, err, got)
	assert.Equal(t, "42", got)
	assert.NotContains(t, log.String(), "initdb")

	stop(syscall.SIGINT)
	assert.Contains(t, log.String(), "database system is shut down")
}

// processes returns the processes of a running server.
func (s *server) processes(t *testing.T, password string) []int {
	t.Helper()
	out, err := s.query("SELECT pid FROM pg_stat_activity", "todo", password)
	require.NoError(t, err, out)
	var pids []int
	for line := range strings.Lines(out) {
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		require.NoError(t, err)
		pids = append(pids, pid)
	}
	return pids
}

// waitGone waits until the child processes of a killed server have ended; a new server
// does not start earlier. In a container they end together.
func waitGone(t *testing.T, pids []int) {
	t.Helper()
	require.Eventually(t, func() bool {
		return !slices.ContainsFunc(pids, func(pid int) bool { return syscall.Kill(pid, 0) == nil })
	}, 30*time.Second, 20*time.Millisecond)
}

func TestInterruptedInitIsRepeated(t *testing.T) {
	t.Parallel()
	s := newServer(t, "secret")
	log := &buffer{}
	cmd := s.command(log)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as.Credential, Setpgid: true}
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool {
		made, _ := filepath.Glob(s.data() + ".new.*/PG_VERSION")
		return len(made) > 0
	}, 30*time.Second, time.Millisecond)
	require.NoError(t, syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL))
	_ = cmd.Wait()
	require.NoDirExists(t, s.data())

	stop, _ := s.start(t)
	got, err := s.query("SELECT 1", "todo", "secret")
	require.NoError(t, err, got)
	left, err := filepath.Glob(s.data() + ".new.*")
	require.NoError(t, err)
	assert.Empty(t, left)
	stop(syscall.SIGINT)
}

func TestUnusableFolderIsRefusedAndUnchanged(t *testing.T) {
	t.Parallel()
	t.Run("files of another kind", func(t *testing.T) {
		s := newServer(t, "secret")
		precious := filepath.Join(s.data(), "precious")
		require.NoError(t, os.Mkdir(s.data(), 0o755))
		require.NoError(t, os.WriteFile(precious, []byte("x"), 0o644))
		assert.Contains(t, s.fails(t), "holds files but no cluster")
		assert.FileExists(t, precious)
	})
	t.Run("cluster of another version", func(t *testing.T) {
		s := newServer(t, "secret")
		require.NoError(t, os.Mkdir(s.data(), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(s.data(), "PG_VERSION"), []byte("14\n"), 0o644))
		assert.Contains(t, s.fails(t), "was made by PostgreSQL 14 and this is 15")
	})
	for name, tc := range map[string]struct{ password, env, want string }{
		"no password":             {"", "A=b", "no password in"},
		"a password of two lines": {"a\nb\n", "A=b", "more than one line"},
		"invalid role name":       {"secret", `POSTGRES_USER=a"b`, "take a-z, 0-9 and _ only"},
		"a reserved role":         {"secret", "POSTGRES_USER=postgres", "already exists"},
		"no database name":        {"secret", "POSTGRES_DB=", "POSTGRES_DB"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, tc.password)
			said := s.fails(t, tc.env)
			assert.Contains(t, said, tc.want)
			assert.NoDirExists(t, s.data())
			assert.NotContains(t, said, "secret", "the log contains the password")
		})
	}
}
