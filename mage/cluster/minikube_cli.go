package cluster

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/network"

	"todo-chatbot/mage/progress"
)

// minikubeCLI runs the minikube program and parses its output (v1.38).
type minikubeCLI struct {
	home       string // MINIKUBE_HOME, if not empty
	kubeconfig string // the file that minikube writes, instead of the user's
}

// command returns a command that is interrupted when ctx ends, so that it can clean
// up, and killed three seconds later.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			return cmd.Process.Kill() // Windows has no interrupt signal
		}
		return nil
	}
	cmd.WaitDelay = 3 * time.Second
	return cmd
}

func (m minikubeCLI) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := command(ctx, "minikube", args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+m.kubeconfig, "MINIKUBE_IN_STYLE=false", "MINIKUBE_WANTUPDATENOTIFICATION=false")
	if m.home != "" {
		cmd.Env = append(cmd.Env, "MINIKUBE_HOME="+m.home)
	}
	return cmd
}

// output runs minikube and returns its standard output, also with an error: the
// exit code of `minikube status` describes the state.
func (m minikubeCLI) output(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, minikubeBound)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := m.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	return stdout.Bytes(), commandError(ctx, cmd, err, message(stdout.String(), stderr.String()))
}

func (m minikubeCLI) run(ctx context.Context, args ...string) error {
	_, err := m.output(ctx, args...)
	return err
}

// commandError adds the command line and its last message to an error.
func commandError(ctx context.Context, cmd *exec.Cmd, err error, said string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("%s is not on the PATH: install it, or choose another cluster provider: %w", cmd.Args[0], err)
	case ctx.Err() != nil:
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	if said == "" {
		return fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, said)
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// event is one line of the output of `minikube start --output=json`.
type event struct {
	Type string `json:"type"`
	Data struct {
		CurrentStep string `json:"currentstep"`
		TotalSteps  string `json:"totalsteps"`
		Name        string `json:"name"`
		Message     string `json:"message"`
		Advice      string `json:"advice"`
		ExitCode    string `json:"exitcode"`
	} `json:"data"`
}

// start runs a minikube start with --output=json and shows its steps.
func (m minikubeCLI) start(ctx context.Context, step *progress.Step, args []string) error {
	ctx, cancel := context.WithTimeout(ctx, minikubeBound)
	defer cancel()
	cmd := m.command(ctx, args...)
	lines, writer := io.Pipe()
	cmd.Stdout = writer
	var stderr bytes.Buffer
	cmd.Stderr = io.MultiWriter(step, &stderr)
	said := make(chan string, 1)
	go func() { said <- follow(lines, step) }()
	err := cmd.Run()
	_ = writer.Close()
	text := <-said
	if text == "" {
		text = message("", stderr.String())
	}
	return commandError(ctx, cmd, err, text)
}

// follow shows the events in the step, and returns the error event that ended
// minikube, with its advice.
func follow(lines io.Reader, step *progress.Step) string {
	var said errorEvent
	scan := bufio.NewScanner(lines)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		var e event
		if json.Unmarshal(scan.Bytes(), &e) != nil {
			_, _ = fmt.Fprintln(step, scan.Text())
			continue
		}
		switch e.Type {
		case "io.k8s.sigs.minikube.step":
			step.Update("%s of %s: %s", e.Data.CurrentStep, e.Data.TotalSteps, strings.ToLower(e.Data.Name))
		case "io.k8s.sigs.minikube.error":
			said.add(e)
		}
		if e.Data.Message != "" {
			_, _ = fmt.Fprintln(step, e.Data.Message)
		}
	}
	_, _ = io.Copy(io.Discard, lines) // after a line that is too long, minikube must not block
	return said.text
}

// profile is the used part of minikube's configuration of a cluster.
type profile struct {
	Name   string
	Config struct {
		Driver           string
		CPUs             int
		Memory           int // MB
		KubernetesConfig struct {
			KubernetesVersion string
			APIServerNames    []string
		}
		Nodes        []struct{ IP string } // the control plane first
		ExposedPorts []string              // like 127.0.0.1:8080:30080
		Addons       map[string]bool       // minikube stores them at the end of a start
	}
}

// profile returns the profile of that name, or nil. A profile that minikube cannot
// read is an error, because it exists.
func (m minikubeCLI) profile(ctx context.Context, name string) (*profile, error) {
	all, invalid, err := m.profiles(ctx)
	if err != nil {
		return nil, err
	}
	if slices.Contains(invalid, name) {
		return nil, fmt.Errorf("minikube cannot read the configuration of profile %q (`minikube profile list` shows it as invalid): "+
			"choose another profile name: nothing is lost; or remove this one with `minikube delete -p %s`, which %s", name, name, LosesData)
	}
	for i := range all {
		if all[i].Name == name {
			return &all[i], nil
		}
	}
	return nil, nil
}

