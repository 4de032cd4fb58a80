package host

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// machine is a folder with fake programs that is the whole PATH. It records calls.
type machine struct {
	t   *testing.T
	bin string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the fake programs are shell scripts")
	}
	m := &machine{t: t, bin: t.TempDir()}
	t.Setenv("PATH", m.bin)
	return m
}

// program puts a script on the PATH that records its arguments and then runs body.
func (m *machine) program(name, body string) {
	m.t.Helper()
	script := "#!/bin/sh\necho \"" + name + " $* [$DEBIAN_FRONTEND]\" >> '" + m.log() + "'\n" + body + "\n"
	require.NoError(m.t, os.WriteFile(filepath.Join(m.bin, name), []byte(script), 0o755))
}

// apt puts an apt-get on the PATH. It installs the program NAME-program for a
// package whose name begins with "good", and fails for the package "broken".
func (m *machine) apt() {
	m.t.Helper()
	m.program("apt-get", `echo "apt says $3"
for argument; do
	case $argument in
	broken) echo "E: Unable to locate package broken" >&2; echo >&2; exit 100 ;;
	good*) echo '#!/bin/sh' > '`+m.bin+`'/$argument-program; /bin/chmod 755 '`+m.bin+`'/$argument-program ;;
	esac
done`)
}

func (m *machine) log() string { return filepath.Join(m.bin, "calls") }

func (m *machine) calls() []string {
	m.t.Helper()
	data, err := os.ReadFile(m.log())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	require.NoError(m.t, err)
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

func rootOnLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("the pipeline installs packages on Linux as root only")
	}
}

func newApt(t *testing.T) Apt { return Apt{Lock: filepath.Join(t.TempDir(), "apt.lock")} }

func TestNeedCallsNothingWhenAllProgramsExist(t *testing.T) {
	m := newMachine(t)
	m.apt()
	m.program("here", "")
	installed, err := newApt(t).Need(context.Background(), &bytes.Buffer{}, map[string]string{"package": "here"})
	require.NoError(t, err)
	assert.Empty(t, installed)
	assert.Empty(t, m.calls())
}

func TestNeedUpdatesListsAndInstallsMissingPackages(t *testing.T) {
	m := newMachine(t)
	rootOnLinux(t)
	m.apt()
	m.program("here", "")
	var log bytes.Buffer
	installed, err := newApt(t).Need(context.Background(), &log, map[string]string{
		"good2": "good2-program", "present": "here", "good1": "good1-program", "good3": "good3-program",
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"good1", "good2", "good3"}, installed)
	assert.Equal(t, []string{
		"apt-get -o DPkg::Lock::Timeout=300 update -q [noninteractive]",
		"apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends good1 good2 good3 [noninteractive]",
	}, m.calls())
	assert.Equal(t, "apt says update\napt says install\n", log.String(), "apt's output goes to the log")
}

func TestNeedNamesProgramsAndFixWhereInstallingIsNotAllowed(t *testing.T) {
	newMachine(t) // without apt-get
	assert.False(t, Apt{}.Allowed())
	installed, err := newApt(t).Need(context.Background(), &bytes.Buffer{}, map[string]string{"docker.io": "dockerd", "binutils": "ar"})
	var missing *Missing
	require.ErrorAs(t, err, &missing)
	assert.Empty(t, installed)
	assert.Equal(t, []string{"ar", "dockerd"}, missing.Programs)
	assert.EqualError(t, err, "ar, dockerd not found: install the package binutils, docker.io, or run as root on Debian so that the pipeline can install it")
}

func TestNeedReportsReasonOfApt(t *testing.T) {
	m := newMachine(t)
	rootOnLinux(t)
	m.apt()
	installed, err := newApt(t).Need(context.Background(), &bytes.Buffer{}, map[string]string{"broken": "broken-program"})
	require.Error(t, err)
	assert.Empty(t, installed, "nothing was installed")
	assert.EqualError(t, err, "apt-get install: exit status 100: E: Unable to locate package broken")
}

