package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"todo-chatbot/mage/airgap"
	"todo-chatbot/mage/engine"
)

// Cleaned is the result of a clean.
type Cleaned struct {
	Removed []string // in the order of removal
	Kept    []string // with the reasons
}

func (c *Cleaned) removed(what ...string) { c.Removed = append(c.Removed, what...) }

func (c *Cleaned) kept(what, why string, args ...any) {
	c.Kept = append(c.Kept, what+": "+fmt.Sprintf(why, args...))
}

// CleanOptions change Clean.
type CleanOptions struct {
	Caches bool // also remove the caches, which make the next deploy fast
}

// Clean removes everything that deploys made: the release, the cluster, containers,
// networks and the engine's process. It keeps what it did not make, and what other
// clusters and runs of the pipeline use. If it cannot find out whether something
// exists, it removes the rest and returns an error.
func (p *Pipeline) Clean(ctx context.Context, opts CleanOptions) (Cleaned, error) {
	c := &cleaning{p: p, opts: opts}
	if !exists(p.env.Cache) { // without engine and cache there is nothing to remove, and no folder to make for a lock
		s, err := p.services.find(ctx)
		if s == nil {
			return c.done, err
		}
		s.close()
	}
	err := p.exclusive(ctx, "clean", c.all)
	return c.done, err
}

// cleaning is the state of one Clean.
type cleaning struct {
	p    *Pipeline
	opts CleanOptions
	done Cleaned
}

func (c *cleaning) all(ctx context.Context) error {
	s, err := c.p.services.find(ctx)
	if err != nil {
		return err
	}
	if s == nil {
		return c.machine(ctx, c.p.services.daemon())
	}
	defer s.close()
	unknown, err := c.cluster(ctx, s)
	if err != nil {
		return err
	}
	if err := c.builder(ctx, s); err != nil {
		return errors.Join(unknown, err)
	}
	return errors.Join(unknown, c.machine(ctx, c.p.services.daemon()))
}

// cluster removes a cluster of the pipeline with everything in it. From another
// cluster it removes only the release. unknown is the reason why it could not find out
// whether a release exists.
func (c *cleaning) cluster(ctx context.Context, s *services) (unknown, err error) {
	ours, err := s.provider.Ours(ctx)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		c.done.kept("the cluster", "the provider could not be asked whether the pipeline made it")
		return err, nil
	}
	if ours {
		if err := c.p.confirmDeletion(ctx, s); err != nil {
			return nil, err
		}
		c.done.removed(c.p.releaseIn(ctx, s)...)
	} else {
		if unknown, err = c.release(ctx, s); err != nil {
			return nil, err
		}
		c.done.Kept = append(c.done.Kept, c.p.foreignCluster())
	}
	removed, err := s.provider.Delete(ctx)
	c.done.removed(removed...)
	return unknown, err
}

// foreignCluster names a cluster that stays, with the reason.
func (p *Pipeline) foreignCluster() string {
	const why = ": the pipeline did not make it"
	if p.providerName() == "minikube" {
		return fmt.Sprintf("minikube profile %q", p.env.Cluster.Minikube.Profile) + why
	}
	return fmt.Sprintf("cluster of context %q", p.env.Cluster.Kubecontext.Context) + why
}

// releaseIn names the environment's release in a cluster that is about to be deleted,
// for the output. Errors are left out, because the deletion does not depend on it.
func (p *Pipeline) releaseIn(ctx context.Context, s *services) []string {
	found, err := s.provider.Find(ctx)
	if err != nil || found == nil {
		return nil
	}
	defer found.Close()
	t, err := s.open(found)
	if err != nil {
		return nil
	}
	if history, err := t.releases.History(ctx, p.env.Release); err != nil || len(history) == 0 {
		return nil
	}
	return []string{"release " + p.releaseName()}
}

// builder removes the builder, which all checkouts and clusters on the engine share,
// unless somebody else uses it. With the caches it also removes the build cache.
func (c *cleaning) builder(ctx context.Context, s *services) error {
	const what = "container " + engine.BuildKitName
	if s.engine == nil {
		if s.noEngine == nil {
			return nil
		}
		c.done.kept(what, "the engine could not be asked whether it exists")
		return fmt.Errorf("look for %s: %w", what, s.noEngine)
	}
	there, cache, err := s.engine.HasBuildKit(ctx)
	if err != nil {
		return err
	}
	if there || c.opts.Caches && cache {
		users, err := c.builderUsers(ctx, s)
		switch {
		case err != nil:
			c.done.kept(what, "its other users could not be found out")
			return err
		case len(users) > 0:
			c.done.kept(what, "it also serves %s", strings.Join(users, ", "))
			return nil
		}
	}
	removed, err := s.engine.RemoveBuildKit(ctx)
	c.done.removed(removed...)
	if err != nil || !c.opts.Caches {
		return err
	}
	removed, err = s.engine.RemoveBuildCache(ctx)
	c.done.removed(removed...)
	if err != nil {
		return err
	}
	removed, kept, err := s.engine.RemoveImages(ctx, airgap.KindNodeRef, airgap.BuildKitRef)
	c.done.removed(removed...)
	c.done.Kept = append(c.done.Kept, kept...)
	return err
}

// builderUsers names the other users of the builder: the pipeline's other clusters on
// this engine and in Minikube, runs with this cache folder, and running builds of any
// project and user.
func (c *cleaning) builderUsers(ctx context.Context, s *services) ([]string, error) {
	var users []string
	clusters, err := s.others.OnEngine(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range clusters {
		users = append(users, fmt.Sprintf("cluster %q", name))
	}
	profiles, err := s.others.Profiles(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for other minikube profiles: %w", err)
	}
	for _, name := range profiles {
		users = append(users, fmt.Sprintf("minikube profile %q", name))
	}
	runs, err := c.p.otherRuns()
	if err != nil {
		return nil, err
	}
	for _, name := range runs {
		users = append(users, fmt.Sprintf("a run on cluster %q", name))
	}
	busy, err := s.engine.BuildKitBusy(ctx)
	if busy {
		users = append(users, "a running build")
	}
	return users, err
}

// machine stops the engine's process and removes the caches, unless another run uses
// them.
func (c *cleaning) machine(ctx context.Context, daemon EngineProcess) error {
	runs, err := c.p.otherRuns()
	if err != nil {
		return err
	}
	if len(runs) > 0 {
		why := fmt.Sprintf("a run on cluster %s uses it", strings.Join(runs, ", "))
		if daemon.Noted() != "" {
			c.done.kept("container engine", "%s", why)
		}
		if c.opts.Caches {
			c.done.kept("folder "+c.p.env.Cache, "%s", why)
		}
		return nil
	}
	stopped, kept, err := daemon.Stop(ctx)
	if stopped != "" {
		c.done.removed(stopped)
	}
	if kept != "" {
		c.done.Kept = append(c.done.Kept, kept)
	}
	if err != nil || !c.opts.Caches {
		return err
	}
	return c.caches()
}
