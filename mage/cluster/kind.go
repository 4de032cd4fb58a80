package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"todo-chatbot/mage/progress"
)

const (
	defaultBound  = 3 * time.Minute
	registryGrace = 30 * time.Second
)

// KindOptions shapes a kind cluster of one node.
type KindOptions struct {
	// Name of the cluster; empty means "todo".
	Name string
	// Kubeconfig is the path of a file of this cluster's own. Required; no
	// other kubeconfig is read or written.
	Kubeconfig string
	// NodeImage gives the node's image, in the engine's store or for the engine
	// to pull. It is called only when a node must be made; nil means the image
	// of kind's release.
	NodeImage func(ctx context.Context) (ref string, err error)
	// RegistryImage gives the registry's image. With an archive (docker or OCI)
	// it is put into the node first, and the archive closed; without, the node
	// pulls it unless it has it. It is called only when no registry answers.
	// nil leaves the cluster without a registry.
	RegistryImage func(ctx context.Context) (ref string, archive io.ReadCloser, err error)
	// Ports leads ports of 127.0.0.1 to node ports. A cluster that runs already
	// keeps the ports that it was made with.
	Ports map[int]int
	// Restricted fits the kubelet to a host with cgroup v1 or without
	// CAP_SYS_RESOURCE.
	Restricted bool
	// DisableDefaultCNI is for a node image that has a network of its own.
	DisableDefaultCNI bool
	// KubeadmPatches and ContainerdPatches are merge patches, as kind takes them.
	KubeadmPatches    []string
	ContainerdPatches []string
	// Bound on each wait: for the API server, for readiness, for the registry.
	// 0 means three minutes.
	Bound    time.Duration
	Progress *progress.Reporter
}

