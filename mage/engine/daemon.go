package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/moby/moby/client"

	"todo-chatbot/mage/engine/ocispec"
	"todo-chatbot/mage/host"
	"todo-chatbot/mage/progress"
)

func logPath(cache string) string { return filepath.Join(cache, "engine", "dockerd.log") }
func pidPath(cache string) string { return filepath.Join(cache, "engine", "dockerd.pid") }

var (
	systemDisk = host.Disk{Of: "this machine", Path: "/var", Here: true}                    // where packages go
	ownDisk    = host.Disk{Of: "the container engine", Path: "/var/lib/docker", Here: true} // of a daemon that is told no other folder
)

// hostFlag comes first among a daemon's arguments; Stop knows its own by it.
const hostFlag = "--host"

// start installs what is missing and starts the daemon detached from this
// process, so that it goes on after it.
func start(ctx context.Context, o Options, step *progress.Step) (detail string, err error) {
	step.Update("install packages")
	installed, err := o.Apt.Need(ctx, step, map[string]string{"docker.io": "dockerd", "iptables": "iptables"})
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(logPath(o.Cache)), 0o755); err != nil {
		return "", fmt.Errorf("make cache folder: %w", err)
	}
	args := []string{hostFlag, Socket}
	if this, err := ocispec.ReadHost(); err == nil && !this.Has(ocispec.SysResource) {
		step.Update("compile the runtime wrapper")
		wrapper, err := host.BuildRuntimeWrapper(ctx, o.Root, o.Cache)
		if err != nil {
			return "", err
		}
		args = append(args, "--add-runtime", "restricted="+wrapper, "--default-runtime", "restricted")
	}
	step.Update("start dockerd")
	pid, err := launch(o.Cache, args)
	if err != nil {
		return "", err
	}
	detail = fmt.Sprintf("process %d, log %s", pid, logPath(o.Cache))
	if len(installed) > 0 {
		detail = "installed " + strings.Join(installed, ", ") + "; " + detail
	}
	return detail, nil
}

func launch(cache string, args []string) (pid int, err error) {
	log, err := os.OpenFile(logPath(cache), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return 0, fmt.Errorf("open the engine's log: %w", err)
	}
	defer log.Close()
	daemon := exec.Command("dockerd", args...)
	daemon.Stdout, daemon.Stderr = log, log
	daemon.SysProcAttr = detached()
	if err := daemon.Start(); err != nil {
		return 0, fmt.Errorf("start dockerd: %w", err)
	}
	pid = daemon.Process.Pid
	if err := os.WriteFile(pidPath(cache), []byte(strconv.Itoa(pid)), 0o644); err != nil {
		return 0, fmt.Errorf("note the engine's process: %w", err)
	}
	return pid, daemon.Process.Release()
}

// lastLogged is the last line of the daemon's log: why it ended, if it did.
func lastLogged(cache string) string {
	log, _ := os.ReadFile(logPath(cache)) // without a log there is no last line
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	return lines[len(lines)-1]
}

// Stop ends the daemon that an earlier Ensure started, unless containers run on
// it, or it does not answer, so that nobody knows. It asks that daemon and no
// other, whichever engine the docker command would use now. It says what it did,
// or why not; both are empty when there is no such daemon.
func Stop(ctx context.Context, cache string) (stopped, kept string, err error) {
	own := ours(cache)
	if own == nil {
		return "", "", nil
	}
	others, err := own.containers(ctx)
	if err != nil && ctx.Err() != nil {
		return "", "", ctx.Err()
	}
	if err != nil {
		return "", fmt.Sprintf("container engine (process %d): what runs on it could not be asked: %v", own.process.Pid, err), nil
	}
	if len(others) > 0 {
		return "", fmt.Sprintf("container engine (process %d): other containers run on it: %s", own.process.Pid, strings.Join(others, ", ")), nil
	}
	if err := own.process.Signal(os.Interrupt); err != nil {
		return "", "", fmt.Errorf("stop the container engine (process %d): %w", own.process.Pid, err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for ours(cache) != nil {
		if time.Now().After(deadline) {
			return "", "", fmt.Errorf("container engine (process %d) does not stop: its log is %s", own.process.Pid, logPath(cache))
		}
		select {
		case <-ctx.Done():
			return "", "", ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	os.Remove(pidPath(cache))
	return fmt.Sprintf("container engine (process %d)", own.process.Pid), "", nil
}

// ownDaemon is a running dockerd that launch started.
type ownDaemon struct {
	process *os.Process
	host    string // where it listens
}

// containers names what runs on the daemon, in the order of the names. One that
// does not listen any more is of use to nobody: it counts as empty.
func (d *ownDaemon) containers(ctx context.Context) ([]string, error) {
	docker, err := client.New(client.WithHost(d.host))
	if err != nil {
		return nil, err
	}
	defer docker.Close()
	bounded, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if _, err := docker.Ping(bounded, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		if ctx.Err() == nil && gone(d.host) {
			return nil, nil
		}
		return nil, err
	}
	list, err := docker.ContainerList(bounded, client.ContainerListOptions{})
	var names []string
	for _, c := range list.Items {
		name := c.ID
		if len(c.Names) > 0 {
			name = strings.TrimPrefix(c.Names[0], "/")
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names, err
}

// gone tells whether nothing listens at an address, at once.
func gone(address string) bool {
	network, host, _ := strings.Cut(address, "://")
	conn, err := net.DialTimeout(network, host, answerTimeout)
	if err == nil {
		conn.Close()
	}
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

// Noted tells by which file it is known that a daemon was started for a cache
// and not stopped by Stop, whether it still runs or not; "" where none was.
func Noted(cache string) string {
	if _, err := os.Stat(pidPath(cache)); err != nil {
		return ""
	}
	return pidPath(cache)
}

// ours is the running daemon whose process was noted. The kernel may have given
// its number to another program since, even to a dockerd of the system's, which
// is told otherwise where to listen.
func ours(cache string) *ownDaemon {
	noted, err := os.ReadFile(pidPath(cache))
	if err != nil {
		return nil
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(noted)))
	if err != nil {
		return nil
	}
	process, err := os.FindProcess(pid) // before its name is read, so that it is this process that gets the signal
	if err != nil {
		return nil
	}
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	args := strings.Split(string(command), "\x00")
	if err != nil || len(args) < 3 || filepath.Base(args[0]) != "dockerd" || args[1] != hostFlag {
		return nil
	}
	return &ownDaemon{process: process, host: args[2]}
}
