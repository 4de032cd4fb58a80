// Package cluster provides a running Kubernetes cluster with an image registry: it
// creates one with kind, runs Minikube, or uses the context of a kubeconfig. It
// installs neither engines nor applications.
//
// It reads all facts from the engine and the cluster and keeps no state file. It
// takes no lock: two calls of Ensure or Delete for the same cluster must not run
// at the same time.
package cluster

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/registry"
)

// RegistryPort is the port of a node that serves the image registry, with kind and
// with Minikube: pods pull localhost:5000/NAME.
const RegistryPort = 5000

// pullAddress is the registry's address inside the cluster. containerd uses plain
// HTTP for localhost by default (ConfigureHosts in its remotes/docker/config), so
// that a node needs no setting.
const pullAddress = "localhost:5000"

const loopback = "127.0.0.1"

// Cluster is a running cluster.
type Cluster struct {
	Provider   string // "kind", "minikube" or "context"
	Name       string
	Context    string // the context in Kubeconfig
	Kubeconfig string // path of a file with that context, or several separated as in PATH
	Clients    *kube.Clients
	Registry   Registry

	ports map[int]int // node port → port on 127.0.0.1
	node  netip.Addr  // the node's own address; invalid where this machine cannot be on its network
	// settle waits for the parts for which Ensure did not wait. It may be nil.
	settle func(context.Context) error
	close  func()
}

// Registry holds the two addresses of one image registry, without a scheme.
type Registry struct {
	Push  string          // for this machine
	Pull  string          // for the container runtime of the nodes
	Login *registry.Login // nil where the registry has none that this pipeline made
}

// Published returns the address on this machine at which a node port is published;
// ok is false where it is not published.
func (c *Cluster) Published(nodePort int) (addr string, ok bool) {
	port, ok := c.ports[nodePort]
	if !ok {
		return "", false
	}
	return net.JoinHostPort(loopback, strconv.Itoa(port)), true
}

// Settle waits for the remaining parts of a new cluster. Ensure returns such a
// cluster before its DNS is ready, because a release can be installed without it.
func (c *Cluster) Settle(ctx context.Context) error {
	if c.settle == nil {
		return nil
	}
	if err := c.settle(ctx); err != nil {
		return fmt.Errorf("cluster %q: %w", c.Name, err)
	}
	return nil
}

// Close ends the port-forward to the registry, if there is one. The cluster keeps
// running.
func (c *Cluster) Close() {
	if c != nil && c.close != nil {
		c.close()
	}
}

// Provider creates, finds and removes one cluster.
type Provider interface {
	// Ensure returns the cluster, ready for a release, with a registry that
	// answers. It creates, starts or repairs the cluster as needed.
	Ensure(ctx context.Context) (*Cluster, error)
	// Find returns the cluster if it runs, else nil. It waits for nothing, and
	// changes nothing except the kubeconfig file, which it updates. Registry is
	// empty unless the registry answers.
	Find(ctx context.Context) (*Cluster, error)
	// Delete removes what Ensure created, and names it. It succeeds where nothing
	// exists.
	Delete(ctx context.Context) (removed []string, err error)
	// Status describes the cluster and changes nothing.
	Status(ctx context.Context) (Status, error)
	// Ours tells whether Delete removes the cluster with all its contents. It is
	// true for a cluster that Ensure would create.
	Ours(ctx context.Context) (bool, error)
}

// Unreachable says that a cluster does not answer, or refuses this user. The
// contents of the cluster are then unknown, not absent.
type Unreachable struct {
	Cluster string
	Cause   error
}

func (u *Unreachable) Error() string {
	return fmt.Sprintf("query cluster %q: %v: check that it runs, that this machine can reach it, and that you are logged in", u.Cluster, u.Cause)
}

func (u *Unreachable) Unwrap() error { return u.Cause }

// State is the state of a cluster.
type State string

// The states of a cluster.
const (
	Absent  State = "absent"
	Stopped State = "stopped"
	Paused  State = "paused"
	Broken  State = "broken" // its creation was interrupted, or its API server does not answer
	Running State = "running"
)

