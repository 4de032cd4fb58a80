package engine

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/host"
)

// TestMain makes this program a fake process that runs until it is interrupted.
func TestMain(m *testing.M) {
	if os.Getenv("ENGINE_TEST_FAKE_PROCESS") != "" {
		time.Sleep(time.Minute)
		return
	}
	os.Exit(m.Run())
}

// nobody returns an address at which nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return "tcp://" + listener.Addr().String()
}

// onlyPrograms sets PATH to a folder that holds the given shell scripts only.
func onlyPrograms(t *testing.T, scripts map[string]string) {
	t.Helper()
	if len(scripts) > 0 && runtime.GOOS == "windows" {
		t.Skip("the fake programs are shell scripts")
	}
	bin := t.TempDir()
	for name, body := range scripts {
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755))
	}
	t.Setenv("PATH", bin)
}

// dockerContext is a docker command whose current context has this address.
func dockerContext(address string) map[string]string {
	return map[string]string{"docker": `[ "$1 $2 $3" = "context inspect --format" ] && echo "` + address + `"`}
}

func TestFindPrefersDockerHostToContext(t *testing.T) {
	d, address := newDaemon(t)
	d.info["CgroupVersion"] = "1"
	onlyPrograms(t, dockerContext(nobody(t)))
	t.Setenv("DOCKER_HOST", address)
	found, err := Find(context.Background())
	require.NoError(t, err)
	defer found.Client.Close()
	assert.Equal(t, address, found.Host)
	assert.True(t, found.CgroupV1)
}

func TestFindUsesCurrentDockerContext(t *testing.T) {
	d, address := newDaemon(t)
	d.info["CgroupVersion"] = "2"
	onlyPrograms(t, dockerContext(address))
	t.Setenv("DOCKER_HOST", "")
	found, err := Find(context.Background())
	require.NoError(t, err)
	defer found.Client.Close()
	assert.Equal(t, address, found.Host)
	assert.False(t, found.CgroupV1)
	assert.Equal(t, "1.41", found.Client.ClientVersion(), "the version is negotiated")
}

func TestAddressFallsBackToDockerDefault(t *testing.T) {
	t.Setenv("DOCKER_HOST", "")
	for name, scripts := range map[string]map[string]string{
		"no docker command":               {},
		"docker command without contexts": {"docker": "echo unknown command >&2; exit 1"},
		"docker command without output":   {"docker": "echo"},
	} {
		t.Run(name, func(t *testing.T) {
			onlyPrograms(t, scripts)
			assert.Equal(t, client.DefaultDockerHost, address(context.Background()))
		})
	}
}

func TestFindNamesHostAndFixWhereNothingAnswers(t *testing.T) {
	silent := nobody(t)
	t.Setenv("DOCKER_HOST", silent)
	_, err := Find(context.Background())
	var absent *Absent
	require.ErrorAs(t, err, &absent)
	assert.Equal(t, silent, absent.Host)
	assert.Error(t, absent.Cause)
	for _, want := range []string{"no container engine answers at " + silent, "start Docker", "https://docs.docker.com/engine/install/"} {
		assert.ErrorContains(t, err, want)
	}
}

func TestFindRefusesInvalidAddress(t *testing.T) {
	t.Setenv("DOCKER_HOST", "localhost")
	_, err := Find(context.Background())
	require.Error(t, err)
	assert.ErrorContains(t, err, `container engine address "localhost"`)
	assert.ErrorContains(t, err, "check DOCKER_HOST")
	var absent *Absent
	assert.NotErrorAs(t, err, &absent, "a new engine does not help")
}

func TestEnsureStartsNothingWhereDockerHostIsSet(t *testing.T) {
	t.Setenv("DOCKER_HOST", nobody(t))
	onlyPrograms(t, nil)
	cache := t.TempDir()
	_, err := Ensure(context.Background(), Options{Cache: cache, Confirm: func(string) bool {
		t.Error("the user is asked")
		return false
	}})
	var absent *Absent
	require.ErrorAs(t, err, &absent)
	assert.NoFileExists(t, pidPath(cache))
}

func TestEnsureAsksBeforeInstallingOrStarting(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("Ensure starts engines on Linux as root only")
	}
	for name, c := range map[string]struct{ dockerd, question string }{
		"not installed": {"", "No container engine is installed. Install Debian's docker.io and start it"},
		"installed":     {"exit 1", "No container engine runs. Start Docker Engine"},
	} {
		t.Run(name, func(t *testing.T) {
			scripts := dockerContext(nobody(t))
			scripts["apt-get"] = "exit 1"
			if c.dockerd != "" {
				scripts["dockerd"] = c.dockerd
			}
			onlyPrograms(t, scripts)
			t.Setenv("DOCKER_HOST", "")
			cache, asked := t.TempDir(), ""
			_, err := Ensure(context.Background(), Options{Cache: cache, Apt: host.Apt{Lock: filepath.Join(cache, "lock")}, Confirm: func(question string) bool {
				asked = question
				return false
			}})
			var absent *Absent
			require.ErrorAs(t, err, &absent)
			assert.Equal(t, c.question, asked)
			assert.NoFileExists(t, pidPath(cache))
		})
	}
}

