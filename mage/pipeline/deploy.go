package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"helm.sh/helm/v3/pkg/chart/loader"

	"todo-chatbot/mage/chart"
	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/image"
	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/release"
	"todo-chatbot/mage/smoke"
)

// Deployment is what a deploy left behind.
type Deployment struct {
	Images     []Built
	Release    release.Observation
	Changed    bool // a new revision was made
	RolledBack int  // the revision that the new one is like, because what was wanted failed; else 0
	URL        string
	Verdict    smoke.Verdict
	Complete   bool
}

// DeployOptions say how Deploy ends; the zero value suits everyday use.
type DeployOptions struct {
	KeepFailed bool // a release that fails is left as it is, to be looked at
	Adopt      bool // a release and a Secret of these names are taken over from whoever made them
}

// Deploy takes the sources to a running and verified release. One that fails is
// rolled back to the revision that served before.
func (p *Pipeline) Deploy(ctx context.Context, opts DeployOptions) (Deployment, error) {
	var done Deployment
	sources, err := p.sources()
	if err != nil {
		return done, err
	}
	if err := p.checkChart(); err != nil {
		return done, err
	}
	if _, err := p.modelKey(); err != nil {
		return done, err
	}
	for _, note := range p.env.UnusedVariables(p.opts.Getenv) {
		p.opts.Progress.Note("%s", note)
	}
	err = p.exclusive(ctx, "deploy:"+p.env.Name, func(ctx context.Context) error {
		made, err := p.wire(ctx)
		if err != nil {
			return err
		}
		defer made.close()
		done, err = p.deploy(ctx, made, sources, opts)
		return err
	})
	return done, err
}

func (p *Pipeline) deploy(ctx context.Context, made *parts, sources []*image.Input, opts DeployOptions) (Deployment, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := p.obtainable(ctx, made, sources); err != nil {
		return Deployment{}, err
	}
	run, err := p.run(ctx, made)
	if err != nil {
		return Deployment{}, err
	}
	built, buildErr := run.images(ctx, sources)
	if buildErr != nil {
		cancel() // what still comes up is not needed; it is awaited, so that nothing is left half-made
		_, clusterErr := run.cluster()
		if errors.Is(buildErr, context.Canceled) && clusterErr != nil {
			return Deployment{}, clusterErr
		}
		return Deployment{}, buildErr
	}
	c, err := run.cluster()
	if err != nil {
		return Deployment{}, err
	}
	defer c.Close()
	settled := future(func() (*cluster.Cluster, error) { return c, c.Settle(ctx) })
	done, err := p.roll(ctx, c, built, opts)
	if err != nil && ctx.Err() == nil {
		if _, cause := settled(); cause != nil {
			return done, errors.Join(cause, err)
		}
	}
	return done, err
}

// run starts what takes longest at once: the cluster, when it does not run. Only
// the registry of a cluster that must be made is known to be empty; any other is
// asked first.
func (p *Pipeline) run(ctx context.Context, made *parts) (*imageRun, error) {
	run := &imageRun{p: p, made: made, registryFirst: true}
	run.builder = sync.OnceValues(func() (*image.Builder, error) { return p.builder(ctx, made) })
	existing, err := p.find(ctx, made)
	if err != nil {
		return nil, err
	}
	if existing != nil {
		run.cluster = func() (*cluster.Cluster, error) { return existing, nil }
		return run, nil
	}
	status, err := made.provider.Status(ctx)
	if err != nil {
		return nil, err
	}
	run.registryFirst = status.State != cluster.Absent
	run.cluster = future(func() (*cluster.Cluster, error) { return p.ensure(ctx, made) })
	return run, nil
}

// ensure makes the cluster, and names the setting when a port is taken.
func (p *Pipeline) ensure(ctx context.Context, made *parts) (*cluster.Cluster, error) {
	c, err := made.provider.Ensure(ctx)
	var taken *cluster.PortInUse
	if !errors.As(err, &taken) {
		return c, err
	}
	if taken.Made { // no setting changes the ports of a cluster that exists
		return nil, usage(err)
	}
	setting := "TODO_PORT"
	for _, published := range p.env.Published() {
		if published.Port == taken.Port && published.Environment != p.env.Name {
			setting = "pipeline.url.port in values/" + published.Environment + ".yaml"
		}
	}
	return nil, usage(fmt.Errorf("%w; the port's setting is %s", err, setting))
}

