package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"todo-chatbot/mage/progress"
)

// startPlan says how a profile becomes a running one.
type startPlan struct {
	profile *profile // nil: the profile does not exist
	did     string   // for the progress line; empty if the profile runs
	args    []string // of minikube; nil if the profile runs
}

// plan decides how the profile is started. It deletes a profile of the pipeline whose
// first start was interrupted, because minikube cannot repair it. A profile with addons
// was complete once, perhaps by another checkout, and is never deleted.
func (m *Minikube) plan(ctx context.Context, step *progress.Step) (startPlan, error) {
	p, err := m.cli.profile(ctx, m.opts.Profile)
	if err != nil {
		return startPlan{}, err
	}
	if p == nil {
		return startPlan{did: "created", args: m.createArgs()}, portsFree(ctx, m.opts.Ports)
	}
	if err := p.check(); err != nil {
		return startPlan{}, err
	}
	if small := p.small(); small != "" {
		m.opts.Progress.Note("minikube profile %q %s; it is used as it is", p.Name, small)
	}
	status, err := m.cli.status(ctx, m.opts.Profile)
	if err != nil {
		return startPlan{}, err
	}
	if status.Host == "Running" && p.ours() && len(p.Config.Addons) == 0 && m.unfinished(ctx) {
		step.Update("deleting the profile, because its first start was interrupted")
		if err := m.cli.run(ctx, "delete", "--profile="+m.opts.Profile); err != nil {
			return startPlan{}, err
		}
		return startPlan{did: "created again: its first start was interrupted", args: m.createArgs()}, portsFree(ctx, m.opts.Ports)
	}
	switch state, _ := status.state(); {
	case state == Running:
		return startPlan{profile: p}, nil
	case state == Paused:
		return startPlan{profile: p, did: "resumed", args: m.startArgs()}, nil
	case state == Stopped:
		return startPlan{profile: p, did: "started again", args: m.startArgs()}, p.portsFree(ctx)
	case status.gone():
		return startPlan{profile: p, did: "started again: its node was not there any more", args: m.startArgs()}, p.portsFree(ctx)
	default:
		return startPlan{profile: p, did: "started again", args: m.startArgs()}, nil
	}
}

// start runs the plan and returns the profile that minikube stored. While a new
// profile starts for the first time, a file next to the kubeconfig says so.
func (m *Minikube) start(ctx context.Context, step *progress.Step, plan startPlan) (*profile, error) {
	driver := m.opts.Driver
	if plan.profile != nil {
		driver = plan.profile.Config.Driver
	}
	if m.root && driver == "docker" && !slices.Contains(m.opts.StartArgs, "--force") {
		return nil, errors.New("minikube refuses the docker driver for root: run the pipeline as another user, " +
			"add --force to pipeline.cluster.minikube.startArgs, or set TODO_PROVIDER=kind")
	}
	if plan.profile == nil {
		if err := m.markUnfinished(); err != nil {
			return nil, err
		}
	}
	if err := m.cli.start(ctx, step, plan.args); err != nil {
		return nil, m.startFix(plan.profile, err)
	}
	if _, err := removeFile(m.unfinishedFile()); err != nil {
		return nil, err
	}
	p, err := m.cli.profile(ctx, m.opts.Profile)
	if err == nil && p == nil {
		err = errors.New("minikube start succeeded, but `minikube profile list` does not show the profile")
	}
	return p, err
}

// startFix adds the next step to the error of a failed start.
func (m *Minikube) startFix(p *profile, err error) error {
	switch {
	case p == nil:
		return fmt.Errorf("%w; if minikube cannot run on this machine, set TODO_PROVIDER=kind", err)
	case p.ours():
		return fmt.Errorf("%w; if the next deploy fails in the same way, set another profile name: nothing is lost; or remove this one with `mage cluster:down`, which %s", err, LosesData)
	default:
		return fmt.Errorf("%w; if the next deploy fails in the same way, set another profile name: nothing is lost; or remove this one with `minikube delete -p %s`, which %s", err, m.opts.Profile, LosesData)
	}
}

func (m *Minikube) unfinishedFile() string { return m.opts.Kubeconfig + ".first-start" }

func (m *Minikube) markUnfinished() error {
	path := m.unfinishedFile()
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, []byte(m.opts.Profile), 0o600)
	}
	if err != nil {
		return fmt.Errorf("record the first start of minikube profile %q: %w", m.opts.Profile, err)
	}
	return nil
}

// unfinished tells whether the first start of the profile did not end. A cluster that
// has the ConfigMap of the pipeline was complete, and any doubt counts as complete.
func (m *Minikube) unfinished(ctx context.Context) bool {
	name, err := os.ReadFile(m.unfinishedFile())
	if err != nil || string(name) != m.opts.Profile {
		return false
	}
	_ = m.cli.run(ctx, "update-context", "--profile="+m.opts.Profile) // fails for most interrupted starts
	clients, err := loadContext(m.opts.Kubeconfig, m.opts.Profile)
	if err != nil || alive(ctx, clients) != nil {
		return ctx.Err() == nil
	}
	_, err = clients.Clientset.CoreV1().ConfigMaps(metav1.NamespacePublic).Get(ctx, hostingName, metav1.GetOptions{})
	return apierrors.IsNotFound(err)
}

// portsFree refuses ports of 127.0.0.1 that another program uses.
func portsFree(ctx context.Context, ports map[int]int) error {
	for _, port := range slices.Sorted(maps.Keys(ports)) {
		if portTaken(ctx, port) {
			return &PortInUse{Port: port, Target: ports[port], Holder: portHolder("/proc", port)}
		}
	}
	return nil
}

// portsFree refuses ports of an existing profile that another program uses.
func (p *profile) portsFree(ctx context.Context) error {
	err := portsFree(ctx, p.ports())
	if taken, ok := errors.AsType[*PortInUse](err); ok {
		taken.Made = true
	}
	return err
}

// ports maps ports of 127.0.0.1 to the node ports that the profile publishes there
// while it runs. It omits ports that change with each start.
func (p *profile) ports() map[int]int {
	ports := map[int]int{}
	for _, text := range p.Config.ExposedPorts {
		words := strings.Split(text, ":")
		if len(words) != 3 || words[0] != loopback {
			continue
		}
		host, err := strconv.Atoi(words[1])
		target, err2 := strconv.Atoi(words[2])
		if err == nil && err2 == nil && host > 0 {
			ports[host] = target
		}
	}
	return ports
}

// small describes a profile that is smaller than recommended. Size 0 means no limit.
func (p *profile) small() string {
	var parts []string
	if c := p.Config; !p.onHost() {
		if c.CPUs != 0 && c.CPUs < minCPUs {
			parts = append(parts, fmt.Sprintf("has %d CPU of at least %d that are recommended", c.CPUs, minCPUs))
		}
		if c.Memory != 0 && c.Memory < minMemory {
			parts = append(parts, fmt.Sprintf("has %d MB of memory of at least %d that are recommended", c.Memory, minMemory))
		}
	}
	return strings.Join(parts, " and ")
}