func TestFailedStartReportsLastLogLine(t *testing.T) {
	t.Setenv("DOCKER_HOST", nobody(t))
	for name, c := range map[string]struct {
		log  string
		want []string
	}{
		"log with a reason": {"time=1 level=info msg=starting\nfailed to start daemon: iptables not found\n", []string{`is "failed to start daemon: iptables not found"`}},
		"full disk":         {"failed to start daemon: mkdir /var/lib/docker/x: no space left on device\n", []string{"the disk of the container engine is full (/var/lib/docker, ", "`docker system prune`"}},
		"no log":            {"", []string{`is ""`}},
	} {
		t.Run(name, func(t *testing.T) {
			cache := t.TempDir()
			require.NoError(t, os.MkdirAll(filepath.Dir(logPath(cache)), 0o755))
			require.NoError(t, os.WriteFile(logPath(cache), []byte(c.log), 0o644))
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			defer cancel()
			_, err := awaitStart(ctx, Options{Cache: cache})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			for _, want := range append(c.want, logPath(cache)) {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

// fakeDaemon starts a process with these arguments, of which the first is its
// name, and notes it as the daemon of cache. It closes ended when the process
// ends.
func fakeDaemon(t *testing.T, cache string, args ...string) (pid int, ended chan struct{}) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("Ensure starts daemons on Linux only")
	}
	self, err := os.Executable()
	require.NoError(t, err)
	process := &exec.Cmd{Path: self, Args: args, Env: append(os.Environ(), "ENGINE_TEST_FAKE_PROCESS=1")}
	require.NoError(t, process.Start())
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		_ = process.Wait()
	}()
	t.Cleanup(func() {
		_ = process.Process.Kill()
		<-ended
	})
	require.Eventually(t, func() bool { // the kernel sets the arguments after Start has returned
		arguments, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(process.Process.Pid), "cmdline"))
		return err == nil && len(arguments) > 0
	}, 10*time.Second, time.Millisecond)
	note(t, cache, strconv.Itoa(process.Process.Pid))
	return process.Process.Pid, ended
}

func note(t *testing.T, cache, pid string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(pidPath(cache)), 0o755))
	require.NoError(t, os.WriteFile(pidPath(cache), []byte(pid), 0o644))
}

func lives(ended chan struct{}) bool {
	select {
	case <-ended:
		return false
	case <-time.After(150 * time.Millisecond):
		return true
	}
}

func TestStopEndsNotedDaemon(t *testing.T) {
	for name, answers := range map[string]bool{"idle": true, "not listening": false} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DOCKER_HOST", nobody(t))
			listens := nobody(t)
			if answers {
				var d *daemon
				d, listens = newDaemon(t)
				d.containers["ended"] = &box{}
			}
			cache := t.TempDir()
			pid, ended := fakeDaemon(t, cache, "/usr/sbin/dockerd", "--host", listens)
			stopped, kept, err := Stop(context.Background(), cache)
			require.NoError(t, err)
			assert.Equal(t, fmt.Sprintf("container engine (process %d)", pid), stopped)
			assert.Empty(t, kept)
			assert.False(t, lives(ended))
			assert.NoFileExists(t, pidPath(cache))
		})
	}
}

func TestStopKeepsDaemonWithRunningContainers(t *testing.T) {
	d, listens := newDaemon(t)
	d.containers["another"] = &box{running: true}
	d.containers["a second one"] = &box{running: true}
	t.Setenv("DOCKER_HOST", nobody(t))
	cache := t.TempDir()
	pid, ended := fakeDaemon(t, cache, "dockerd", "--host", listens, "--add-runtime", "restricted=wrapper")
	stopped, kept, err := Stop(context.Background(), cache)
	require.NoError(t, err)
	assert.Empty(t, stopped)
	assert.Equal(t, fmt.Sprintf("container engine (process %d): containers run on it: a second one, another", pid), kept)
	assert.True(t, lives(ended))
	assert.FileExists(t, pidPath(cache), "a later run can still stop it")
}

