// Package cluster gives the pipeline a running Kubernetes cluster with an image
// registry: it makes one with kind, drives Minikube, or takes an existing
// kubeconfig context. It installs neither engines nor applications.
//
// Everything it reports is read from the engine and the cluster; no state file
// decides anything. It takes no lock: two Ensure or Delete calls on the same
// name must not run at the same time.
package cluster

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/registry"
)

// RegistryPort is where a node serves the image registry, on kind as on
// Minikube: pods pull localhost:5000/NAME.
const RegistryPort = 5000

// pullAddress is the registry's name inside the cluster. containerd speaks plain
// HTTP to localhost by itself (ConfigureHosts in its remotes/docker/config), so
// the node needs no further setting.
const pullAddress = "localhost:5000"

const loopback = "127.0.0.1"

// Cluster is a running cluster.
type Cluster struct {
	Provider   string // "kind", "minikube" or "context"
	Name       string
	Context    string // the context in Kubeconfig
	Kubeconfig string // path of a file with that context
	Clients    *kube.Clients
	Registry   Registry

	ports map[int]int // node port → port on 127.0.0.1
	node  netip.Addr  // the node's own address, where this machine may be on its network
	// settle waits for what Ensure did not; nil means for nothing.
	settle func(context.Context) error
	close  func()
}

// Registry holds the two names of one image registry, both without a scheme.
type Registry struct {
	Push  string          // from this machine
	Pull  string          // from a pod's container runtime
	Login *registry.Login // of the cluster's own registry; nil where it has none
}

// Published returns the address on this machine that leads to a node port; ok
// is false where the port is not published.
func (c *Cluster) Published(nodePort int) (addr string, ok bool) {
	port, ok := c.ports[nodePort]
	if !ok {
		return "", false
	}
	return net.JoinHostPort(loopback, strconv.Itoa(port)), true
}

// Settle waits for the rest of a cluster that was made a moment ago: it takes a
// release some seconds before its DNS answers the release's pods.
func (c *Cluster) Settle(ctx context.Context) error {
	if c.settle == nil {
		return nil
	}
	if err := c.settle(ctx); err != nil {
		return fmt.Errorf("cluster %q: %w", c.Name, err)
	}
	return nil
}

// Close ends what keeps the registry reachable, such as a port-forward. The
// cluster runs on.
func (c *Cluster) Close() {
	if c != nil && c.close != nil {
		c.close()
	}
}

// Provider makes, finds and removes one cluster.
type Provider interface {
	// Ensure returns the cluster, ready for a release, with a registry that
	// answers. It creates, starts or remakes what is missing.
	Ensure(ctx context.Context) (*Cluster, error)
	// Find returns the cluster if it runs, else nil. It waits for nothing and
	// changes nothing but its kubeconfig file, which it brings up to date;
	// Registry is empty unless it answers.
	Find(ctx context.Context) (*Cluster, error)
	// Delete removes what Ensure made and names it; nothing there is no error.
	Delete(ctx context.Context) (removed []string, err error)
	// Status says how the cluster is, without changing it.
	Status(ctx context.Context) (Status, error)
	// Ours tells whether Delete would remove the cluster itself, with all that is
	// in it. One that is not there yet would be ours.
	Ours(ctx context.Context) (bool, error)
}

// Unreachable says that a cluster could not be asked. That says nothing about
// what is in it.
type Unreachable struct {
	Cluster string
	Cause   error
}

func (u *Unreachable) Error() string {
	return fmt.Sprintf("cluster %q could not be asked: %v: check that it runs, that this machine reaches it, and that you are logged in", u.Cluster, u.Cause)
}

func (u *Unreachable) Unwrap() error { return u.Cause }

// State is how a cluster is.
type State string

// The states of a cluster.
const (
	Absent  State = "absent"
	Stopped State = "stopped"
	Broken  State = "broken" // its creation was interrupted, or its API does not answer
	Running State = "running"
)

// Status describes a cluster to a person.
type Status struct {
	Provider   string
	Name       string
	State      State
	Detail     string // why, where the state alone does not say it
	Kubernetes string // version of the API server
	Registry   Registry
	Ports      map[int]int // node port → port on 127.0.0.1
	NotReady   []string    // what is not ready, in words
	Policies   string      // what holds pods to NetworkPolicies; "" where nothing does that is known
}

// PortInUse says that a port on 127.0.0.1 is taken by another program.
type PortInUse struct {
	Port   int
	Target int    // the port of the node that it was to lead to
	Made   bool   // the cluster exists and was made with this port
	Holder string // the program that has it, where that is known
}

func (e *PortInUse) Error() string {
	holder, cure := "another program", "stop that program, or choose another host port in the cluster's ports setting"
	if e.Holder != "" {
		holder = e.Holder
	}
	if e.Made {
		// An engine cannot change the ports of a container that exists.
		cure = "stop that program and run this again, and nothing is lost; the ports of a cluster that exists cannot be changed, " +
			"so the only other way is a new cluster: `mage cluster:down` and a deploy with another port, which " + LosesData
	}
	return fmt.Sprintf("port %d on %s, which is to lead to the node's port %d, is used by %s: %s", e.Port, loopback, e.Target, holder, cure)
}

// LosesData ends every cure that removes a cluster.
const LosesData = "loses the data in its volumes (`mage db:backup` saves that of a database, while the cluster runs)"

// NotOurs says that something has the cluster's name but was made by someone
// else, so it is neither used nor removed.
type NotOurs struct {
	What string
	Why  string
}

func (e *NotOurs) Error() string {
	return fmt.Sprintf("%s was not made by this pipeline (%s): choose another cluster name, or remove it yourself", e.What, e.Why)
}

// Damaged says that a cluster which was once complete cannot be used any more.
// It is not made anew by itself, since that would lose what is in it.
type Damaged struct {
	Node  string   // its container
	Why   string   // the last that was seen of it
	Tried []string // what was done about it, in the past tense
}

func (e *Damaged) Error() string {
	tried := ""
	if len(e.Tried) > 0 {
		tried = " (" + strings.Join(e.Tried, ", ") + ")"
	}
	return fmt.Sprintf("container %q%s: %s; it was complete once, so it is not made anew, which would lose its data: "+
		"`docker logs %s` shows what it does, `docker restart %s` may bring it back and loses nothing; `mage cluster:down` and a deploy make a new one, which %s",
		e.Node, tried, e.Why, e.Node, e.Node, LosesData)
}

// Auto chooses a provider: "minikube" where that program is installed, else
// "kind". lookPath is exec.LookPath.
func Auto(lookPath func(file string) (string, error)) string {
	if _, err := lookPath("minikube"); err == nil {
		return "minikube"
	}
	return "kind"
}

// portList writes ports for a person: "127.0.0.1:8080 → 30080".
func portList(ports map[int]int) string {
	var words []string
	for _, node := range slices.Sorted(maps.Keys(ports)) {
		words = append(words, fmt.Sprintf("%s:%d → %d", loopback, ports[node], node))
	}
	return strings.Join(words, ", ")
}
