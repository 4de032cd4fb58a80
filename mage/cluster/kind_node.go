package cluster

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"strconv"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	kindLabel    = "io.x-k8s.kind.cluster" // on every container of a kind cluster
	adminConf    = "/etc/kubernetes/admin.conf"
	apiPort      = 6443
	storageClass = "standard" // the last object that kind creates in a cluster
	// completeMark is a file that Ensure writes into a node once it is ready. The
	// engine can read it while the API server does not answer.
	completeMark = "/etc/kubernetes/" + userAgent + ".complete"
)

// node holds the facts that the engine knows about the cluster's container.
type node struct {
	name      string
	exists    bool
	ours      bool // a kind node of this cluster that publishes its registry port, which plain kind does not
	status    container.ContainerState
	startedAt time.Time
	bound     map[int]int // container port → port on 127.0.0.1, also of a stopped container
	published map[int]int // the same, while the container runs
	adminConf []byte      // empty until kubeadm writes it
	complete  bool        // it has the completeMark, so its data must be kept
	fresh     bool        // this run created it
}

// known holds the facts for decide.
type known struct {
	Exists, Ours bool
	Status       container.ContainerState
	AdminConf    bool
	Complete     bool
	Asked        bool  // the API server was asked
	Silent       error // why the API server gave no usable answer
	Storage      bool  // the storage class exists
}

// action is the next action of Ensure.
type action int

const (
	create action = iota
	start
	recreate
	refuse
	giveUp
	use
)

// decide returns the next action. Before the API server was asked, use means that
// Ensure asks it.
func decide(f known) action {
	switch {
	case !f.Exists:
		return create
	case !f.Ours:
		return refuse
	case f.Status == container.StateDead, f.Status == container.StateRemoving:
		return recreate // its removal has started and cannot be undone
	case !f.AdminConf && !f.Complete:
		return recreate
	case !f.AdminConf:
		return giveUp
	case f.Status != container.StateRunning && f.Status != container.StateRestarting:
		return start
	case f.Silent != nil && f.Complete:
		return giveUp
	case f.Asked && !f.Complete && (f.Silent != nil || !f.Storage):
		return recreate
	default:
		return use
	}
}

// why gives the reason for an action other than use.
func (f known) why() string {
	switch {
	case f.Exists && !f.Ours:
		return fmt.Sprintf("it does not publish port %d on %s", RegistryPort, loopback)
	case !f.AdminConf && f.Complete:
		return fmt.Sprintf("its file %s is missing", adminConf)
	case !f.AdminConf:
		return "its creation was interrupted before Kubernetes ran"
	case f.Status != container.StateRunning:
		return fmt.Sprintf("its container is %s", f.Status)
	case f.Silent != nil:
		return fmt.Sprintf("its API server does not answer: %v", f.Silent)
	case f.Asked && !f.Storage:
		return fmt.Sprintf("its creation was interrupted before storage class %q", storageClass)
	default:
		return ""
	}
}

func (n *node) known() known {
	return known{Exists: n.exists, Ours: n.ours, Status: n.status, AdminConf: len(n.adminConf) > 0, Complete: n.complete}
}

func (n *node) registryAddress() string {
	if port, ok := n.published[RegistryPort]; ok {
		return net.JoinHostPort(loopback, strconv.Itoa(port))
	}
	return ""
}

func (n *node) nodePorts() map[int]int {
	ports := map[int]int{}
	for port, host := range n.bound {
		if port != RegistryPort && port != apiPort {
			ports[port] = host
		}
	}
	return ports
}

// node inspects the cluster's container.
func (k *Kind) node(ctx context.Context) (*node, error) {
	n := &node{name: k.nodeName()}
	got, err := k.docker.ContainerInspect(ctx, n.name, client.ContainerInspectOptions{})
	if errdefs.IsNotFound(err) {
		return n, nil
	}
	if err != nil {
		return nil, fmt.Errorf("inspect container %q: %w", n.name, err)
	}
	c := got.Container
	n.exists = true
	if c.State != nil {
		n.status = c.State.Status
		n.startedAt, _ = time.Parse(time.RFC3339Nano, c.State.StartedAt) // never started: zero
	}
	if c.HostConfig != nil {
		n.bound = loopbackPorts(c.HostConfig.PortBindings)
	}
	if c.NetworkSettings != nil {
		n.published = loopbackPorts(c.NetworkSettings.Ports)
	}
	_, registry := n.bound[RegistryPort]
	n.ours = registry && c.Config != nil && c.Config.Labels[kindLabel] == k.opts.Name
	if !n.ours {
		return n, nil
	}
	if n.adminConf, err = k.readFile(ctx, n.name, adminConf); err != nil {
		return nil, err
	}
	mark, err := k.readFile(ctx, n.name, completeMark)
	n.complete = mark != nil
	return n, err
}

