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
	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
)

func logPath(cache string) string { return filepath.Join(cache, "engine", "dockerd.log") }
func pidPath(cache string) string { return filepath.Join(cache, "engine", "dockerd.pid") }

var (
	systemDisk = host.Disk{Of: "this machine", Path: "/var", Here: true}                    // where apt installs packages
	ownDisk    = host.Disk{Of: "the container engine", Path: "/var/lib/docker", Here: true} // the default folder of dockerd
)

// hostFlag is the first argument of the daemons that launch starts. Stop
// recognises them by it.
const hostFlag = "--host"

// start installs missing packages and starts the daemon, which outlives this
// process.
func start(ctx context.Context, o Options, step *progress.Step) (detail string, err error) {
	step.Update("installing packages")
	installed, err := o.Apt.Need(ctx, step, map[string]string{"docker.io": "dockerd", "iptables": "iptables"})
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(logPath(o.Cache)), 0o755); err != nil {
		return "", fmt.Errorf("create cache folder: %w", err)
	}
	args := []string{hostFlag, Socket}
	if this, err := ocispec.ReadHost(); err == nil && !this.Has(ocispec.SysResource) {
		step.Update("compiling the runtime wrapper")
		wrapper, err := host.BuildRuntimeWrapper(ctx, o.Root, o.Cache)
		if err != nil {
			return "", err
		}
		args = append(args, "--add-runtime", "restricted="+wrapper, "--default-runtime", "restricted")
	}
	step.Update("starting dockerd")
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
		return 0, fmt.Errorf("save the process number of the engine: %w", err)
	}
	return pid, daemon.Process.Release()
}

// lastLogged is the last line of the daemon's log. If the daemon has ended, the
// line says why.
func lastLogged(cache string) string {
	log, _ := os.ReadFile(logPath(cache)) // without a log there is no last line
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	return lines[len(lines)-1]
}

// Stop ends the daemon that an earlier Ensure started with this cache, whichever
// engine the docker command uses now. It keeps a daemon that runs containers, or
// that does not answer. stopped names the daemon that it ended, kept the one that
// it kept and why; both are empty where no such daemon runs.
func Stop(ctx context.Context, cache string) (stopped, kept string, err error) {
	own := ours(cache)
	if own == nil {
		return "", "", nil
	}
	running, err := own.containers(ctx)
	if err != nil && ctx.Err() != nil {
		return "", "", ctx.Err()
	}
	if err != nil {
		return "", fmt.Sprintf("container engine (process %d): its containers cannot be listed: %v", own.process.Pid, err), nil
	}
	if len(running) > 0 {
		return "", fmt.Sprintf("container engine (process %d): containers run on it: %s", own.process.Pid, strings.Join(running, ", ")), nil
	}
	if err := own.process.Signal(os.Interrupt); err != nil {
		return "", "", fmt.Errorf("stop the container engine (process %d): %w", own.process.Pid, err)
	}
	err = kube.Poll{Every: 100 * time.Millisecond, Within: 30 * time.Second}.Until(ctx, func(context.Context) error {
		if ours(cache) != nil {
			return errors.New("it still runs")
		}
		return nil
	})
	if err != nil {
		return "", "", fmt.Errorf("stop the container engine (process %d): %w: its log is %s", own.process.Pid, err, logPath(cache))
	}
	os.Remove(pidPath(cache))
	return fmt.Sprintf("container engine (process %d)", own.process.Pid), "", nil
}

// ownDaemon is a running dockerd that launch started.
type ownDaemon struct {
	process *os.Process
	host    string // where it listens
}

// containers names the running containers of the daemon, sorted. A daemon that
// does not listen any more counts as one without containers.
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

// gone tells whether nothing listens at an address.
func gone(address string) bool {
	network, host, _ := strings.Cut(address, "://")
	conn, err := net.DialTimeout(network, host, answerTimeout)
	if err == nil {
		conn.Close()
	}
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

// Noted returns the file which shows that a daemon was started for a cache and
// that Stop has not ended it; "" without such a file. The daemon itself may have
// ended.
func Noted(cache string) string {
	if _, err := os.Stat(pidPath(cache)); err != nil {
		return ""
	}
	return pidPath(cache)
}

// ours returns the running daemon whose process was noted, or nil. The kernel may
// have given the process number to another program since; hostFlag excludes a
// dockerd that the system has started.
func ours(cache string) *ownDaemon {
	noted, err := os.ReadFile(pidPath(cache))
	if err != nil {
		return nil
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(noted)))
	if err != nil {
		return nil
	}
	process, err := os.FindProcess(pid) // before its name is read, so that a signal cannot reach a later process of this number
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
