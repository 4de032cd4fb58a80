package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/sirupsen/logrus"
	"k8s.io/apimachinery/pkg/util/intstr"
	kindimage "sigs.k8s.io/kind/pkg/apis/config/defaults"

	"todo-chatbot/mage/airgap"
	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/database"
	"todo-chatbot/mage/doctor"
	"todo-chatbot/mage/engine"
	"todo-chatbot/mage/host"
	"todo-chatbot/mage/image"
	"todo-chatbot/mage/outside"
	"todo-chatbot/mage/progress"
	"todo-chatbot/mage/release"
	"todo-chatbot/mage/smoke"
)

// frontendPort names the port of the frontend's Service. Its number is a value of the
// chart.
var frontendPort = intstr.FromString("http")

// wire constructs the services of the real world. It implements factory.
type wire struct {
	p        *Pipeline
	keychain *keychain // docker's logins
}

func newWire(p *Pipeline) *wire {
	return &wire{p: p, keychain: newKeychain(func(format string, args ...any) { p.opts.Progress.Note(format, args...) })}
}

func (w *wire) start(ctx context.Context) (*services, error) {
	if err := w.p.makeCache(); err != nil {
		return nil, err
	}
	found, err := engine.Ensure(ctx, engine.Options{
		Root: w.p.env.Root, Cache: w.p.env.Cache, Apt: w.p.apt(), Confirm: w.p.opts.Confirm, Progress: w.p.opts.Progress,
	})
	if err != nil {
		return nil, err
	}
	return w.assemble(ctx, found)
}

// find returns an error if an engine is there and does not answer. A cluster that
// needs no engine can be used all the same: then the error is noEngine.
func (w *wire) find(ctx context.Context) (*services, error) {
	found, err := engine.Find(ctx)
	if err == nil {
		return w.assemble(ctx, found)
	}
	absent, isAbsent := errors.AsType[*engine.Absent](err)
	trace := w.p.engineTrace()
	none := isAbsent && absent.Certain && trace == ""
	if w.p.providerName() != "kind" {
		s, wiring := w.assemble(ctx, nil)
		if wiring == nil && !none {
			s.noEngine = err
		}
		return s, wiring
	}
	if none {
		return nil, nil
	}
	if isAbsent && absent.Certain {
		err = fmt.Errorf("%w; file %s shows that an engine was used before, so its cluster may still exist. If that engine is gone for good, remove the file", err, trace)
	}
	return nil, err
}

func (w *wire) daemon() EngineProcess { return engineProcess{w.p.env.Cache} }

func (p *Pipeline) apt() host.Apt { return host.Apt{Lock: filepath.Join(p.env.Cache, "apt.lock")} }