func (o *KindOptions) validate() error {
	var problems []error
	if !validName(o.Name) {
		problems = append(problems, fmt.Errorf("cluster name %q: use up to 50 lower-case letters, digits, dots and dashes, starting with a letter or digit", o.Name))
	}
	if o.Kubeconfig == "" {
		problems = append(problems, errors.New("the path of the cluster's kubeconfig is missing"))
	}
	seen := map[int]int{}
	for host, node := range o.Ports {
		if host < 1 || host > 65535 {
			problems = append(problems, fmt.Errorf("host port %d for node port %d: use 1 to 65535", host, node))
		}
		if node < 30000 || node > 32767 {
			problems = append(problems, fmt.Errorf("node port %d for host port %d: use 30000 to 32767", node, host))
		}
		if other, twice := seen[node]; twice {
			problems = append(problems, fmt.Errorf("node port %d is given two host ports, %d and %d", node, min(host, other), max(host, other)))
		}
		seen[node] = host
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(problems...)
}

// validName holds a name to what kind, host names and kubeconfig contexts take.
func validName(name string) bool {
	if name == "" || len(name) > 50 || name[0] == '.' || name[0] == '-' {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == ""
}

// Kind is a Provider of kind clusters on Docker. kind runs the docker command,
// which must be on the PATH and reach the same engine as the client given.
type Kind struct {
	docker *client.Client
	opts   KindOptions
	taken  func(ctx context.Context, port int) bool
}

var _ Provider = (*Kind)(nil)

// NewKind checks the options and reports every problem in them.
func NewKind(docker *client.Client, opts KindOptions) (*Kind, error) {
	if opts.Name == "" {
		opts.Name = "todo"
	}
	if opts.Bound <= 0 {
		opts.Bound = defaultBound
	}
	if err := opts.validate(); err != nil {
		return nil, err
	}
	return &Kind{docker: docker, opts: opts, taken: portTaken}, nil
}

func (k *Kind) context() string { return "kind-" + k.opts.Name }
func (k *Kind) subject() string { return "kind/" + k.opts.Name }

// Ensure makes, starts or remakes the cluster as needed.
func (k *Kind) Ensure(ctx context.Context) (*Cluster, error) {
	step := k.opts.Progress.Start("cluster", k.subject())
	c, did, err := k.ensure(ctx, step)
	if err != nil {
		return nil, step.Fail(fmt.Errorf("ensure cluster %q: %w", k.opts.Name, err))
	}
	detail := "ports " + portList(c.ports)
	if len(c.ports) == 0 {
		detail = ""
	}
	for host, node := range k.opts.Ports {
		if c.ports[node] != host {
			did = append(did, "it keeps the ports that it was made with (cluster:down, then cluster:up changes them)")
			break
		}
	}
	step.Done("ready", strings.Trim(strings.Join(did, ", ")+"; "+detail, "; "))
	return c, nil
}

// ensure repeats: look, decide, act, until the cluster can be used. did says
// what was done and why, for a person.
func (k *Kind) ensure(ctx context.Context, step *progress.Step) (c *Cluster, did []string, err error) {
	made, started := false, false
	for {
		n, err := k.node(ctx)
		if err != nil {
			return nil, did, err
		}
		found := n.known()
		next := decide(found)
		if next == use {
			step.Update("waiting for the API server")
			if found, err = k.probe(ctx, n, found); err != nil {
				return nil, did, err
			}
			next = decide(found)
		}
		switch {
		case next == refuse:
			return nil, did, &NotOurs{What: fmt.Sprintf("container %q", n.name), Why: found.why()}
		case next == remake && made || next == start && started:
			return nil, did, fmt.Errorf("the node does not stay up: %s; see docker logs %s", found.why(), n.name)
		case next == remake:
			step.Update("removing what is left: %s", found.why())
			if err := k.removeNode(ctx, n.name); err != nil {
				return nil, did, err
			}
			did = append(did, "made anew: "+found.why())
		case next == create:
			if err := k.create(ctx, step); err != nil {
				return nil, did, err
			}
			made = true
			if len(did) == 0 {
				did = append(did, "created")
			}
		case next == start:
			step.Update("starting the node")
			if err := k.start(ctx, n); err != nil {
				return nil, did, err
			}
			started = true
			did = append(did, "started again")
		default:
			c, err := k.open(n)
			if err != nil {
				return nil, did, err
			}
			return c, did, k.finish(ctx, c, n, made, step)
		}
	}
}

// open describes a node as a Cluster and refreshes its kubeconfig file.
func (k *Kind) open(n *node) (*Cluster, error) {
	api, ok := n.published[apiPort]
	if !ok {
		return nil, fmt.Errorf("the API server of %q is not published on %s", n.name, loopback)
	}
	kubeconfig, err := kubeconfigFor(n.adminConf, k.context(), fmt.Sprintf("https://%s:%d", loopback, api))
	if err != nil {
		return nil, err
	}
	cfg, err := restConfig(kubeconfig, k.context())
	if err != nil {
		return nil, err
	}
	if err := writeKubeconfig(k.opts.Kubeconfig, kubeconfig); err != nil {
		return nil, err
	}
	return &Cluster{
		Provider: "kind", Name: k.opts.Name, Context: k.context(), Kubeconfig: k.opts.Kubeconfig, REST: cfg,
		Registry: Registry{Push: n.registryAddress(), Pull: pullAddress},
		ports:    n.nodePorts(),
	}, nil
}

// finish waits for readiness and sees to the registry at the same time.
func (k *Kind) finish(ctx context.Context, c *Cluster, n *node, made bool, step *progress.Step) error {
	client, err := kubernetes.NewForConfig(c.REST)
	if err != nil {
		return err
	}
	if made {
		if err := fitDNS(ctx, client); err != nil {
			return err
		}
	}
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		err := waitReady(ctx, client, n.startedAt, k.opts.Bound, step.Update)
		step.Update("waiting for the image registry")
		return err
	})
	both.Go(func() error { return k.registry(ctx, c, client) })
	return both.Wait()
}

func (k *Kind) registry(ctx context.Context, c *Cluster, client kubernetes.Interface) error {
	if k.opts.RegistryImage == nil {
		c.Registry = Registry{}
		return nil
	}
	if answers(ctx, c.Registry.Push) == nil {
		return announceRegistry(ctx, client, c.Registry)
	}
	_, err := client.AppsV1().Deployments(metav1.NamespaceSystem).Get(ctx, registryName, metav1.GetOptions{})
	if err == nil { // it was there before a restart of the node and is likely to come back
		if poll(ctx, registryGrace, func(ctx context.Context) error { return answers(ctx, c.Registry.Push) }) == nil {
			return announceRegistry(ctx, client, c.Registry)
		}
	}
	ref, archive, err := k.opts.RegistryImage(ctx)
	if err != nil {
		return fmt.Errorf("get the registry's image: %w", err)
	}
	if archive != nil {
		defer archive.Close()
		if err := k.LoadImage(ctx, archive); err != nil {
			return err
		}
	}
	return ensureRegistry(ctx, client, RegistryOptions{Image: ref, Push: c.Registry.Push, Bound: k.opts.Bound})
}

