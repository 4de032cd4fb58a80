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

// Ensure creates or starts the cluster as needed, and recreates a cluster that was
// never complete. A complete cluster that does not work any more is *Damaged.
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
			did = append(did, "it keeps the ports with which it was created (`mage open` opens a port-forward; cluster:down and cluster:up change the ports, which "+LosesData+")")
			break
		}
	}
	step.Done("ready", withReason(strings.Trim(strings.Join(did, ", ")+"; "+detail, "; "), k.opts.Reason))
	return c, nil
}

// ensure inspects the node, decides and acts, until the cluster can be used. did
// lists its actions with their reasons.
func (k *Kind) ensure(ctx context.Context, step *progress.Step) (c *Cluster, did []string, err error) {
	created, started := false, false
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
			if !n.complete && !created && !started {
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
			return nil, did, &Damaged{Node: n.name, Why: k.why(ctx, found, step), Tried: did}
		case next == recreate && created || next == start && started:
			return nil, did, fmt.Errorf("the node does not keep running: %s: see `docker logs %s`", k.why(ctx, found, step), n.name)
		case next == recreate:
			step.Update("removing the incomplete node: %s", found.why())
			if err := k.removeNode(ctx, n.name); err != nil {
				return nil, did, err
			}
			did = append(did, "recreated: "+found.why())
		case next == create:
			if err := k.create(ctx, step); err != nil {
				return nil, did, err
			}
			created = true
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
			n.fresh = created
			return c, did, k.finish(ctx, c, n, step)
		}
	}
}

// why adds the node's own cause to the observed problem, if the cause is known.
func (k *Kind) why(ctx context.Context, found known, step *progress.Step) string {
	if cause := k.nodeCause(ctx, step); cause != "" {
		return fmt.Sprintf("%s: %s", found.why(), cause)
	}
	return found.why()
}

// open returns a node as a Cluster and updates the kubeconfig file.
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

// startEarly starts the registry's rollout and tunes CoreDNS as soon as the API
// server answers, while kind still creates the other parts. It retries until ctx
// ends, since kind may have to pull an image first. finish repeats the steps that
// startEarly did not complete.
func (k *Kind) startEarly(ctx context.Context) {
	var client kubernetes.Interface
	err := poll(unbounded).Until(ctx, func(ctx context.Context) (err error) {
		client, err = k.early(ctx)
		return err
	})
	if err != nil {
		return
	}
	_ = k.startRegistry(ctx, k.nodeName(), client)
	_ = poll(unbounded).Until(ctx, func(ctx context.Context) error { return tuneDNS(ctx, client) })
}

// early connects to a node that kind is creating. It fails until the API server
// accepts the administrator. It does not write the kubeconfig file, because kind
// writes it at the same time.
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

// finish waits for readiness, and at the same time for the registry. Then it marks
// the node as complete.
func (k *Kind) finish(ctx context.Context, c *Cluster, n *node, step *progress.Step) error {
	client := c.Clients.Clientset
	if n.fresh {
		if err := tuneDNS(ctx, client); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	checks := complete
	if n.fresh {
		checks = installable
		c.settle = func(ctx context.Context) error {
			return waitReady(ctx, client, n.startedAt, k.bound, complete, func(string, ...any) {})
		}
	}
	both, inTime := errgroup.WithContext(ctx)
	both.Go(func() error {
		err := waitReady(inTime, client, n.startedAt, k.bound, checks, step.Update)
		step.Update("waiting for the image registry")
		return err
	})
	both.Go(func() error { return k.registry(inTime, c, n, client) })
	if err := both.Wait(); err != nil {
		return explainPressure(ctx, client, err)
	}
	return k.markComplete(ctx, n)
}

// registry waits for the registry, and creates it where it is missing. A registry
// that existed before a restart of the node, or that startEarly started, needs
// only time. A registry without a login, which an older version of this pipeline
// created, gets a login and keeps its images, because they are on the node.
func (k *Kind) registry(ctx context.Context, c *Cluster, n *node, client kubernetes.Interface) error {
	usable := func(ctx context.Context) (err error) {
		if c.Registry.Login, err = findLogin(ctx, client); err != nil {
			return err
		}
		return k.usable(ctx, n.name, c.Registry.Push, c.Registry.Login)
	}
	err := usable(ctx)
	if _, wrong := errors.AsType[*wrongLogin](err); err != nil && !wrong && registryExists(ctx, client) {
		err = poll(registryGrace).Until(ctx, usable)
	}
	if err != nil {
		if err := k.startRegistry(ctx, n.name, client); err != nil {
			return err
		}
		if err := waitRegistry(ctx, client, k.bound, usable); err != nil {
			return err
		}
	}
	return announceRegistry(ctx, client, c.Registry)
}

// startRegistry writes the registry's login to the node and then starts the
// registry's rollout. In this order, pulls work throughout.
func (k *Kind) startRegistry(ctx context.Context, node string, client kubernetes.Interface) error {
	login, err := ensureLogin(ctx, client)
	if err != nil {
		return err
	}
	if err := k.writeLogin(ctx, node, login); err != nil {
		return err
	}
	return applyRegistry(ctx, client, k.opts.RegistryImage, login)
}

// explainDisk adds the engine's disk to an error that says that a disk is full: the
// node's images and volumes are on that disk.
func (k *Kind) explainDisk(ctx context.Context, err error) error {
	_, pressure := errors.AsType[*diskPressure](err)
	if !pressure && !host.SaysFull(err.Error()) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pollTry)
	defer cancel()
	about, _ := k.docker.Info(ctx, client.InfoOptions{}) // without an answer, the disk's folder is unknown
	return host.EngineDisk(k.docker.DaemonHost(), about.Info.DockerRootDir, about.Info.OperatingSystem).Blame(err)
}