// engineTrace returns a file that shows that this cache folder's cluster was made on
// an engine, or that an engine was started for it; "" if there is none.
func (p *Pipeline) engineTrace() string {
	if path := p.kubeconfig("kind"); exists(path) {
		return path
	}
	return engine.Noted(p.env.Cache)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// chooseProvider returns the cluster provider. For "auto" it depends on the cluster that
// exists and on the installed programs. The reason is empty for a provider that a
// setting names.
func (p *Pipeline) chooseProvider(lookPath func(string) (string, error)) cluster.Choice {
	if p.env.Cluster.Provider == "auto" {
		return cluster.Auto(cluster.AutoOptions{LookPath: lookPath, Kind: p.kubeconfig("kind"), Minikube: p.kubeconfig("minikube")})
	}
	return cluster.Choice{Provider: p.env.Cluster.Provider}
}

func (p *Pipeline) providerName() string { return p.provider().Provider }

// assemble constructs the services on an engine, which may be nil.
func (w *wire) assemble(ctx context.Context, found *engine.Engine) (*services, error) {
	access, err := w.access(found)
	if err != nil {
		return nil, err
	}
	store := w.p.store()
	supply := w.supply(found, access)
	s := &services{supply: supply, store: store, programs: programs{store}, registry: w.registry, open: w.open, close: func() {}}
	if found != nil {
		s.engine = found
		s.others = w.others(found)
		s.close = func() { found.Client.Close() }
		s.builder = func(ctx context.Context) (Builder, error) { return w.builder(ctx, found, supply, access) }
	}
	if s.provider, err = w.provider(ctx, found, supply, access); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (w *wire) supply(found *engine.Engine, access *outside.Access) *airgap.Supply {
	return airgap.New(airgap.Options{
		Root: w.p.env.Root, Cache: w.p.env.Cache, Apt: w.p.apt(), Progress: w.p.opts.Progress, Access: access,
		Keychain:   remote.WithAuthFromKeychain(w.keychain),
		Restricted: found != nil && found.Restricted,
		Offline:    w.p.env.Offline,
	})
}

func (w *wire) provider(ctx context.Context, found *engine.Engine, supply *airgap.Supply, access *outside.Access) (Provider, error) {
	p, c := w.p, w.p.env.Cluster
	ports := map[int]int{}
	for _, published := range p.env.Published() {
		ports[published.Port] = published.NodePort
	}
	switch p.providerName() {
	case "minikube":
		return cluster.NewMinikube(cluster.MinikubeOptions{
			Profile: c.Minikube.Profile, Home: c.Minikube.Home, Kubeconfig: p.kubeconfig("minikube"), Driver: c.Minikube.Driver,
			CPUs: c.Minikube.CPUs, Memory: c.Minikube.Memory, Ports: ports, StartArgs: c.Minikube.StartArgs,
			AddonImages: c.Minikube.AddonImages, AddonRegistries: c.Minikube.AddonRegistries,
			Reason: p.provider().Reason, Progress: p.opts.Progress,
		})
	case "kubecontext":
		found, err := cluster.NewKubeContext(cluster.ContextOptions{
			Kubeconfig: c.Kubecontext.Kubeconfig, Context: c.Kubecontext.Context, Server: c.Kubecontext.Server,
			Registry: cluster.Registry{Push: c.Kubecontext.Push, Pull: c.Kubecontext.Pull}, Progress: p.opts.Progress,
		})
		if err == nil {
			err = found.Check() // before images are built and before any cluster is asked
		}
		return found, usageError(err)
	default:
		return w.kind(ctx, found, supply, access, ports)
	}
}

// kind returns the provider of kind clusters. Node and registry are pulled, or made by
// a recipe.
func (w *wire) kind(ctx context.Context, found *engine.Engine, supply *airgap.Supply, access *outside.Access, ports map[int]int) (Provider, error) {
	if found.Elsewhere != "" {
		return nil, usageError(fmt.Errorf("container engine at %s: %s, so this process does not reach the ports of a kind cluster on it: "+
			"run the pipeline there, or use an existing cluster with TODO_PROVIDER=kubecontext", found.Host, found.Elsewhere))
	}
	pull, err := supply.CanPull(ctx, kindimage.Image)
	if err != nil {
		return nil, err
	}
	return cluster.NewKind(found.Client, cluster.KindOptions{
		Name: w.p.env.Cluster.Name, Kubeconfig: w.p.kubeconfig("kind"), Ports: ports,
		Restricted: found.Restricted || found.CgroupV1, Reason: w.p.provider().Reason, Progress: w.p.opts.Progress,
		DisableDefaultCNI: !pull,
		NodeImage: func(ctx context.Context) (string, error) {
			ref := airgap.KindNodeRef
			if pull {
				ref = kindimage.Image
			}
			return w.loadImage(ctx, found, supply, access, ref)
		},
		RegistryImage: airgap.RegistryRef, // a locally made node image holds it; another node pulls it
	})
}

// upstreamOfCluster lists the upstream images of builder and cluster.
func upstreamOfCluster(ctx context.Context, provider string, puller doctor.Puller) []string {
	refs := []string{airgap.BuildKitRef}
	if provider != "kind" {
		return refs
	}
	node := airgap.KindNodeRef
	if pull, err := puller.CanPull(ctx, kindimage.Image); err == nil && pull {
		node = kindimage.Image
	}
	return append(refs, airgap.RegistryRef, node)
}

func (p *Pipeline) kubeconfig(provider string) string {
	return filepath.Join(p.env.Cache, provider+"-"+p.env.Cluster.Name+".kubeconfig")
}

// builder starts BuildKit in a container of the engine.
func (w *wire) builder(ctx context.Context, found *engine.Engine, supply *airgap.Supply, access *outside.Access) (Builder, error) {
	local, err := w.loadImage(ctx, found, supply, access, airgap.BuildKitRef)
	if err != nil {
		return nil, err
	}
	setup, err := builderSetup(access)
	if err != nil {
		return nil, usageError(err)
	}
	step := w.p.opts.Progress.Start("builder", "buildkit")
	started, err := found.BuildKit(ctx, local, setup)
	if err != nil {
		return nil, step.Fail(err)
	}
	if started {
		step.Done("started", "container "+engine.BuildKitName)
	} else {
		step.Done("running", "")
	}
	// BuildKit's client writes warnings of its content store directly to stderr at
	// every build.
	logrus.SetOutput(io.Discard)
	options, err := w.builderOptions(access)
	if err != nil {
		return nil, err
	}
	return image.NewBuilder(found.DialBuildKit, w.p.store(), options), nil
}

// store returns the folder of built images on this machine.
func (p *Pipeline) store() *image.Store { return image.NewStore(filepath.Join(p.env.Cache, "builds")) }

// registry uses the cluster's own login if the cluster has one, else docker's.
func (w *wire) registry(of cluster.Registry) (Registry, error) {
	return image.NewPublisher(of.Push, of.Pull, image.PublisherOptions{Login: of.Login, Keychain: w.keychain})
}

func (w *wire) open(c *cluster.Cluster) (target, error) {
	env := w.p.env
	releases, err := release.New(c.Clients, env.Namespace, release.Options{Progress: w.p.opts.Progress, Timeout: env.Timeout})
	if err != nil {
		return target{}, err
	}
	return target{
		cluster: c, kubernetes: c.Clients.Clientset, releases: releases, checker: checker{},
		database: database.New(c.Clients, env.Namespace, env.Release, database.Options{}),
		network:  network{Cluster: c, namespace: env.Namespace, service: env.Release + "-frontend"},
	}, nil
}

// programs implements ProgramBuilder.
type programs struct{ store *image.Store }

func (b programs) Compile(ctx context.Context, src *image.Input, step *progress.Step) (v1.Image, error) {
	return image.Compile(ctx, src, b.store, step)
}

// network implements Network.
type network struct {
	*cluster.Cluster
	namespace, service string
}

func (n network) Forward(ctx context.Context, localPort int) (addr string, stop func(), err error) {
	addr, stop, err = cluster.Forward(ctx, n.Clients, cluster.ServicePort{Namespace: n.namespace, Service: n.service, Port: frontendPort}, localPort)
	if err != nil {
		err = fmt.Errorf("service %q of namespace %q: %w", n.service, n.namespace, err)
	}
	return addr, stop, err
}

// checker implements Checker.
type checker struct{}

func (checker) Check(ctx context.Context, url string, images smoke.Images) smoke.Verdict {
	return smoke.Run(ctx, smoke.Checks(url, smoke.Options{Images: images}), nil)
}

// engineProcess implements EngineProcess for a cache folder.
type engineProcess struct{ cache string }

func (e engineProcess) Noted() string { return engine.Noted(e.cache) }

func (e engineProcess) Stop(ctx context.Context) (stopped, kept string, err error) {
	return engine.Stop(ctx, e.cache)
}

// otherClusters implements OtherClusters. kind and profile name the environment's own
// cluster, which is left out.
type otherClusters struct {
	engine              *engine.Engine
	kind, profile, home string
}

func (w *wire) others(found *engine.Engine) otherClusters {
	c := w.p.env.Cluster
	others := otherClusters{engine: found, home: c.Minikube.Home}
	switch w.p.providerName() {
	case "kind":
		others.kind = c.Name
	case "minikube":
		others.profile = c.Minikube.Profile
	}
	return others
}

func (o otherClusters) OnEngine(ctx context.Context) ([]string, error) {
	return cluster.Others(ctx, o.engine.Client, o.kind)
}

func (o otherClusters) Profiles(ctx context.Context) ([]string, error) {
	return cluster.OtherProfiles(ctx, o.profile, o.home, exec.LookPath)
}
