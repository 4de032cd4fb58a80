package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/sirupsen/logrus"
	kindimage "sigs.k8s.io/kind/pkg/apis/config/defaults"

	"todo-chatbot/mage/airgap"
	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/config"
	"todo-chatbot/mage/engine"
	"todo-chatbot/mage/host"
	"todo-chatbot/mage/image"
	"todo-chatbot/mage/release"
)

// parts are the concrete things of one run.
type parts struct {
	engine   *engine.Engine // nil where none answers and the cluster is reached without
	noEngine error          // then: why
	supply   *airgap.Supply
	provider cluster.Provider
}

func (made *parts) close() {
	if made != nil && made.engine != nil {
		made.engine.Client.Close()
	}
}

// wire finds or starts the container engine and puts the parts together.
func (p *Pipeline) wire(ctx context.Context) (*parts, error) {
	apt := host.Apt{Lock: filepath.Join(p.env.Cache, "apt.lock")}
	if err := p.makeCache(); err != nil {
		return nil, err
	}
	found, err := engine.Ensure(ctx, engine.Options{
		Root: p.env.Root, Cache: p.env.Cache, Apt: apt, Confirm: p.opts.Confirm, Progress: p.opts.Progress,
	})
	if err != nil {
		return nil, err
	}
	return p.assemble(ctx, found, apt)
}

// wireExisting is wire without starting anything. nil means that there is no
// engine, and never was one for this cache folder, so that nothing can be on it.
// One that could not be asked is an error, but for a cluster that is reached
// without an engine: then it is noEngine.
func (p *Pipeline) wireExisting(ctx context.Context) (*parts, error) {
	apt := host.Apt{Lock: filepath.Join(p.env.Cache, "apt.lock")}
	found, err := engine.Find(ctx)
	if err == nil {
		return p.assemble(ctx, found, apt)
	}
	absent, isAbsent := errors.AsType[*engine.Absent](err)
	none := isAbsent && absent.Certain && p.engineTrace() == ""
	if p.providerName() != "kind" {
		made, wiring := p.assemble(ctx, nil, apt)
		if wiring == nil && !none {
			made.noEngine = err
		}
		return made, wiring
	}
	if none {
		return nil, nil
	}
	if trace := p.engineTrace(); isAbsent && absent.Certain {
		err = fmt.Errorf("%w; %s shows that it was used before, so what it holds could not be asked. If that engine is gone for good, remove that file", err, trace)
	}
	return nil, err
}

// engineTrace is a file that shows that this cache folder's cluster was made on an
// engine, or an engine started for it, and that neither was removed; "" without.
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

// providerName is the provider's, where the settings leave it to what is installed too.
func (p *Pipeline) providerName() string {
	if p.env.Cluster.Provider == "auto" {
		return cluster.Auto(exec.LookPath)
	}
	return p.env.Cluster.Provider
}

func (p *Pipeline) assemble(ctx context.Context, found *engine.Engine, apt host.Apt) (*parts, error) {
	made := &parts{engine: found}
	made.supply = airgap.New(airgap.Options{
		Root: p.env.Root, Cache: p.env.Cache, Apt: apt, Progress: p.opts.Progress,
		Keychain:   remote.WithAuthFromKeychain(p.keychain),
		Restricted: found != nil && found.Restricted,
		Offline:    p.env.Offline,
	})
	var err error
	made.provider, err = p.provider(ctx, made)
	return made, err
}

func (p *Pipeline) provider(ctx context.Context, made *parts) (cluster.Provider, error) {
	c := p.env.Cluster
	ports := map[int]int{}
	for _, published := range p.env.Published() {
		ports[published.Port] = published.NodePort
	}
	switch p.providerName() {
	case "minikube":
		return cluster.NewMinikube(cluster.MinikubeOptions{
			Profile: c.Minikube.Profile, Home: c.Minikube.Home, Kubeconfig: p.kubeconfig("minikube"), Driver: c.Minikube.Driver,
			CPUs: c.Minikube.CPUs, Memory: c.Minikube.Memory, Ports: ports, StartArgs: c.Minikube.StartArgs,
			AddonImages: c.Minikube.AddonImages, AddonRegistries: c.Minikube.AddonRegistries, Progress: p.opts.Progress,
		})
	case "kubecontext":
		return cluster.NewKubeContext(cluster.ContextOptions{
			Kubeconfig: c.Kubecontext.Kubeconfig, Context: c.Kubecontext.Context,
			Registry: cluster.Registry{Push: c.Kubecontext.Push, Pull: c.Kubecontext.Pull}, Progress: p.opts.Progress,
		})
	default:
		return p.kind(ctx, made, ports)
	}
}

// kind is a cluster whose node and registry come from wherever images come from.
func (p *Pipeline) kind(ctx context.Context, made *parts, ports map[int]int) (cluster.Provider, error) {
	pull, err := made.supply.CanPull(ctx, kindimage.Image)
	if err != nil {
		return nil, err
	}
	return cluster.NewKind(made.engine.Client, cluster.KindOptions{
		Name: p.env.Cluster.Name, Kubeconfig: p.kubeconfig("kind"), Ports: ports,
		Restricted: made.engine.Restricted || made.engine.CgroupV1, Progress: p.opts.Progress,
		DisableDefaultCNI: !pull,
		NodeImage: func(ctx context.Context) (string, error) {
			ref := airgap.KindNodeRef
			if pull {
				ref = kindimage.Image
			}
			return ref, made.load(ctx, ref)
		},
		RegistryImage: airgap.RegistryRef, // a locally made node image holds it, and any other node pulls it
	})
}

// load gives the engine an image, which it pulls itself where it can.
func (made *parts) load(ctx context.Context, ref string) error {
	resolved, err := made.supply.Resolve(ctx, ref)
	if err != nil {
		return err
	}
	if !resolved.Made() {
		return made.engine.PullImage(ctx, ref)
	}
	_, err = made.engine.LoadImage(ctx, ref, resolved.Image)
	return err
}

func (p *Pipeline) kubeconfig(provider string) string {
	return filepath.Join(p.env.Cache, provider+"-"+p.env.Cluster.Name+".kubeconfig")
}

// builder is BuildKit, in a container of the engine's.
func (p *Pipeline) builder(ctx context.Context, made *parts) (*image.Builder, error) {
	if err := made.load(ctx, airgap.BuildKitRef); err != nil {
		return nil, err
	}
	step := p.opts.Progress.Start("builder", "buildkit")
	started, err := made.engine.BuildKit(ctx, airgap.BuildKitRef, engine.BuilderSetup{})
	if err != nil {
		return nil, step.Fail(err)
	}
	if started {
		step.Done("started", "container "+engine.BuildKitName)
	} else {
		step.Done("running", "")
	}
	// BuildKit's client writes warnings of its content store to stderr at every
	// build, past every reporter.
	logrus.SetOutput(io.Discard)
	secrets, err := config.BuildSecrets(p.opts.Getenv)
	if err != nil {
		return nil, usage(err)
	}
	return image.NewBuilder(made.engine.DialBuildKit, p.store(), image.BuilderOptions{Secrets: secrets}), nil
}

// store is where built images stay on this machine.
func (p *Pipeline) store() *image.Store { return image.NewStore(filepath.Join(p.env.Cache, "builds")) }

func (p *Pipeline) releases(c *cluster.Cluster) (*release.Manager, error) {
	return release.New(c.Clients, p.env.Namespace, release.Options{Progress: p.opts.Progress, Timeout: p.env.Timeout})
}