// find returns a cluster that is up with its registry, else nil.
func (p *Pipeline) find(ctx context.Context, made *parts) (*cluster.Cluster, error) {
	step := p.opts.Progress.Start("cluster", p.env.Cluster.Name)
	existing, err := made.provider.Find(ctx)
	if unreachable, ok := errors.AsType[*cluster.Unreachable](err); ok && ctx.Err() == nil && !kube.Final(unreachable) {
		existing, err = nil, nil // Ensure waits for it
	}
	if err != nil {
		return nil, step.Fail(err)
	}
	if existing == nil || existing.Registry.Push == "" {
		step.Drop()
		return nil, nil
	}
	step.Done("running", existing.Provider)
	return existing, nil
}

// roll brings the release to the built images and asks the application whether
// it works.
func (p *Pipeline) roll(ctx context.Context, c *cluster.Cluster, built []Built, opts DeployOptions) (Deployment, error) {
	done := Deployment{Images: built}
	spec, err := p.spec(built)
	if err != nil {
		return done, err
	}
	manager, err := p.releases(c)
	if err != nil {
		return done, err
	}
	if err := p.claim(ctx, manager, c.Clients.Clientset, opts.Adopt); err != nil {
		return done, err
	}
	if err := p.refused(ctx, manager, spec); err != nil {
		return done, err // before the credentials change, which pods read at the upgrade
	}
	rotated, err := p.ensureCredentials(ctx, c.Clients.Clientset)
	if err != nil {
		return done, cured(err)
	}
	if err := p.mendRotation(ctx, c, c.Clients.Clientset); err != nil {
		return done, err
	}
	r := &rollout{p: p, cluster: c, manager: manager, spec: spec, keepFailed: opts.KeepFailed}
	done, err = r.apply(ctx, rotated)
	done.Images = built
	if err != nil {
		return done, err
	}
	done.URL, done.Verdict, err = p.verify(ctx, c)
	if err != nil {
		return done, err
	}
	done.Complete = true
	return done, p.judge(done.Verdict)
}

// spec is the release as the environment wants it with these images.
func (p *Pipeline) spec(built []Built) (release.Spec, error) {
	loaded, err := loader.Load(p.chartDir())
	if err != nil {
		return release.Spec{}, usage(fmt.Errorf("load chart %q: %w", p.chartDir(), err))
	}
	values, err := p.values(built)
	if err != nil {
		return release.Spec{}, err
	}
	return release.Spec{Name: p.env.Release, Chart: loaded, Values: values.Map(), Timeout: p.env.Timeout}, nil
}

func (p *Pipeline) chartDir() string { return filepath.Join(p.env.Root, "helm", chartName) }

// values are the environment's, under what this run decided.
func (p *Pipeline) values(built []Built) (chart.Values, error) {
	file, err := chart.ParseLayer(p.env.File, p.env.Content())
	if err != nil {
		return chart.Values{}, usage(err)
	}
	decided := map[string]any{}
	for _, b := range built {
		place(decided, imageValues(b.Name), map[string]any{
			"registry": b.Digest.RegistryStr(), "repository": b.Digest.RepositoryStr(), "digest": b.Digest.DigestStr(), "tag": p.env.Version,
		})
	}
	return chart.Compose(file, chart.Layer{Origin: "the pipeline", Values: decided}), nil
}

// place puts a value where path says, and makes the tables on the way.
func place(into map[string]any, path []string, value any) {
	for _, key := range path[:len(path)-1] {
		below, ok := into[key].(map[string]any)
		if !ok {
			below = map[string]any{}
			into[key] = below
		}
		into = below
	}
	into[path[len(path)-1]] = value
}

func namespaceLabels() map[string]string {
	return map[string]string{"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/enforce-version": "latest"}
}