// markComplete writes the completeMark into a node that does not have it.
func (k *Kind) markComplete(ctx context.Context, n *node) error {
	if n.complete {
		return nil
	}
	var archive bytes.Buffer
	files := tar.NewWriter(&archive)
	text := fmt.Sprintf("complete since %s\n", time.Now().UTC().Format(time.RFC3339))
	err := files.WriteHeader(&tar.Header{Name: path.Base(completeMark), Mode: 0o644, Size: int64(len(text))})
	if err == nil {
		_, err = files.Write([]byte(text))
	}
	if err == nil {
		err = files.Close()
	}
	if err == nil {
		_, err = k.docker.CopyToContainer(ctx, n.name, client.CopyToContainerOptions{DestinationPath: path.Dir(completeMark), Content: &archive})
	}
	if err != nil {
		return fmt.Errorf("mark container %q as complete: %w", n.name, err)
	}
	return nil
}

// loopbackPorts returns the TCP ports that are bound to 127.0.0.1.
func loopbackPorts(all network.PortMap) map[int]int {
	ports := map[int]int{}
	for port, bindings := range all {
		for _, b := range bindings {
			host, err := strconv.Atoi(b.HostPort)
			if err == nil && port.Proto() == network.TCP && b.HostIP.String() == loopback {
				ports[int(port.Num())] = host
			}
		}
	}
	return ports
}

// readFile reads a file of a container, running or stopped. It returns neither
// bytes nor an error for a missing file.
func (k *Kind) readFile(ctx context.Context, name, file string) ([]byte, error) {
	got, err := k.docker.CopyFromContainer(ctx, name, client.CopyFromContainerOptions{SourcePath: file})
	if errdefs.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %q in container %q: %w", file, name, err)
	}
	defer got.Content.Close()
	archive := tar.NewReader(got.Content)
	if _, err := archive.Next(); err != nil {
		return nil, fmt.Errorf("read %q in container %q: %w", file, name, err)
	}
	data, err := io.ReadAll(io.LimitReader(archive, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read %q in container %q: %w", file, name, err)
	}
	return data, nil
}

// probe asks the API server until it answers or the bound passes, and adds the
// result to f. It returns an error only if ctx ends.
func (k *Kind) probe(ctx context.Context, n *node, f known, bound time.Duration) (known, error) {
	f.Asked = true
	c, err := k.open(n)
	if err != nil {
		f.Silent = err
		return f, ctx.Err()
	}
	f.Silent = poll(bound).Until(ctx, func(ctx context.Context) error {
		_, err := c.Clients.Clientset.StorageV1().StorageClasses().Get(ctx, storageClass, metav1.GetOptions{})
		f.Storage = err == nil
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	})
	return f, ctx.Err()
}

// start starts a stopped node, which keeps the ports with which it was created.
func (k *Kind) start(ctx context.Context, n *node) error {
	if n.status == container.StatePaused {
		if _, err := k.docker.ContainerUnpause(ctx, n.name, client.ContainerUnpauseOptions{}); err != nil {
			return fmt.Errorf("unpause container %q: %w", n.name, err)
		}
		return nil
	}
	for port, host := range n.bound {
		if !k.taken(ctx, host) {
			continue
		}
		now, err := k.docker.ContainerInspect(ctx, n.name, client.ContainerInspectOptions{})
		if err == nil && now.Container.State != nil && now.Container.State.Running {
			return nil // a restarted engine has started the node meanwhile
		}
		return &PortInUse{Port: host, Target: port, Made: true, Holder: portHolder("/proc", host)}
	}
	if _, err := k.docker.ContainerStart(ctx, n.name, client.ContainerStartOptions{}); err != nil {
		return fmt.Errorf("start container %q: %w", n.name, err)
	}
	return nil
}

// removeNode removes the container and its volume, if they exist. The engine cannot
// end a container with frozen processes, so removeNode thaws them and retries.
func (k *Kind) removeNode(ctx context.Context, name string) error {
	remove := func() error {
		_, err := k.docker.ContainerRemove(ctx, name, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		if errdefs.IsNotFound(err) {
			return nil
		}
		return err
	}
	node, inspectErr := k.docker.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
	err := remove()
	for try := 0; err != nil && inspectErr == nil && try < 3 && thaw(k.freezers, node.Container.ID) > 0; try++ {
		err = remove()
	}
	if err != nil {
		return fmt.Errorf("remove container %q: %w", name, err)
	}
	return nil
}

// portTaken tells whether another program uses a port of 127.0.0.1. A port that
// only root may open is not taken: the engine can open it.
func portTaken(ctx context.Context, port int) bool {
	address := net.JoinHostPort(loopback, strconv.Itoa(port))
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return !errors.Is(err, os.ErrPermission) && ctx.Err() == nil
	}
	_ = l.Close()
	// macOS permits this although another program listens on all addresses.
	c, err := (&net.Dialer{Timeout: 200 * time.Millisecond}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}
