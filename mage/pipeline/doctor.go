package pipeline

import (
	"context"

	kindimage "sigs.k8s.io/kind/pkg/apis/config/defaults"

	"todo-chatbot/mage/airgap"
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
		Provider:   p.providerName(), ProviderChosen: p.env.Cluster.Provider != "auto",
	}
	for _, published := range p.env.Published() {
		facts.Ports = append(facts.Ports, doctor.Port{Port: published.Port, Environment: published.Environment})
	}
	facts.GatherMachine(ctx, p.env.Root)
	p.gatherCluster(ctx, &facts)
	supply := airgap.New(airgap.Options{Root: p.env.Root, Cache: p.env.Cache, Offline: p.env.Offline})
	facts.GatherRegistries(ctx, supply, p.upstream(ctx, facts.Provider, supply))
	return facts.Findings()
}

// gatherCluster asks the engine and, through it, the cluster and its release.
// Only kind needs an engine.
func (p *Pipeline) gatherCluster(ctx context.Context, facts *doctor.Facts) {
	found := facts.GatherEngine(ctx)
	if found == nil && facts.Provider == "kind" {
		return
	}
	made, err := p.assemble(ctx, found, host.Apt{})
	defer made.close()
	if err != nil {
		facts.ClusterErr = err
		return
	}
	facts.GatherCluster(ctx, made.provider, func(c *cluster.Cluster) (release.Observation, error) {
		manager, err := p.releases(c)
		if err != nil {
			return release.Observation{}, err
		}
		return manager.Status(ctx, p.env.Release)
	})
}

// upstream lists the images that a deploy takes from image registries.
func (p *Pipeline) upstream(ctx context.Context, provider string, supply *airgap.Supply) []string {
	refs := []string{airgap.BuildKitRef}
	if provider == "kind" {
		node := airgap.KindNodeRef
		if pull, err := supply.CanPull(ctx, kindimage.Image); err == nil && pull {
			node = kindimage.Image
		}
		refs = append(refs, airgap.RegistryRef, node)
	}
	sources, _ := p.sources() // a deploy reports sources and Dockerfiles that cannot be read
	for _, src := range sources {
		refs = append(refs, src.Refs()...)
	}
	return refs
}