// Find returns the cluster if its node runs.
func (k *Kind) Find(ctx context.Context) (*Cluster, error) {
	n, err := k.node(ctx)
	if err != nil {
		return nil, fmt.Errorf("find cluster %q: %w", k.opts.Name, err)
	}
	if decide(n.known()) != use {
		return nil, nil
	}
	c, err := k.open(n)
	if err != nil {
		return nil, fmt.Errorf("find cluster %q: %w", k.opts.Name, err)
	}
	if err := answers(ctx, c.Registry.Push); err != nil {
		c.Registry = Registry{}
	}
	return c, nil
}

// Delete removes the node with its volume, the kubeconfig file, and the network
// if this package made it and nothing else is attached to it.
func (k *Kind) Delete(ctx context.Context) (removed []string, err error) {
	step := k.opts.Progress.Start("cluster", k.subject())
	n, err := k.node(ctx)
	if err != nil {
		return nil, step.Fail(fmt.Errorf("delete cluster %q: %w", k.opts.Name, err))
	}
	if n.exists && !n.ours {
		return nil, step.Fail(&NotOurs{What: fmt.Sprintf("container %q", n.name), Why: n.known().why()})
	}
	if n.exists {
		if err := k.removeNode(ctx, n.name); err != nil {
			return nil, step.Fail(err)
		}
		removed = append(removed, fmt.Sprintf("container %q with its volume", n.name))
	}
	gone, err := k.removeNetwork(ctx)
	if err != nil {
		return removed, step.Fail(err)
	}
	if gone {
		removed = append(removed, fmt.Sprintf("network %q", networkName))
	}
	for _, path := range []string{k.opts.Kubeconfig, k.opts.Kubeconfig + ".lock"} {
		gone, err := removeFile(path)
		if err != nil {
			return removed, step.Fail(err)
		}
		if gone && path == k.opts.Kubeconfig {
			removed = append(removed, fmt.Sprintf("file %q", path))
		}
	}
	if len(removed) == 0 {
		step.Done("absent", "nothing to remove")
	} else {
		step.Done("removed", strings.Join(removed, ", "))
	}
	return removed, nil
}

// Status looks at the node and, if it runs, asks its API server once.
func (k *Kind) Status(ctx context.Context) (Status, error) {
	s := Status{Provider: "kind", Name: k.opts.Name}
	n, err := k.node(ctx)
	if err != nil {
		return s, fmt.Errorf("look at cluster %q: %w", k.opts.Name, err)
	}
	found := n.known()
	s.Ports = n.nodePorts()
	switch decide(found) {
	case create:
		s.State = Absent
		return s, nil
	case start:
		s.State = Stopped
		return s, nil
	case remake, refuse:
		s.State, s.Detail = Broken, found.why()
		return s, nil
	}
	c, err := k.open(n)
	if err != nil {
		return s, fmt.Errorf("look at cluster %q: %w", k.opts.Name, err)
	}
	return observe(ctx, s, c.REST, c.Registry, n.startedAt), nil
}

// observe completes the status of a cluster that should answer.
func observe(ctx context.Context, s Status, cfg *rest.Config, registry Registry, since time.Time) Status {
	ctx, cancel := context.WithTimeout(ctx, pollTry)
	defer cancel()
	client, err := kubernetes.NewForConfig(cfg)
	if err == nil {
		s.Kubernetes, err = serverVersion(ctx, client)
	}
	if err != nil {
		s.State, s.Detail = Broken, err.Error()
		return s
	}
	s.State = Running
	s.NotReady = notReady(ctx, client, since)
	if registry.Push == "" {
		return s
	}
	if err := answers(ctx, registry.Push); err != nil {
		s.NotReady = append(s.NotReady, err.Error())
		return s
	}
	s.Registry = registry
	return s
}
