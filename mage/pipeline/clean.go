package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"todo-chatbot/mage/airgap"
	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/engine"
)

// Cleaned says what a clean did.
type Cleaned struct {
	Removed []string // in the order in which it was removed
	Kept    []string // what did not go, and why
}

func (c *Cleaned) removed(what ...string) { c.Removed = append(c.Removed, what...) }

func (c *Cleaned) kept(what, why string, args ...any) {
	c.Kept = append(c.Kept, what+": "+fmt.Sprintf(why, args...))
}

// Clean removes what deploys made: the release, the cluster, containers,
// networks and the engine's process. With caches it also removes what makes the
// next deploy fast. It leaves what it did not make, and what other clusters and
// runs of the pipeline use. What could not be asked is never taken to be absent:
// it is an error, after everything else was done.
func (p *Pipeline) Clean(ctx context.Context, caches bool) (Cleaned, error) {
	var done Cleaned
	if !exists(p.env.Cache) {
		made, err := p.wireExisting(ctx)
		if made == nil {
			return done, err
		}
		made.close()
	}
	err := p.exclusive(ctx, "clean", func(ctx context.Context) error {
		c := &cleaning{p: p, caches: caches, done: &done}
		return c.run(ctx)
	})
	return done, err
}

// cleaning is one clean.
type cleaning struct {
	p      *Pipeline
	caches bool
	done   *Cleaned
}

func (c *cleaning) run(ctx context.Context) error {
	made, err := c.p.wireExisting(ctx)
	if err != nil {
		return err
	}
	var unasked error
	if made != nil {
		defer made.close()
		if unasked, err = c.cluster(ctx, made); err != nil {
			return err
		}
		if err := c.builder(ctx, made); err != nil {
			return errors.Join(unasked, err)
		}
	}
	return errors.Join(unasked, c.rest(ctx))
}

// cluster removes the cluster with all that is in it, or, from one that was there
// before, the release. unasked is why a release could not be looked for.
func (c *cleaning) cluster(ctx context.Context, made *parts) (unasked, err error) {
	ours, err := made.provider.Ours(ctx)
	if err != nil {
		return nil, err
	}
	if !ours {
		if unasked, err = c.release(ctx, made.provider); err != nil {
			return nil, err
		}
		c.done.Kept = append(c.done.Kept, c.p.clusterStays())
	} else {
		if err := c.p.sureToDelete(ctx, made.provider); err != nil {
			return nil, err
		}
		c.done.removed(c.p.releasesIn(ctx, made.provider)...)
	}
	removed, err := made.provider.Delete(ctx)
	c.done.removed(removed...)
	return unasked, err
}

// clusterStays says why a cluster of somebody else's is left.
func (p *Pipeline) clusterStays() string {
	if p.providerName() == "minikube" {
		return fmt.Sprintf("minikube profile %q: it was there before the pipeline", p.env.Cluster.Minikube.Profile)
	}
	return fmt.Sprintf("cluster of context %q: it was there before the pipeline", p.env.Cluster.Kubecontext.Context)
}

// releasesIn names the environment's release in a cluster that is about to go,
// for the user to read: what cannot be seen goes all the same.
func (p *Pipeline) releasesIn(ctx context.Context, provider cluster.Provider) []string {
	found, err := provider.Find(ctx)
	if err != nil || found == nil {
		return nil
	}
	defer found.Close()
	manager, err := p.releases(found)
	if err != nil {
		return nil
	}
	if history, err := manager.History(ctx, p.env.Release); err != nil || len(history) == 0 {
		return nil
	}
	return []string{p.releaseName()}
}

func (p *Pipeline) releaseName() string {
	return fmt.Sprintf("release %s/%s", p.env.Namespace, p.env.Release)
}

// builder removes the builder, which every checkout and cluster on the engine
// shares, once nobody else has a use for it, and with caches what it keeps.
func (c *cleaning) builder(ctx context.Context, made *parts) error {
	const what = "container " + engine.BuildKitName
	if made.engine == nil {
		if made.noEngine == nil {
			return nil
		}
		c.done.kept(what, "whether it is there could not be asked")
		return fmt.Errorf("look for %s: %w", what, made.noEngine)
	}
	there, cache, err := made.engine.HasBuildKit(ctx)
	if err != nil {
		return err
	}
	if there || c.caches && cache {
		users, err := c.p.builderUsers(ctx, made)
		switch {
		case err != nil:
			c.done.kept(what, "who else uses it could not be asked")
			return err
		case len(users) > 0:
			c.done.kept(what, "it also serves %s", strings.Join(users, ", "))
			return nil
		}
	}
	removed, err := made.engine.RemoveBuildKit(ctx)
	c.done.removed(removed...)
	if err != nil || !c.caches {
		return err
	}
	removed, err = made.engine.RemoveBuildCache(ctx)
	c.done.removed(removed...)
	if err != nil {
		return err
	}
	removed, kept, err := made.engine.RemoveImages(ctx, airgap.KindNodeRef, airgap.BuildKitRef)
	c.done.removed(removed...)
	c.done.Kept = append(c.done.Kept, kept...)
	return err
}

// builderUsers names who else has a use for the builder: the pipeline's other
// clusters on this engine and in Minikube, runs with this cache folder, and
// builds that run now, of any project and user of this engine.
func (p *Pipeline) builderUsers(ctx context.Context, made *parts) ([]string, error) {
	kind, profile := "", ""
	switch p.providerName() {
	case "kind":
		kind = p.env.Cluster.Name
	case "minikube":
		profile = p.env.Cluster.Minikube.Profile
	}
	var users []string
	clusters, err := cluster.Others(ctx, made.engine.Client, kind)
	if err != nil {
		return nil, err
	}
	for _, name := range clusters {
		users = append(users, fmt.Sprintf("cluster %q", name))
	}
	profiles, err := cluster.OtherProfiles(ctx, profile, p.env.Cluster.Minikube.Home, exec.LookPath)
	if err != nil {
		return nil, fmt.Errorf("look for other minikube profiles: %w", err)
	}
	for _, name := range profiles {
		users = append(users, fmt.Sprintf("minikube profile %q", name))
	}
	runs, err := p.otherRuns()
	if err != nil {
		return nil, err
	}
	for _, name := range runs {
		users = append(users, fmt.Sprintf("a run on cluster %q", name))
	}
	busy, err := made.engine.BuildKitBusy(ctx)
	if busy {
		users = append(users, "a build that runs")
	}
	return users, err
}

// rest stops the engine's process and, with caches, removes the folders, unless
// another run needs them.
func (c *cleaning) rest(ctx context.Context) error {
	runs, err := c.p.otherRuns()
	if err != nil {
		return err
	}
	if len(runs) > 0 {
		why := fmt.Sprintf("a run on cluster %s uses it", strings.Join(runs, ", "))
		if engine.Noted(c.p.env.Cache) != "" {
			c.done.kept("container engine", "%s", why)
		}
		if c.caches {
			c.done.kept("folder "+c.p.env.Cache, "%s", why)
		}
		return nil
	}
	stopped, kept, err := engine.Stop(ctx, c.p.env.Cache)
	if stopped != "" {
		c.done.removed(stopped)
	}
	if kept != "" {
		c.done.Kept = append(c.done.Kept, kept)
	}
	if err != nil || !c.caches {
		return err
	}
	return c.p.cleanCache(c.done)
}