func TestNeedCallsAptOnceForConcurrentRuns(t *testing.T) {
	m := newMachine(t)
	rootOnLinux(t)
	m.apt()
	apt := newApt(t)
	var group errgroup.Group
	counts := make([]int, 4)
	for i := range counts {
		group.Go(func() error {
			installed, err := apt.Need(context.Background(), &bytes.Buffer{}, map[string]string{"good": "good-program"})
			counts[i] = len(installed)
			return err
		})
	}
	require.NoError(t, group.Wait())
	assert.Len(t, m.calls(), 2, "one update and one install")
	assert.Equal(t, 1, counts[0]+counts[1]+counts[2]+counts[3], "one run installs, the others find the program")
}

func TestNeedStopsWaitingWhenContextEnds(t *testing.T) {
	m := newMachine(t)
	rootOnLinux(t)
	m.apt()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := newApt(t).Need(ctx, &bytes.Buffer{}, map[string]string{"good": "good-program"})
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, m.calls())
}

func TestRunErrorEndsWithLastOutputLine(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"reason on stderr":         {"echo working; echo 'no space left' >&2; exit 3", "exit status 3: no space left"},
		"reason on stdout":         {"echo 'bad flag'; exit 2", "exit status 2: bad flag"},
		"empty lines after reason": {"printf 'the reason \\n\\n \\n'; exit 1", "exit status 1: the reason"},
		"no output":                {"exit 4", "exit status 4"},
		"reason after long output": {"i=0; while [ $i -lt 300 ]; do echo 0123456789; i=$((i+1)); done; echo at last; exit 1", "exit status 1: at last"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.program("tool", c.body)
			err := Run(exec.CommandContext(context.Background(), "tool"), &bytes.Buffer{})
			require.EqualError(t, err, c.want)
			var exit *exec.ExitError
			assert.ErrorAs(t, err, &exit)
		})
	}
}

func TestRunLogsBothOutputs(t *testing.T) {
	m := newMachine(t)
	m.program("tool", "echo one; echo two >&2")
	var log bytes.Buffer
	require.NoError(t, Run(exec.CommandContext(context.Background(), "tool"), &log))
	assert.Equal(t, "one\ntwo\n", log.String())
}

func TestRunNamesMissingProgram(t *testing.T) {
	newMachine(t)
	err := Run(exec.CommandContext(context.Background(), "tool"), &bytes.Buffer{})
	require.ErrorIs(t, err, exec.ErrNotFound)
	assert.ErrorContains(t, err, `"tool"`)
}

// A failing mmdebstrap sends SIGHUP to its process group.
func TestRunSurvivesHangupOfCommandGroup(t *testing.T) {
	m := newMachine(t)
	m.program("tool", "trap '' HUP; kill -HUP 0; echo 'no more room'; exit 1")
	err := Run(exec.CommandContext(context.Background(), "tool"), &bytes.Buffer{})
	require.EqualError(t, err, "exit status 1: no more room")
}

func TestRunInterruptsWholeProcessGroup(t *testing.T) {
	m := newMachine(t)
	m.program("child", "trap 'echo child interrupted; exit 0' INT; echo ready; while :; do :; done")
	m.program("tool", "trap 'exit 1' INT; child")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	log := &onWrite{seen: "ready", then: cancel}
	require.Error(t, Run(exec.CommandContext(ctx, "tool"), log))
	assert.Contains(t, log.String(), "child interrupted")
}

// onWrite is a log that calls then once it contains seen.
type onWrite struct {
	bytes.Buffer
	seen string
	then func()
}

func (o *onWrite) Write(p []byte) (int, error) {
	n, err := o.Buffer.Write(p)
	if strings.Contains(o.String(), o.seen) {
		o.then()
	}
	return n, err
}