func TestStopAsksItsOwnDaemonWhicheverEngineIsCurrent(t *testing.T) {
	for name, c := range map[string]struct{ ownRuns, otherRuns bool }{
		"own idle, other busy": {false, true},
		"own busy, other idle": {true, false},
	} {
		t.Run(name, func(t *testing.T) {
			own, listens := newDaemon(t)
			own.containers["one"] = &box{running: c.ownRuns}
			other, address := newDaemon(t)
			other.containers["one"] = &box{running: c.otherRuns}
			onlyPrograms(t, dockerContext(address))
			for _, named := range []string{address, ""} { // by DOCKER_HOST, by the current context
				t.Setenv("DOCKER_HOST", named)
				cache := t.TempDir()
				_, ended := fakeDaemon(t, cache, "dockerd", "--host", listens)
				stopped, kept, err := Stop(context.Background(), cache)
				require.NoError(t, err)
				assert.Equal(t, c.ownRuns, kept != "", kept)
				assert.Equal(t, !c.ownRuns, stopped != "", stopped)
				assert.Equal(t, c.ownRuns, lives(ended))
			}
		})
	}
}

func TestCancelledStopEndsNothing(t *testing.T) {
	d, listens := newDaemon(t)
	d.containers["another"] = &box{running: true}
	cache := t.TempDir()
	_, ended := fakeDaemon(t, cache, "dockerd", "--host", listens)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	stopped, kept, err := Stop(ctx, cache)
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, stopped+kept)
	assert.True(t, lives(ended))
}

func TestStopIgnoresProcessesThatItDidNotStart(t *testing.T) {
	for name, args := range map[string][]string{
		"another program":               {"database", "--serve"},
		"dockerd among the arguments":   {"editor", "/usr/sbin/dockerd", "--read-only"},
		"dockerd as last argument":      {"pidof", "dockerd"},
		"name that begins with dockerd": {"/usr/bin/dockerd-rootless-setuptool"},
		"file of dockerd as argument":   {"pager", "/etc/dockerd.conf"},
		"dockerd of the system":         {"/usr/bin/dockerd", "-H", "fd://", "--containerd=/run/containerd/containerd.sock"},
		"dockerd without arguments":     {"/usr/bin/dockerd"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DOCKER_HOST", nobody(t))
			cache := t.TempDir()
			_, ended := fakeDaemon(t, cache, args...)
			stopped, kept, err := Stop(context.Background(), cache)
			require.NoError(t, err)
			assert.Empty(t, stopped+kept)
			assert.True(t, lives(ended))
		})
	}
}

func TestStopDoesNothingWithoutNotedDaemon(t *testing.T) {
	t.Setenv("DOCKER_HOST", nobody(t))
	for name, noted := range map[string]string{"no note": "", "not a number": "soon", "ended process": "4194399"} {
		t.Run(name, func(t *testing.T) {
			cache := t.TempDir()
			if noted != "" {
				note(t, cache, noted)
			}
			stopped, kept, err := Stop(context.Background(), cache)
			require.NoError(t, err)
			assert.Empty(t, stopped+kept)
		})
	}
}

// silent returns an address at which a listener never answers.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	return "tcp://" + listener.Addr().String()
}

func TestStopKeepsDaemonThatDoesNotAnswer(t *testing.T) {
	cache := t.TempDir()
	pid, ended := fakeDaemon(t, cache, "dockerd", "--host", silent(t))
	stopped, kept, err := Stop(context.Background(), cache)
	require.NoError(t, err)
	assert.Empty(t, stopped)
	assert.Contains(t, kept, fmt.Sprintf("container engine (process %d): its containers cannot be listed: ", pid))
	assert.True(t, lives(ended))
	assert.Equal(t, pidPath(cache), Noted(cache))
}

func TestAbsentIsCertainOnlyWithoutListener(t *testing.T) {
	find := func(t *testing.T, host string) *Absent {
		t.Helper()
		t.Setenv("DOCKER_HOST", host)
		_, err := Find(context.Background())
		var absent *Absent
		require.ErrorAs(t, err, &absent)
		return absent
	}
	onlyPrograms(t, nil)
	assert.False(t, find(t, nobody(t)).Certain, "a named engine may run elsewhere")
	socket := filepath.Join(t.TempDir(), "docker.sock")
	assert.False(t, find(t, "unix://"+socket).Certain, "a named socket")
	assert.Empty(t, Noted(t.TempDir()))
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no Unix sockets")
	}
	assert.True(t, gone("unix://"+socket))
	listener, err := net.Listen("unix", socket)
	require.NoError(t, err)
	assert.False(t, gone("unix://"+socket))
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	require.NoError(t, listener.Close())
	assert.True(t, gone("unix://"+socket), "socket of an ended daemon")
	if os.Geteuid() != 0 {
		require.NoError(t, os.Chmod(filepath.Dir(socket), 0))
		assert.False(t, gone("unix://"+socket), "socket that this user may not open")
		require.NoError(t, os.Chmod(filepath.Dir(socket), 0o755))
	}
}
