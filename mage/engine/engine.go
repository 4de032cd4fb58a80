// Package engine finds the container engine, or installs and starts one where
// that is allowed. It runs no containers of its own, but for telling whether
// anything still runs.
package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/moby/moby/client"

	"todo-chatbot/mage/engine/ocispec"
	"todo-chatbot/mage/host"
	"todo-chatbot/mage/progress"
)

// Socket is where a daemon that Ensure starts listens: Docker's own default, so
// that the user's `docker` command finds it too.
const Socket = "unix:///var/run/docker.sock"

const (
	startTimeout  = 60 * time.Second // measured 2 to 4 s
	answerTimeout = 5 * time.Second  // of an engine that is asked whether it is there
)

// Options say how an engine may be had; Root and Cache are required.
type Options struct {
	Root  string // the project's folder
	Cache string // for the daemon's log and the runtime wrapper
	Apt   host.Apt
	// Confirm asks the user before something is installed or started; nil
	// means yes. The argument is a question in one line.
	Confirm  func(question string) bool
	Progress *progress.Reporter
}

// Engine is a running Docker Engine.
type Engine struct {
	Client *client.Client
	Host   string // as in DOCKER_HOST
	// CgroupV1 says that the engine's host has the first version of control
	// groups, which the kubelet must be told to accept.
	CgroupV1 bool
	// Restricted says that a privileged container gets less than all
	// capabilities here, so that nodes need the runtime wrapper too.
	Restricted bool
}

// Absent says that no engine answers. Its message says what was asked and why
// that failed.
type Absent struct {
	Host  string
	Cause error
	// Certain says that there is no engine: nobody named one, and nothing listens
	// where one would. Otherwise it could not be asked: it is slow, this user may
	// not use its socket, or it is elsewhere.
	Certain bool
}

func (a *Absent) Error() string {
	return fmt.Sprintf("no container engine answers at %s (%v): start Docker (Docker Desktop, colima or the service docker), or install it: https://docs.docker.com/engine/install/", a.Host, a.Cause)
}

func (a *Absent) Unwrap() error { return a.Cause }

// Find connects to the engine that the docker command would use: DOCKER_HOST,
// else the current Docker context, else the default socket. It starts nothing.
func Find(ctx context.Context) (*Engine, error) {
	address := address(ctx)
	docker, err := client.New(client.WithHost(address), client.WithTLSClientConfigFromEnv())
	if err != nil {
		return nil, fmt.Errorf("container engine address %q: %w: check DOCKER_HOST and `docker context ls`", address, err)
	}
	bounded, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if _, err := docker.Ping(bounded, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		docker.Close()
		return nil, &Absent{Host: address, Cause: err, Certain: ctx.Err() == nil && nothingListens(address)}
	}
	info, err := docker.Info(bounded, client.InfoOptions{})
	if err != nil {
		docker.Close()
		return nil, fmt.Errorf("ask the container engine at %s about itself: %w", address, err)
	}
	return &Engine{Client: docker, Host: address, CgroupV1: info.Info.CgroupVersion == "1", Restricted: restrictedHost(info.Info.OperatingSystem)}, nil
}

// nothingListens tells whether an address is the one that an engine has where
// nobody chose another, and no program listens there. A socket that this user may
// not open, or one that does not answer in time, is not that.
func nothingListens(address string) bool {
	return address == client.DefaultDockerHost && strings.HasPrefix(address, "unix://") && gone(address)
}

// address is where the docker command would connect to.
func address(ctx context.Context) string {
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		return host
	}
	if _, err := exec.LookPath("docker"); err == nil {
		out, err := exec.CommandContext(ctx, "docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}").Output()
		if host := strings.TrimSpace(string(out)); err == nil && host != "" {
			return host
		}
	}
	return client.DefaultDockerHost
}

// restrictedHost asks about this machine, which is the engine's own unless the
// engine runs in a machine of its own, as Docker Desktop does.
func restrictedHost(engineSystem string) bool {
	if runtime.GOOS != "linux" || strings.Contains(engineSystem, "Docker Desktop") {
		return false
	}
	this, err := ocispec.ReadHost()
	return err == nil && os.Geteuid() == 0 && !this.Has(ocispec.SysResource)
}

// Ensure finds an engine. Where none answers, on Linux as root with apt, it
// installs Debian's package and starts the daemon in the background.
func Ensure(ctx context.Context, o Options) (*Engine, error) {
	found, err := Find(ctx)
	var absent *Absent
	if !errors.As(err, &absent) {
		return found, err
	}
	if !o.Apt.Allowed() || os.Getenv("DOCKER_HOST") != "" {
		return nil, err
	}
	question := "No container engine runs. Start Docker Engine"
	if _, err := exec.LookPath("dockerd"); err != nil {
		question = "No container engine is installed. Install Debian's docker.io and start it"
	}
	if o.Confirm != nil && !o.Confirm(question) {
		return nil, absent
	}
	step := o.Progress.Start("engine", "docker")
	detail, err := start(ctx, o, step)
	if err != nil {
		return nil, step.Fail(systemDisk.Explain(fmt.Errorf("start a container engine: %w", err)))
	}
	found, err = awaitStart(ctx, o)
	if err != nil {
		return nil, step.Fail(err)
	}
	step.Done("started", detail)
	return found, nil
}

// Explain adds to an error of the engine, or of what runs in it, what is known
// of the engine's disk, if that is full. An engine that does not answer then
// does not tell its folder either.
func (e *Engine) Explain(ctx context.Context, err error) error {
	if err == nil || !host.SaysFull(err.Error()) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	about, _ := e.Client.Info(ctx, client.InfoOptions{})
	return host.EngineDisk(e.Client.DaemonHost(), about.Info.DockerRootDir, about.Info.OperatingSystem).Explain(err)
}

// awaitStart waits until the daemon answers.
func awaitStart(ctx context.Context, o Options) (*Engine, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		found, err := Find(ctx)
		if err == nil {
			return found, nil
		}
		select {
		case <-ctx.Done():
			err = fmt.Errorf("wait for the container engine: %w (last: %v): its log, %s, ends with %q", ctx.Err(), err, logPath(o.Cache), lastLogged(o.Cache))
			return nil, ownDisk.Explain(err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
