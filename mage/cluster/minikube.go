package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"

	"todo-chatbot/mage/host"
	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
)

// Minikube is a Provider that runs the minikube program.
type Minikube struct {
	opts  MinikubeOptions
	cli   minikubeCLI
	bound time.Duration // of each wait, except for the minikube program
	root  bool          // minikube runs as root, for which it refuses the docker driver
}

var _ Provider = (*Minikube)(nil)

// NewMinikube validates the options and reports all their problems.
func NewMinikube(opts MinikubeOptions) (*Minikube, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	return &Minikube{opts: opts, cli: minikubeCLI{home: opts.Home, kubeconfig: opts.Kubeconfig}, bound: defaultBound, root: os.Geteuid() == 0}, nil
}

func (m *Minikube) subject() string { return "minikube/" + m.opts.Profile }

// Ensure creates or starts the profile, enables the registry addon, and finds the
// registry's address on this machine. It does not change a running profile.
func (m *Minikube) Ensure(ctx context.Context) (*Cluster, error) {
	step := m.opts.Progress.Start("cluster", m.subject())
	c, did, err := m.ensure(ctx, step)
	if err != nil {
		return nil, step.Fail(explainNodeDisk(fmt.Errorf("ensure minikube profile %q: %w", m.opts.Profile, err)))
	}
	step.Done("ready", withReason(did, m.opts.Reason))
	return c, nil
}

func (m *Minikube) ensure(ctx context.Context, step *progress.Step) (*Cluster, string, error) {
	plan, err := m.plan(ctx, step)
	if err != nil {
		return nil, "", err
	}
	p := plan.profile
	if plan.args != nil {
		if p, err = m.start(ctx, step, plan); err != nil {
			return nil, "", err
		}
		if plan.profile != nil && !p.ours() {
			m.opts.Progress.Note("the pipeline did not create profile %q: to use it with kubectl, run  minikube update-context -p %s", m.opts.Profile, m.opts.Profile)
		}
	}
	c, err := m.open(ctx, p)
	if err != nil {
		return nil, "", err
	}
	return c, plan.did, m.finish(ctx, c, step)
}

// open returns a running profile as a Cluster, without its registry.
func (m *Minikube) open(ctx context.Context, p *profile) (*Cluster, error) {
	clients, err := loadContext(m.opts.Kubeconfig, m.opts.Profile)
	if err == nil {
		err = alive(ctx, clients)
	}
	if err != nil { // the file is missing, or a restart changed the API server's port
		if err := m.cli.run(ctx, "update-context", "--profile="+m.opts.Profile); err != nil {
			return nil, err
		}
		if clients, err = loadContext(m.opts.Kubeconfig, m.opts.Profile); err != nil {
			return nil, err
		}
	}
	return &Cluster{
		Provider: "minikube", Name: m.opts.Profile, Context: m.opts.Profile, Kubeconfig: m.opts.Kubeconfig, Clients: clients,
		ports: m.cli.published(ctx, p), node: p.address(),
	}, nil
}

// explainNodeDisk adds the node's disk to an error that says that a disk is full.
// The disk's folder and free space are unknown.
func explainNodeDisk(err error) error {
	disk := host.Disk{Of: "the cluster's node"}
	if _, pressure := errors.AsType[*diskPressure](err); pressure {
		return disk.Blame(err)
	}
	return disk.Explain(err)
}

// alive asks an API server for its version, with a short bound.
func alive(ctx context.Context, clients *kube.Clients) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, err := serverVersion(ctx, clients.Clientset)
	return err
}

// finish waits for readiness, and at the same time for the registry.
func (m *Minikube) finish(ctx context.Context, c *Cluster, step *progress.Step) error {
	client := c.Clients.Clientset
	both, inTime := errgroup.WithContext(ctx)
	both.Go(func() error { return waitReady(inTime, client, time.Time{}, m.bound, complete, step.Update) })
	both.Go(func() error { return m.registry(inTime, c, client, step) })
	err := both.Wait()
	if err == nil {
		announced := c.Registry
		if c.close != nil {
			announced.Push = "" // a port-forward ends with this process
		}
		err = announceRegistry(ctx, client, announced)
	}
	if err != nil {
		c.Close()
	}
	return explainPressure(ctx, client, err)
}

// registry enables the addon where it is missing, and finds its address.
func (m *Minikube) registry(ctx context.Context, c *Cluster, client kubernetes.Interface, step *progress.Step) error {
	if m.publishedRegistry(ctx, c) == nil {
		return nil
	}
	// If a published port does not answer, any part of the addon may be missing.
	// Enabling the addon twice is harmless.
	if _, published := c.Published(RegistryPort); published || registryPodNotReady(ctx, client) != "" {
		step.Update("enabling the registry addon")
		if err := m.cli.run(ctx, m.addonArgs()...); err != nil {
			return err
		}
	}
	return m.reachRegistry(ctx, c, client, step)
}

// publishedRegistry sets the registry to the port that the drivers docker and
// podman publish, if the registry answers there.
func (m *Minikube) publishedRegistry(ctx context.Context, c *Cluster) error {
	push, ok := c.Published(RegistryPort)
	if !ok {
		return fmt.Errorf("the driver publishes no port for the image registry")
	}
	if err := answers(ctx, push); err != nil {
		return err
	}
	c.Registry = Registry{Push: push, Pull: pullAddress}
	return nil
}

