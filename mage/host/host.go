// Package host is the machine that the pipeline runs on, as far as the
// pipeline may change it: it installs packages of the operating system where
// that is allowed, knows what the kernel withholds, and when a disk is full. It
// is not a general system-information library.
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

// Missing says that a program is not there and cannot be installed for the user.
type Missing struct {
	Programs []string // what was looked for
	Cure     string   // what the user can do, a whole sentence
}

func (m *Missing) Error() string {
	return fmt.Sprintf("%s not found: %s", strings.Join(m.Programs, ", "), m.Cure)
}

// Apt installs Debian packages through the host's own apt, as it is set up.
type Apt struct {
	// Lock is a file that keeps several runs from calling apt at once: apt
	// itself waits for dpkg's lock, but not for the one on its package lists.
	Lock string
}

// Allowed reports whether packages can be installed without asking anyone:
// on Linux, as root, where apt-get is.
func (Apt) Allowed() bool {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return false
	}
	_, err := exec.LookPath("apt-get")
	return err == nil
}

// Need makes sure that every program (package name → program it brings) can be
// run, installs the packages of those that cannot, and returns the names of
// the packages it installed. Output of apt goes to log.
func (a Apt) Need(ctx context.Context, log io.Writer, programs map[string]string) ([]string, error) {
	packages, missing := absent(programs)
	if len(packages) == 0 {
		return nil, nil
	}
	if !a.Allowed() {
		return nil, &Missing{Programs: missing, Cure: "install the package " + strings.Join(packages, ", ") + ", or run as root on Debian so that it can be installed"}
	}
	lock := flock.New(a.Lock)
	if _, err := lock.TryLockContext(ctx, 200*time.Millisecond); err != nil {
		return nil, fmt.Errorf("wait for another run's package installation (lock %q): %w", a.Lock, err)
	}
	defer lock.Unlock()
	if packages, _ = absent(programs); len(packages) == 0 {
		return nil, nil // another run installed them meanwhile
	}
	if err := apt(ctx, log, "update", "-q"); err != nil {
		return nil, err
	}
	if err := apt(ctx, log, append([]string{"install", "-q", "-y", "--no-install-recommends"}, packages...)...); err != nil {
		return nil, err
	}
	return packages, nil
}

// absent goes through the packages by name, so that runs can be compared.
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
	// A package's service is not started: there may be no init system, and the
	// pipeline starts what it needs itself.
	if err := Run(command, log); err != nil {
		return fmt.Errorf("apt-get %s: %w", args[0], err)
	}
	return nil
}

// Run runs a command with both outputs to log, in a process group of its own
// of which nothing is left after a failure; the error ends with the last line that the command wrote,
// which is where programs say why.
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