// Status describes a cluster to a person.
type Status struct {
	Provider   string
	Name       string
	State      State
	Detail     string // the reason for the state; may be empty
	Kubernetes string // version of the API server
	Registry   Registry
	Ports      map[int]int // node port → port on 127.0.0.1
	NotReady   []string    // messages about parts that are not ready
	Policies   string      // the component that enforces NetworkPolicies; "" where none is known
}

// PortInUse says that another program uses a port of 127.0.0.1.
type PortInUse struct {
	Port   int
	Target int    // the node port that the cluster publishes there
	Made   bool   // the cluster exists and was created with this port
	Holder string // the program that uses the port; "" where it is not known
}

func (e *PortInUse) Error() string {
	holder, fix := "another program", "stop that program, or choose another host port in the cluster's ports setting"
	if e.Holder != "" {
		holder = e.Holder
	}
	if e.Made {
		// An engine cannot change the ports of a container that exists.
		fix = "stop that program and run this command again: nothing is lost; the ports of an existing cluster are fixed, " +
			"so another port needs a new cluster: `mage cluster:down` and a deploy, which " + LosesData
	}
	return fmt.Sprintf("publish node port %d on %s:%d: %s uses this port: %s", e.Target, loopback, e.Port, holder, fix)
}

// LosesData ends the text of every fix that removes a cluster.
const LosesData = "deletes the data in its volumes (while the cluster runs, `mage db:backup` saves the database)"

// NotOurs says that a container with the cluster's name was not made by this
// pipeline, so that it is neither used nor removed.
type NotOurs struct {
	What string
	Why  string
}

func (e *NotOurs) Error() string {
	return fmt.Sprintf("%s was not made by this pipeline (%s): choose another cluster name, or remove it yourself", e.What, e.Why)
}

// Damaged says that a cluster that was complete does not work any more. Ensure
// does not recreate it, because that would delete its data.
type Damaged struct {
	Node  string   // the container
	Why   string   // the observed problem
	Tried []string // the actions that Ensure took, in the past tense
}

func (e *Damaged) Error() string {
	tried := ""
	if len(e.Tried) > 0 {
		tried = " (" + strings.Join(e.Tried, ", ") + ")"
	}
	return fmt.Sprintf("container %q%s: %s; the cluster was complete before, so it is not recreated, because that would delete its data: "+
		"`docker logs %s` shows its output, `docker restart %s` may repair it and keeps all data; `mage cluster:down` and a deploy create a new cluster, which %s",
		e.Node, tried, e.Why, e.Node, e.Node, LosesData)
}

// AutoOptions are the input of Auto.
type AutoOptions struct {
	// LookPath is exec.LookPath. Required.
	LookPath func(file string) (string, error)
	// Kind and Minikube are the paths of the kubeconfig files that the two providers
	// write for this cluster. Delete removes them, so a file shows that the cluster
	// exists, without a question to an engine. Required.
	Kind, Minikube string
}

// Choice is a cluster provider with the reason.
type Choice struct{ Provider, Reason string }

// Auto chooses a provider. An existing cluster has priority over an installed
// program, because another provider would create a second cluster without the data.
// If no cluster exists, Auto chooses Minikube where it is installed, else kind.
func Auto(o AutoOptions) Choice {
	_, err := o.LookPath("minikube")
	kind, minikube := exists(o.Kind), exists(o.Minikube)
	switch {
	case kind && !minikube:
		return Choice{"kind", "existing cluster"}
	case minikube && !kind:
		return Choice{"minikube", "existing cluster"}
	case err == nil:
		return Choice{"minikube", "minikube is installed"}
	default:
		return Choice{"kind", "minikube is not installed"}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// withReason adds the reason of Auto's choice, if there is one, to the detail of the
// progress line.
func withReason(detail, reason string) string {
	if reason == "" {
		return detail
	}
	return strings.TrimPrefix(detail+"; auto: "+reason, "; ")
}

// portList formats ports as in "127.0.0.1:8080 → 30080".
func portList(ports map[int]int) string {
	var words []string
	for _, node := range slices.Sorted(maps.Keys(ports)) {
		words = append(words, fmt.Sprintf("%s:%d → %d", loopback, ports[node], node))
	}
	return strings.Join(words, ", ")
}
