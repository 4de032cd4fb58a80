package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	osexec "os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	kind "sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/exec"
	"sigs.k8s.io/kind/pkg/log"

	"todo-chatbot/mage/host"
	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
)

const (
	networkName  = "kind" // fixed in kind
	networkLabel = "app.kubernetes.io/managed-by"
	mtuOption    = "com.docker.network.driver.mtu"
	// cancelBound is shorter than the 5 s after which mage exits on Ctrl-C.
	cancelBound = 4 * time.Second
)

// parallelPulls makes the kubelet pull the images of a release at the same time.
const parallelPulls = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
serializeImagePulls: false
maxParallelImagePulls: 4
`

// restrictedKubelet lets the kubelet run on cgroup v1, and without the capability
// to raise its limits.
const restrictedKubelet = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
featureGates:
  KubeletInUserNamespace: true
`

// kindConfig returns the configuration of the cluster for kind. Every port is bound
// to 127.0.0.1. For host port 0, kind chooses a free port, which the container
// keeps.
func kindConfig(o KindOptions) *v1alpha4.Cluster {
	publish := func(host, node int) v1alpha4.PortMapping {
		return v1alpha4.PortMapping{ContainerPort: int32(node), HostPort: int32(host), ListenAddress: loopback, Protocol: v1alpha4.PortMappingProtocolTCP}
	}
	ports := []v1alpha4.PortMapping{publish(0, RegistryPort)}
	for _, host := range slices.Sorted(maps.Keys(o.Ports)) {
		ports = append(ports, publish(host, o.Ports[host]))
	}
	patches := []string{parallelPulls}
	if o.Restricted {
		patches = append(patches, restrictedKubelet)
	}
	return &v1alpha4.Cluster{
		TypeMeta:             v1alpha4.TypeMeta{Kind: "Cluster", APIVersion: "kind.x-k8s.io/v1alpha4"},
		Name:                 o.Name,
		Nodes:                []v1alpha4.Node{{Role: v1alpha4.ControlPlaneRole, ExtraPortMappings: ports}},
		Networking:           v1alpha4.Networking{IPFamily: v1alpha4.IPv4Family, APIServerAddress: loopback, DisableDefaultCNI: o.DisableDefaultCNI},
		KubeadmConfigPatches: patches,
	}
}

// create creates the node with kind. kind's Create accepts no context: when ctx
// ends, abandon removes the node, which makes Create fail.
func (k *Kind) create(ctx context.Context, step *progress.Step) error {
	if _, err := osexec.LookPath("docker"); err != nil {
		return fmt.Errorf("kind runs the docker command, and it is not on the PATH: install Docker's command-line client: %w", err)
	}
	for _, host := range slices.Sorted(maps.Keys(k.opts.Ports)) {
		if k.taken(ctx, host) {
			return &PortInUse{Port: host, Target: k.opts.Ports[host], Holder: portHolder("/proc", host)}
		}
	}
	step.Update("getting the node's image")
	image, err := k.opts.NodeImage(ctx)
	if err != nil {
		return fmt.Errorf("get the node's image: %w", err)
	}
	options := []kind.CreateOption{
		kind.CreateWithV1Alpha4Config(kindConfig(k.opts)),
		kind.CreateWithKubeconfigPath(k.opts.Kubeconfig),
		kind.CreateWithNodeImage(image),
		kind.CreateWithRetain(true), // a failed node is asked for the cause, then removed
	}
	if err := k.ensureNetwork(ctx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	done := make(chan error, 1)
	go func() { done <- k.library(step).Create(k.opts.Name, options...) }()
	early, stopEarly := context.WithCancel(ctx)
	var started sync.WaitGroup
	started.Go(func() { k.startEarly(early) })
	defer started.Wait()
	defer stopEarly()
	select {
	case err := <-done:
		if err != nil {
			err = k.explainCreate(ctx, err, step)
			_ = k.removeNode(ctx, k.nodeName()) // if it fails, the next Ensure removes the incomplete node
			return fmt.Errorf("create the node: %w", err)
		}
		return nil
	case <-ctx.Done():
		k.abandon(ctx, done)
		return context.Cause(ctx)
	}
}

// abandon removes the node again and again until kind gives up. It is bounded:
// the next Ensure recognises an incomplete node and removes it.
func (k *Kind) abandon(ctx context.Context, done <-chan error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelBound)
	defer cancel()
	_ = kube.Poll{}.Until(ctx, func(ctx context.Context) error {
		_ = k.removeNode(ctx, k.nodeName())
		select {
		case <-done: //nolint:errcheck // the run was stopped: its error is not news
			_ = k.removeNode(ctx, k.nodeName())
			return nil
		default:
			return errors.New("kind has not given up yet")
		}
	})
}

// explainCreate puts the node's own cause before an error of kind. Without such a
// cause, or on a full disk, the output of kind's command explains the error.
func (k *Kind) explainCreate(ctx context.Context, err error, log io.Writer) error {
	explained := explain(err, log)
	if host.SaysFull(explained.Error()) {
		return explained
	}
	if cause := k.nodeCause(ctx, log); cause != "" {
		return fmt.Errorf("%s (%w)", cause, err)
	}
	return explained
}

