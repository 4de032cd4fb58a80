package engine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/client"

	"todo-chatbot/mage/engine/ocispec"
	"todo-chatbot/mage/host"
	"todo-chatbot/mage/progress"
)

func logPath(cache string) string { return filepath.Join(cache, "engine", "dockerd.log") }
func pidPath(cache string) string { return filepath.Join(cache, "engine", "dockerd.pid") }

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
	args := []string{"--host", Socket}
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

// Stop ends the daemon that an earlier Ensure started, unless containers that
// the pipeline did not make run on it. It says what it did, or why not; both
// are empty when there is no such daemon.
func Stop(ctx context.Context, cache string) (stopped, kept string, err error) {
	process := ours(cache)
	if process == nil {
		return "", "", nil
	}
	if found, err := Find(ctx); err == nil {
		defer found.Client.Close()
		list, err := found.Client.ContainerList(ctx, client.ContainerListOptions{})
		if err != nil {
			return "", "", fmt.Errorf("list what still runs on the container engine: %w", err)
		}
		if n := len(list.Items); n > 0 {
			return "", fmt.Sprintf("container engine (process %d): %d other containers run on it", process.Pid, n), nil
		}
	}
	if err := process.Signal(os.Interrupt); err != nil {
		return "", "", fmt.Errorf("stop the container engine (process %d): %w", process.Pid, err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for ours(cache) != nil {
		if time.Now().After(deadline) {
			return "", "", fmt.Errorf("container engine (process %d) does not stop: its log is %s", process.Pid, logPath(cache))
		}
		select {
		case <-ctx.Done():
			return "", "", ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	os.Remove(pidPath(cache))
	return fmt.Sprintf("container engine (process %d)", process.Pid), "", nil
}

// ours is the running daemon whose process was noted; the kernel may have given
// its number to another program since.
func ours(cache string) *os.Process {
	noted, err := os.ReadFile(pidPath(cache))
	if err != nil {
		return nil
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(noted)))
	if err != nil {
		return nil
	}
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	program, _, _ := strings.Cut(string(command), "\x00")
	if err != nil || filepath.Base(program) != "dockerd" {
		return nil
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return nil
	}
	return process
}
