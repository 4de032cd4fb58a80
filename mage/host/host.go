// Package host is the machine on which the pipeline runs: it installs packages of
// the operating system where that is permitted, runs programs, compiles the
// pipeline's own, and explains full disks. It is not a general
// system-information library.
package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Missing says that programs are missing and that the pipeline may not install them.
type Missing struct {
	Programs []string
	Fix      string // a whole sentence
}

func (m *Missing) Error() string {
	return fmt.Sprintf("%s not found: %s", strings.Join(m.Programs, ", "), m.Fix)
}

// Apt installs Debian packages with the host's apt and its configuration.
type Apt struct {
	// Lock is a file that keeps two runs from calling apt at the same time: apt
	// waits for dpkg's lock, but not for the lock of its package lists.
	Lock string
}

// Allowed tells whether the pipeline may install packages: on Linux, as root,
// with apt-get on the PATH.
func (Apt) Allowed() bool {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return false
	}
	_, err := exec.LookPath("apt-get")
	return err == nil
}

// Need installs the packages of the programs that are not on the PATH, and
// returns the names of these packages. programs maps a package to the program
// that it contains. apt's output goes to log.
func (a Apt) Need(ctx context.Context, log io.Writer, programs map[string]string) ([]string, error) {
	packages, missing := absent(programs)
	if len(packages) == 0 {
		return nil, nil
	}
	if !a.Allowed() {
		return nil, &Missing{Programs: missing, Fix: "install the package " + strings.Join(packages, ", ") + ", or run as root on Debian so that the pipeline can install it"}
	}
	lock := flock.New(a.Lock)
	if _, err := lock.TryLockContext(ctx, 200*time.Millisecond); err != nil {
		return nil, fmt.Errorf("wait for another run's package installation (lock %q): %w", a.Lock, err)
	}
	defer lock.Unlock()
	if packages, _ = absent(programs); len(packages) == 0 {
		return nil, nil // another run has installed them meanwhile
	}
	if err := apt(ctx, log, "update", "-q"); err != nil {
		return nil, err
	}
	if err := apt(ctx, log, append([]string{"install", "-q", "-y", "--no-install-recommends"}, packages...)...); err != nil {
		return nil, err
	}
	return packages, nil
}

// absent returns the packages whose program is not on the PATH, sorted, and these
// programs.
func absent(programs map[string]string) (packages, missing []string) {
	for _, pkg := range slices.Sorted(maps.Keys(programs)) {
		if _, err := exec.LookPath(programs[pkg]); err != nil {
			packages, missing = append(packages, pkg), append(missing, programs[pkg])
		}
	}
	return packages, missing
}

func apt(ctx context.Context, log io.Writer, args ...string) error {
	command := exec.CommandContext(ctx, "apt-get", append([]string{"-o", "DPkg::Lock::Timeout=300"}, args...)...)
	command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if err := Run(command, log); err != nil {
		return fmt.Errorf("apt-get %s: %w", args[0], err)
	}
	return nil
}

// Run runs a command with both outputs to log, in a process group of its own that
// it kills after a failure. The error ends with the last line of the output, in
// which most programs give the reason.
func Run(command *exec.Cmd, log io.Writer) error {
	last := &lastLine{}
	command.Stdout = io.MultiWriter(log, last)
	command.Stderr = command.Stdout
	end := ownGroup(command)
	command.WaitDelay = 5 * time.Second
	err := command.Run()
	if err == nil {
		return nil
	}
	end()
	var exit *exec.ExitError
	if line := last.String(); line != "" && errors.As(err, &exit) {
		return fmt.Errorf("%w: %s", err, line)
	}
	return err
}

type lastLine struct{ tail []byte }

func (l *lastLine) Write(p []byte) (int, error) {
	l.tail = append(l.tail, p...)
	if over := len(l.tail) - 2048; over > 0 {
		l.tail = l.tail[over:]
	}
	return len(p), nil
}

func (l *lastLine) String() string {
	lines := bytes.Split(bytes.TrimSpace(l.tail), []byte("\n"))
	return string(bytes.TrimSpace(lines[len(lines)-1]))
}