// explain adds to an error of kind the most informative line that its command
// printed, and writes the whole output to log.
func explain(err error, log io.Writer) error {
	run := exec.RunErrorForError(err)
	if run == nil || len(run.Output) == 0 {
		return err
	}
	_, _ = log.Write(run.Output)
	told := ""
	for line := range strings.Lines(string(run.Output)) {
		line = strings.TrimSpace(line)
		if host.SaysFull(line) {
			told = line // more informative than any later line
			break
		}
		if line != "" && (told == "" || strings.Contains(strings.ToLower(line), "error")) {
			told = line
		}
	}
	return fmt.Errorf("%w: %s", err, told)
}

func (k *Kind) library(step *progress.Step) *kind.Provider {
	return kind.NewProvider(kind.ProviderWithLogger(kindLog{step}), kind.ProviderWithDocker())
}

// ensureNetwork creates kind's network where it is missing, with the settings that
// kind uses, and with a label that permits Delete to remove it. Where the engine
// has no IPv6, the network has IPv4 only.
func (k *Kind) ensureNetwork(ctx context.Context) error {
	_, err := k.docker.NetworkInspect(ctx, networkName, client.NetworkInspectOptions{})
	if err == nil {
		return nil
	}
	if !errdefs.IsNotFound(err) {
		return fmt.Errorf("inspect network %q: %w", networkName, err)
	}
	options := map[string]string{"com.docker.network.bridge.enable_ip_masquerade": "true"}
	bridge, err := k.docker.NetworkInspect(ctx, "bridge", client.NetworkInspectOptions{})
	if mtu := bridge.Network.Options[mtuOption]; err == nil && mtu != "" {
		options[mtuOption] = mtu
	}
	six := true
	want := client.NetworkCreateOptions{
		Driver:     "bridge",
		Options:    options,
		Labels:     map[string]string{networkLabel: userAgent},
		EnableIPv6: &six,
		IPAM:       &network.IPAM{Config: []network.IPAMConfig{{Subnet: netip.MustParsePrefix("fc00:f853:ccd:e793::/64")}}}, // the one that kind derives from the name
	}
	_, err = k.docker.NetworkCreate(ctx, networkName, want)
	if err != nil && !errdefs.IsConflict(err) && ctx.Err() == nil {
		want.EnableIPv6, want.IPAM = nil, nil
		_, err = k.docker.NetworkCreate(ctx, networkName, want)
	}
	if err != nil && !errdefs.IsConflict(err) { // a conflict: another program has just created it
		return fmt.Errorf("create network %q: %w", networkName, err)
	}
	return nil
}

// removeNetwork removes kind's network if this package created it and no container,
// running or stopped, uses it.
func (k *Kind) removeNetwork(ctx context.Context) (bool, error) {
	got, err := k.docker.NetworkInspect(ctx, networkName, client.NetworkInspectOptions{})
	if errdefs.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("inspect network %q: %w", networkName, err)
	}
	if got.Network.Labels[networkLabel] != userAgent {
		return false, nil
	}
	users, err := k.docker.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("network", got.Network.ID)})
	if err != nil {
		return false, fmt.Errorf("list the containers of network %q: %w", networkName, err)
	}
	if len(users.Items) > 0 {
		return false, nil
	}
	_, err = k.docker.NetworkRemove(ctx, got.Network.ID, client.NetworkRemoveOptions{})
	if err != nil && !errdefs.IsNotFound(err) {
		return false, fmt.Errorf("remove network %q: %w", networkName, err)
	}
	return err == nil, nil
}

// kindLog writes kind's log to a step, and shows the present action as the step's
// status.
type kindLog struct{ step *progress.Step }

var (
	_ log.Logger     = kindLog{}
	_ log.InfoLogger = kindLog{}
)

func (l kindLog) Warn(message string) { l.Info(message) }

func (l kindLog) Warnf(format string, args ...any) { l.Info(fmt.Sprintf(format, args...)) }

func (l kindLog) Error(message string) { l.Info(message) }

func (l kindLog) Errorf(format string, args ...any) { l.Info(fmt.Sprintf(format, args...)) }

func (l kindLog) V(level log.Level) log.InfoLogger {
	if level > 0 {
		return log.NoopInfoLogger{}
	}
	return l
}

func (l kindLog) Infof(format string, args ...any) { l.Info(fmt.Sprintf(format, args...)) }

func (l kindLog) Enabled() bool { return true }

func (l kindLog) Info(message string) {
	if l.step == nil {
		return
	}
	_, _ = fmt.Fprintln(l.step, strings.TrimSpace(message))
	if action, ok := strings.CutPrefix(strings.TrimSpace(message), "• "); ok {
		l.step.Update("%s", strings.ToLower(plain(action)))
	}
}

// plain removes the characters that are not ASCII, such as emoji.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if r > 126 {
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(strings.TrimSuffix(strings.TrimSpace(text), "...")), " ")
}
