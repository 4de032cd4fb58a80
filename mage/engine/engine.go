// Package engine finds the container engine, or installs and starts one where
// that is permitted. It loads images into the engine, and runs the builder there.
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
	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
)

// Socket is the address of a daemon that Ensure starts. It is Docker's default,
// so that the user's docker command finds the daemon too.
const Socket = "unix:///var/run/docker.sock"

const (
	startTimeout  = 60 * time.Second // a start takes 2 to 4 s (measured)
	answerTimeout = 5 * time.Second  // for one answer of an engine
)

// Options are the inputs of Ensure; Root and Cache are required.
type Options struct {
	Root  string // the project's folder
	Cache string // for the daemon's log and the runtime wrapper
	Apt   host.Apt
	// Confirm asks the user before Ensure installs or starts an engine. The
	// argument is a question in one line; nil means that the answer is yes.
	Confirm  func(question string) bool
	Progress *progress.Reporter
}

// Engine is a running Docker Engine.
type Engine struct {
	Client *client.Client
	Host   string // as in DOCKER_HOST
	// CgroupV1 says that the engine's host has control groups of version 1, which
	// the kubelet accepts only when its configuration permits them.
	CgroupV1 bool
	// Restricted says that the host gives a privileged container fewer than all
	// capabilities, so that nodes need the runtime wrapper.
	Restricted bool
	// Elsewhere says why ports that the engine publishes on 127.0.0.1 are not on
	// this machine; "" if they are.
	Elsewhere string
	// Mirrors are the registry-mirrors of the engine's settings, as URLs.
	Mirrors []string
}

// Absent says that no engine answers at Host.
type Absent struct {
	Host  string
	Cause error
	// Certain says that there is no engine: no setting names one, and nothing
	// listens at the default address. Otherwise an engine may exist that is slow,
	// refuses this user, or runs elsewhere.
	Certain bool
}

func (a *Absent) Error() string {
	return fmt.Sprintf("no container engine answers at %s (%v): start Docker (Docker Desktop, colima or the service docker), or install it: https://docs.docker.com/engine/install/", a.Host, a.Cause)
}

func (a *Absent) Unwrap() error { return a.Cause }

// Find connects to the engine that the docker command uses: DOCKER_HOST, else the
// current Docker context, else the default socket. It starts nothing.
func Find(ctx context.Context) (*Engine, error) {
	address := address(ctx)
	if err := refuseSSH(address); err != nil {
		return nil, err
	}
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
		return nil, fmt.Errorf("query the container engine at %s: %w", address, err)
	}
	found := &Engine{Client: docker, Host: address, CgroupV1: info.Info.CgroupVersion == "1", Restricted: restrictedHost(info.Info.OperatingSystem)}
	found.Elsewhere = here(address, info.Info.Name).elsewhere()
	if registries := info.Info.RegistryConfig; registries != nil {
		found.Mirrors = registries.Mirrors
	}
	return found, nil
}

// nothingListens tells whether an address is Docker's default and no program
// listens there. It is false for a socket that this user may not open, or that
// does not answer in time.
func nothingListens(address string) bool {
	return address == client.DefaultDockerHost && strings.HasPrefix(address, "unix://") && gone(address)
}

// address is the address to which the docker command connects.
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

// restrictedHost tells whether this machine withholds CAP_SYS_RESOURCE. Docker
// Desktop's engine does not run on this machine but in a virtual machine.
func restrictedHost(engineSystem string) bool {
	if runtime.GOOS != "linux" || strings.Contains(engineSystem, "Docker Desktop") {
		return false
	}
	this, err := ocispec.ReadHost()
	return err == nil && os.Geteuid() == 0 && !this.Has(ocispec.SysResource)
}

// Ensure finds an engine. Where none answers, it installs Debian's package and
// starts the daemon in the background, which needs Linux, root and apt.
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

// Explain adds the engine's disk to an error that says that a disk is full. The
// disk's folder is unknown where the engine does not answer.
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
	var found *Engine
	err := kube.Poll{Within: startTimeout}.Until(ctx, func(ctx context.Context) (err error) {
		found, err = Find(ctx)
		return err
	})
	if err != nil {
		return nil, ownDisk.Explain(fmt.Errorf("wait for the container engine: %w: the last line of its log %s is %q", err, logPath(o.Cache), lastLogged(o.Cache)))
	}
	return found, nil
}
