package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/client"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"todo-chatbot/mage/progress"
	"todo-chatbot/mage/registry"
)

const (
	defaultBound = 3 * time.Minute
	// leftoverBound is the bound of the wait for the API server of an incomplete
	// node. It is short, because such a node can be recreated.
	leftoverBound = 15 * time.Second
	// loginBound is the bound of one request for the registry's login.
	loginBound = 2 * time.Second
)

// KindOptions configure a kind cluster of one node.
type KindOptions struct {
	// Name of the cluster. Required.
	Name string
	// Kubeconfig is the path of the cluster's own file. Required; no other
	// kubeconfig is read or written.
	Kubeconfig string
	// NodeImage returns the reference of the node's image, which the engine has or
	// can pull. It is called only before a node is created. Required.
	NodeImage func(ctx context.Context) (ref string, err error)
	// RegistryImage is the reference of the image registry's image, which the
	// node pulls unless its store has it. Required.
	RegistryImage string
	// Ports maps ports of 127.0.0.1 to the node ports that are published there. An
	// existing cluster keeps the ports with which it was created.
	Ports map[int]int
	// Restricted configures the kubelet for a host with cgroup v1 or without
	// CAP_SYS_RESOURCE.
	Restricted bool
	// DisableDefaultCNI is for a node image that configures its own pod network.
	DisableDefaultCNI bool
	// Reason is Auto's reason for this provider, for the progress line. It may be
	// empty.
	Reason   string
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
	if o.NodeImage == nil || o.RegistryImage == "" {
		problems = append(problems, errors.New("the images of the node and of the image registry are missing"))
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

// validName tells whether kind, host names and kubeconfig contexts accept a name.
func validName(name string) bool {
	if name == "" || len(name) > 50 || name[0] == '.' || name[0] == '-' {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == ""
}

// Kind is a Provider of kind clusters on Docker. kind runs the docker command,
// which must be on the PATH and must use the same engine as the client.
type Kind struct {
	docker *client.Client
	opts   KindOptions
	taken  func(ctx context.Context, port int) bool

	bound    time.Duration // of each wait: for the API server, for readiness, for the registry
	freezers string        // see thaw
}

var _ Provider = (*Kind)(nil)

// NewKind validates the options and reports all their problems.
func NewKind(docker *client.Client, opts KindOptions) (*Kind, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	return &Kind{docker: docker, opts: opts, taken: portTaken, bound: defaultBound, freezers: freezers}, nil
}

func (k *Kind) context() string { return "kind-" + k.opts.Name }
func (k *Kind) subject() string { return "kind/" + k.opts.Name }

func (k *Kind) nodeName() string { return k.opts.Name + "-control-plane" }

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
	if c.Registry.Login, err = k.login(ctx, c); err == nil {
		err = k.usable(ctx, n.name, c.Registry.Push, c.Registry.Login)
	}
	if err != nil {
		c.Registry = Registry{} // Ensure repairs it
	}
	return c, nil
}

// login reads the registry's login from the API server, without a retry.
func (k *Kind) login(ctx context.Context, c *Cluster) (*registry.Login, error) {
	ctx, cancel := context.WithTimeout(ctx, loginBound)
	defer cancel()
	return findLogin(ctx, c.Clients.Clientset)
}

// Delete removes the node with its volume, the kubeconfig file, and the network if
// this package created it and no other container uses it.
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

// Ours is true: Delete refuses a cluster of this name that is not ours.
func (k *Kind) Ours(context.Context) (bool, error) { return true, nil }

// Status inspects the node and, if it runs, asks its API server once.
func (k *Kind) Status(ctx context.Context) (Status, error) {
	s := Status{Provider: "kind", Name: k.opts.Name}
	n, err := k.node(ctx)
	if err != nil {
		return s, fmt.Errorf("read the status of cluster %q: %w", k.opts.Name, err)
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
	case recreate, refuse, giveUp:
		s.State, s.Detail = Broken, found.why()
		return s, nil
	}
	c, err := k.open(n)
	if err != nil {
		return s, fmt.Errorf("read the status of cluster %q: %w", k.opts.Name, err)
	}
	s = observe(ctx, s, c, n.startedAt)
	if s.Registry.Push == "" {
		return s, nil
	}
	login, err := k.login(ctx, c)
	if err == nil {
		err = k.usable(ctx, n.name, s.Registry.Push, login)
	}
	if err != nil {
		s.NotReady = append(s.NotReady, err.Error()+": `mage cluster:up` repairs its login")
	}
	return s, nil
}

// observe completes the status of a running cluster with the answers of its API
// server and its registry.
func observe(ctx context.Context, s Status, c *Cluster, since time.Time) Status {
	ctx, cancel := context.WithTimeout(ctx, pollTry)
	defer cancel()
	client := c.Clients.Clientset
	var err error
	if s.Kubernetes, err = serverVersion(ctx, client); err != nil {
		s.State, s.Detail = Broken, err.Error()
		return s
	}
	s.State = Running
	checks := complete
	if s.Provider == contextProvider {
		checks = existing()
	}
	s.NotReady = notReady(ctx, client, since, checks)
	if s.Policies, err = policyEnforcer(ctx, client); err != nil && !apierrors.IsForbidden(err) {
		s.NotReady = append(s.NotReady, err.Error())
	}
	if c.Registry.Push == "" {
		return s
	}
	if err := answers(ctx, c.Registry.Push); err != nil {
		s.NotReady = append(s.NotReady, err.Error())
		return s
	}
	s.Registry = c.Registry
	return s
}