// reachRegistry waits for the registry at its published port, or else behind a
// port-forward, which works with every driver. It does not use the node's own
// address: if the cluster is removed, pushes to that address could leave this
// machine.
func (m *Minikube) reachRegistry(ctx context.Context, c *Cluster, client kubernetes.Interface, step *progress.Step) error {
	step.Update("waiting for the image registry")
	if push, ok := c.Published(RegistryPort); ok {
		if err := waitRegistry(ctx, client, m.bound, func(ctx context.Context) error { return answers(ctx, push) }); err != nil {
			return err
		}
		c.Registry = Registry{Push: push, Pull: pullAddress}
		return nil
	}
	var push string
	var stop func()
	err := poll(m.bound).Until(ctx, func(context.Context) (err error) {
		push, stop, err = Forward(context.WithoutCancel(ctx), c.Clients, ServicePort{metav1.NamespaceSystem, registryName, intstr.FromInt32(80)}, 0)
		return err
	})
	if err != nil {
		return err
	}
	if err := waitRegistry(ctx, client, m.bound, func(ctx context.Context) error { return answers(ctx, push) }); err != nil {
		stop()
		return err
	}
	c.Registry, c.close = Registry{Push: push, Pull: pullAddress}, stop
	return nil
}

// Find returns the cluster if the profile runs. It asks minikube for the state only
// if the API server in the kubeconfig file does not answer.
func (m *Minikube) Find(ctx context.Context) (*Cluster, error) {
	p, err := m.cli.profile(ctx, m.opts.Profile)
	if err != nil {
		return nil, fmt.Errorf("find minikube profile %q: %w", m.opts.Profile, err)
	}
	if p == nil {
		return nil, nil
	}
	if clients, err := loadContext(m.opts.Kubeconfig, m.opts.Profile); err != nil || alive(ctx, clients) != nil {
		status, err := m.cli.status(ctx, m.opts.Profile)
		if err != nil {
			return nil, fmt.Errorf("find minikube profile %q: %w", m.opts.Profile, err)
		}
		if !status.running() {
			return nil, nil
		}
	}
	c, err := m.open(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("find minikube profile %q: %w", m.opts.Profile, err)
	}
	if err := m.publishedRegistry(ctx, c); err != nil {
		c.Registry = Registry{}
	}
	return c, nil
}

// Delete removes a profile that Ensure created, and keeps any other.
func (m *Minikube) Delete(ctx context.Context) (removed []string, err error) {
	step := m.opts.Progress.Start("cluster", m.subject())
	p, err := m.cli.profile(ctx, m.opts.Profile)
	if err != nil {
		return nil, step.Fail(fmt.Errorf("delete minikube profile %q: %w", m.opts.Profile, err))
	}
	outcome, why := "absent", "nothing to remove"
	switch {
	case p != nil && p.ours():
		step.Update("deleting")
		if err := m.cli.run(ctx, "delete", "--profile="+m.opts.Profile); err != nil {
			return nil, step.Fail(err)
		}
		removed = append(removed, fmt.Sprintf("minikube profile %q", m.opts.Profile))
	case p != nil:
		outcome, why = "kept", "the pipeline did not create the profile"
	}
	if _, err := removeFile(m.unfinishedFile()); err != nil {
		return removed, step.Fail(err)
	}
	gone, err := removeFile(m.opts.Kubeconfig)
	if err != nil {
		return removed, step.Fail(err)
	}
	if gone {
		removed = append(removed, fmt.Sprintf("file %q", m.opts.Kubeconfig))
	}
	if len(removed) > 0 && outcome == "absent" {
		outcome, why = "removed", strings.Join(removed, ", ")
	}
	step.Done(outcome, why)
	return removed, nil
}

// Ours tells whether Ensure created the profile, or would create it.
func (m *Minikube) Ours(ctx context.Context) (bool, error) {
	p, err := m.cli.profile(ctx, m.opts.Profile)
	if err != nil {
		return false, fmt.Errorf("read the status of minikube profile %q: %w", m.opts.Profile, err)
	}
	return p == nil || p.ours(), nil
}

// Status asks minikube and, if the profile runs, its API server.
func (m *Minikube) Status(ctx context.Context) (Status, error) {
	s := Status{Provider: "minikube", Name: m.opts.Profile, State: Absent}
	p, err := m.cli.profile(ctx, m.opts.Profile)
	if err != nil {
		return s, fmt.Errorf("read the status of minikube profile %q: %w", m.opts.Profile, err)
	}
	if p == nil {
		return s, nil
	}
	status, err := m.cli.status(ctx, m.opts.Profile)
	if err != nil {
		return s, fmt.Errorf("read the status of minikube profile %q: %w", m.opts.Profile, err)
	}
	s.State, s.Detail = status.state()
	if s.State != Running {
		s.Ports = map[int]int{}
		for host, target := range p.ports() {
			s.Ports[target] = host
		}
		return s, nil
	}
	c, err := m.open(ctx, p)
	if err != nil {
		return s, fmt.Errorf("read the status of minikube profile %q: %w", m.opts.Profile, err)
	}
	s.Ports = c.ports
	c.Registry.Pull = pullAddress
	c.Registry.Push, _ = c.Published(RegistryPort)
	return observe(ctx, s, c, time.Time{}), nil
}