// profiles returns the profiles that minikube can read, and the names of the
// others.
func (m minikubeCLI) profiles(ctx context.Context) (valid []profile, invalid []string, err error) {
	out, err := m.output(ctx, "profile", "list", "--light", "--output=json")
	if err != nil && (ctx.Err() != nil || errors.Is(err, exec.ErrNotFound)) {
		return nil, nil, err
	}
	if err != nil {
		return nil, nil, fmt.Errorf("minikube does not work on this machine: repair it, or set TODO_PROVIDER=kind: %w", err)
	}
	var list struct{ Valid, Invalid []profile }
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, nil, fmt.Errorf("parse the output of `minikube profile list`: %w", err)
	}
	for _, p := range list.Invalid {
		invalid = append(invalid, p.Name)
	}
	return list.Valid, invalid, nil
}

func (p *profile) ours() bool {
	return slices.Contains(p.Config.KubernetesConfig.APIServerNames, minikubeMark)
}

// onHost tells whether the node is a whole machine instead of a container or a
// virtual machine. Minikube does not set the size of such a node.
func (p *profile) onHost() bool {
	return slices.Contains([]string{"none", "native", "ssh"}, p.Config.Driver)
}

// address is the node's address in the driver's network. On other systems than
// Linux, Docker and Podman run in a virtual machine, whose networks this machine
// cannot reach.
func (p *profile) address() netip.Addr {
	inMachine := runtime.GOOS != "linux" && (p.Config.Driver == "docker" || p.Config.Driver == "podman")
	if inMachine || len(p.Config.Nodes) == 0 {
		return netip.Addr{}
	}
	addr, _ := netip.ParseAddr(p.Config.Nodes[0].IP) // an invalid address is not used
	return addr
}

// check reports why a profile cannot be used, with a fix.
func (p *profile) check() error {
	if err := checkVersion(p.Config.KubernetesConfig.KubernetesVersion); err != nil {
		return fmt.Errorf("%w; set another profile name: nothing is lost; or remove this one with `minikube delete -p %s`, which %s", err, p.Name, LosesData)
	}
	return nil
}

// minikubeStatus is the status of the first node.
type minikubeStatus struct{ Host, APIServer string }

// gone tells whether the profile's container or virtual machine does not exist.
func (s minikubeStatus) gone() bool { return s.Host == "Nonexistent" }

func (s minikubeStatus) running() bool { return s.Host == "Running" && s.APIServer == "Running" }

func (s minikubeStatus) state() (State, string) {
	switch {
	case s.running():
		return Running, ""
	case s.Host == "Paused" || s.APIServer == "Paused":
		return Paused, ""
	case s.Host == "Stopped":
		return Stopped, ""
	case s.gone():
		return Broken, "the profile's node is not there any more"
	default:
		return Broken, fmt.Sprintf("host %s, API server %s", strings.ToLower(s.Host), strings.ToLower(s.APIServer))
	}
}

// status returns the status of a profile. It ignores the exit code of a command
// that prints a status, because the code only repeats it.
func (m minikubeCLI) status(ctx context.Context, name string) (minikubeStatus, error) {
	out, failed := m.output(ctx, "status", "--profile="+name, "--output=json")
	if ctx.Err() != nil {
		return minikubeStatus{}, failed
	}
	var one minikubeStatus
	if json.Unmarshal(out, &one) == nil && one.Host != "" {
		return one, nil
	}
	// With the driver docker, minikube prints null for a container that was removed.
	if exit, ok := errors.AsType[*exec.ExitError](failed); ok && exit.ExitCode() == 7 && strings.TrimSpace(string(out)) == "null" {
		return minikubeStatus{Host: "Nonexistent", APIServer: "Nonexistent"}, nil
	}
	var several []minikubeStatus // one per node, the control plane first
	if json.Unmarshal(out, &several) == nil && len(several) > 0 {
		return several[0], nil
	}
	return minikubeStatus{}, fmt.Errorf("parse the output of `minikube status`: %w", errors.Join(failed, errors.New(lastLine(string(out)))))
}

// published returns the node's ports that the drivers docker and podman publish on
// 127.0.0.1. They change with each start. Other drivers publish none.
func (m minikubeCLI) published(ctx context.Context, p *profile) map[int]int {
	if p.Config.Driver != "docker" && p.Config.Driver != "podman" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, pollTry)
	defer cancel()
	out, err := command(ctx, p.Config.Driver, "container", "inspect", "--format", "{{json .NetworkSettings.Ports}}", p.Name).Output()
	if err != nil {
		return nil // a port-forward replaces the published port
	}
	var ports network.PortMap
	if json.Unmarshal(out, &ports) != nil {
		return nil
	}
	return loopbackPorts(ports)
}
