package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd/api"

	"todo-chatbot/mage/host"
	"todo-chatbot/mage/progress"
)

const registryGrace = 30 * time.Second

// Ensure makes or starts the cluster as needed, and makes it anew where it was
// never complete. One that was, and cannot be used any more, is Damaged.
func (k *Kind) Ensure(ctx context.Context) (*Cluster, error) {
	step := k.opts.Progress.Start("cluster", k.subject())
	c, did, err := k.ensure(ctx, step)
	if err != nil {
		return nil, step.Fail(k.explainDisk(ctx, fmt.Errorf("ensure cluster %q: %w", k.opts.Name, err)))
	}
	detail := "ports " + portList(c.ports)
	if len(c.ports) == 0 {
		detail = ""
	}
	for host, node := range k.opts.Ports {
		if c.ports[node] != host {
			did = append(did, "it keeps the ports that it was made with (`mage open` holds a port-forward to any other; cluster:down and cluster:up change them, which "+LosesData+")")
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
			bound := k.bound
			if !n.complete && !made && !started {
				bound = min(bound, leftoverBound)
			}
			if found, err = k.probe(ctx, n, found, bound); err != nil {
				return nil, did, err
			}
			next = decide(found)
		}
		switch {
		case next == refuse:
			return nil, did, &NotOurs{What: fmt.Sprintf("container %q", n.name), Why: found.why()}
		case next == giveUp:
			return nil, did, &Damaged{Node: n.name, Why: found.why(), Tried: did}
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
			n.fresh = made
			return c, did, k.finish(ctx, c, n, step)
		}
	}
}

// open describes a node as a Cluster and refreshes its kubeconfig file.
func (k *Kind) open(n *node) (*Cluster, error) {
	c, kubeconfig, err := k.describe(n)
	if err != nil {
		return nil, err
	}
	return c, writeKubeconfig(k.opts.Kubeconfig, kubeconfig)
}

func (k *Kind) describe(n *node) (*Cluster, *api.Config, error) {
	port, ok := n.published[apiPort]
	if !ok {
		return nil, nil, fmt.Errorf("the API server of %q is not published on %s", n.name, loopback)
	}
	kubeconfig, err := kubeconfigFor(n.adminConf, k.context(), fmt.Sprintf("https://%s:%d", loopback, port))
	if err != nil {
		return nil, nil, err
	}
	clients, err := connect(kubeconfig, k.context())
	if err != nil {
		return nil, nil, err
	}
	return &Cluster{
		Provider: "kind", Name: k.opts.Name, Context: k.context(), Kubeconfig: k.opts.Kubeconfig, Clients: clients,
		Registry: Registry{Push: n.registryAddress(), Pull: pullAddress},
		ports:    n.nodePorts(),
	}, kubeconfig, nil
}

// hasten begins, while kind still works on the rest, what needs no more than an
// API server: the registry's roll-out, and CoreDNS as one node wants it, before
// its pods start as kubeadm makes them. It tries until ctx ends, for kind may
// have an image to pull first. What it does not come to, finish does.
func (k *Kind) hasten(ctx context.Context) {
	var client kubernetes.Interface
	err := poll(unbounded).Until(ctx, func(ctx context.Context) (err error) {
		client, err = k.early(ctx)
		return err
	})
	if err != nil {
		return
	}
	_ = k.startRegistry(ctx, k.nodeName(), client)
	_ = poll(unbounded).Until(ctx, func(ctx context.Context) error { return fitDNS(ctx, client) })
}

// early connects to a node that is being made, once its API server lets the
// administrator in. kind writes the kubeconfig file meanwhile, so this does not.
func (k *Kind) early(ctx context.Context) (kubernetes.Interface, error) {
	n, err := k.node(ctx)
	if err != nil {
		return nil, err
	}
	c, _, err := k.describe(n)
	if err != nil {
		return nil, err
	}
	client := c.Clients.Clientset
	_, err = client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	return client, err
}

// finish waits for readiness and sees to the registry at the same time.
func (k *Kind) finish(ctx context.Context, c *Cluster, n *node, step *progress.Step) error {
	client := c.Clients.Clientset
	if n.fresh {
		if err := fitDNS(ctx, client); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	looks := whole
	if n.fresh { // whatever is there was started just now
		looks = installable
		c.settle = func(ctx context.Context) error {
			return waitReady(ctx, client, n.startedAt, k.bound, whole, func(string, ...any) {})
		}
	}
	both, inTime := errgroup.WithContext(ctx)
	both.Go(func() error {
		err := waitReady(inTime, client, n.startedAt, k.bound, looks, step.Update)
		step.Update("waiting for the image registry")
		return err
	})
	both.Go(func() error { return k.registry(inTime, c, n, client) })
	if err := both.Wait(); err != nil {
		return blamePressure(ctx, client, err)
	}
	return k.markComplete(ctx, n)
}

// registry waits for the registry, and makes it where there is none. One that
// was there before a restart of the node, or that hasten has started, is likely
// to come by itself. One without a login, of an older version of this pipeline,
// is given one in place: its images lie on the node.
func (k *Kind) registry(ctx context.Context, c *Cluster, n *node, client kubernetes.Interface) error {
	there := func(ctx context.Context) (err error) {
		if c.Registry.Login, err = findLogin(ctx, client); err != nil {
			return err
		}
		return k.usable(ctx, n.name, c.Registry.Push, c.Registry.Login)
	}
	err := there(ctx)
	if _, wrong := errors.AsType[*unguarded](err); err != nil && !wrong && registryExists(ctx, client) {
		err = poll(registryGrace).Until(ctx, there)
	}
	if err != nil {
		if err := k.startRegistry(ctx, n.name, client); err != nil {
			return err
		}
		if err := waitRegistry(ctx, client, k.bound, there); err != nil {
			return err
		}
	}
	return announceRegistry(ctx, client, c.Registry)
}

// startRegistry gives the node the registry's login, and begins the registry's
// roll-out. The node learns the login first: pulls go on meanwhile.
func (k *Kind) startRegistry(ctx context.Context, node string, client kubernetes.Interface) error {
	login, err := ensureLogin(ctx, client)
	if err != nil {
		return err
	}
	if err := k.tellNode(ctx, node, login); err != nil {
		return err
	}
	return applyRegistry(ctx, client, k.opts.RegistryImage, login)
}

// explainDisk adds to an error what is known of the engine's disk, if that is
// full. The node's images and volumes are on it too.
func (k *Kind) explainDisk(ctx context.Context, err error) error {
	_, pressure := errors.AsType[*diskPressure](err)
	if !pressure && !host.SaysFull(err.Error()) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pollTry)
	defer cancel()
	about, _ := k.docker.Info(ctx, client.InfoOptions{}) // an engine that does not answer does not tell its folder either
	return host.EngineDisk(k.docker.DaemonHost(), about.Info.DockerRootDir, about.Info.OperatingSystem).Blame(err)
}
