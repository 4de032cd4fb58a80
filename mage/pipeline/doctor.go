package pipeline

import (
	"context"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/doctor"
	"todo-chatbot/mage/host"
	"todo-chatbot/mage/release"
)

// Doctor checks what a deploy needs. It changes nothing except the cluster's
// kubeconfig file in the cache, which every command writes while the cluster
// runs.
func (p *Pipeline) Doctor(ctx context.Context) doctor.Findings {
	facts := doctor.Facts{
		Environment: p.env.Name, Namespace: p.env.Namespace, Release: p.env.Release, Cache: p.env.Cache,
		CanInstall: host.Apt{}.Allowed() && p.opts.Getenv("DOCKER_HOST") == "",
		Provider:   p.providerName(), ProviderReason: p.provider().Reason,
	}
	for _, published := range p.env.Published() {
		facts.Ports = append(facts.Ports, doctor.Port{Port: published.Port, Environment: published.Environment})
	}
	facts.GatherMachine(ctx, p.env.Root)
	p.gatherCluster(ctx, &facts)
	w := newWire(p)
	access, err := w.access(nil)
	facts.Network = doctor.NewNetwork(access, err)
	if err == nil {
		puller := w.supply(nil, access)
		facts.GatherRegistries(ctx, puller, p.upstream(ctx, facts.Provider, puller))
	}
	return facts.Findings()
}

// gatherCluster asks the engine and, through it, the cluster and its release.
// Only kind needs an engine.
func (p *Pipeline) gatherCluster(ctx context.Context, facts *doctor.Facts) {
	found := facts.GatherEngine(ctx)
	if found == nil && facts.Provider == "kind" {
		return
	}
	s, err := newWire(p).assemble(ctx, found)
	if err != nil {
		facts.ClusterErr = err
		return
	}
	defer s.close()
	facts.GatherCluster(ctx, s.provider, func(c *cluster.Cluster) (release.Observation, error) {
		t, err := s.open(c)
		if err != nil {
			return release.Observation{}, err
		}
		seen, err := t.releases.Inspect(ctx, p.env.Release)
		return seen.Observation, err
	})
}

// upstream lists the images that a deploy takes from image registries.
func (p *Pipeline) upstream(ctx context.Context, provider string, puller doctor.Puller) []string {
	refs := upstreamOfCluster(ctx, provider, puller)
	sources, _ := p.sources() // a deploy reports sources and Dockerfiles that cannot be read
	for _, src := range sources {
		refs = append(refs, src.Refs()...)
	}
	return refs
}
