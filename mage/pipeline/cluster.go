package pipeline

import (
	"context"
	"errors"
	"fmt"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/registry"
)

var errNoCluster = errors.New("no cluster runs: `mage deploy:dev` starts one")

// ClusterUp makes sure that the cluster runs and its registry answers.
func (p *Pipeline) ClusterUp(ctx context.Context) (*cluster.Cluster, error) {
	var up *cluster.Cluster
	err := p.exclusive(ctx, "cluster:up", func(ctx context.Context) error {
		s, err := p.services.start(ctx)
		if err != nil {
			return err
		}
		defer s.close()
		if up, err = p.ensureCluster(ctx, s.provider); err != nil {
			return err
		}
		return up.Settle(ctx)
	})
	return up, err
}

// ClusterDown removes the cluster and says what it removed. A cluster that the
// pipeline did not make stays.
func (p *Pipeline) ClusterDown(ctx context.Context) (done Cleaned, err error) {
	err = p.exclusive(ctx, "cluster:down", func(ctx context.Context) error {
		s, err := p.services.find(ctx)
		if err != nil || s == nil {
			return err
		}
		defer s.close()
		ours, err := s.provider.Ours(ctx)
		if err != nil {
			return err
		}
		if !ours {
			done.Kept = append(done.Kept, p.foreignCluster())
		} else if err := p.confirmDeletion(ctx, s); err != nil {
			return err
		}
		done.Removed, err = s.provider.Delete(ctx)
		return err
	})
	return done, err
}

// ClusterStatus describes the cluster.
func (p *Pipeline) ClusterStatus(ctx context.Context) (cluster.Status, error) {
	s, err := p.services.find(ctx)
	if err != nil {
		return cluster.Status{}, err
	}
	if s == nil {
		return cluster.Status{Name: p.env.Cluster.Name, State: cluster.Absent, Detail: "no container engine runs"}, nil
	}
	defer s.close()
	return s.provider.Status(ctx)
}

// RegistryLogin returns the login of the cluster's own registry.
func (p *Pipeline) RegistryLogin(ctx context.Context) (*registry.Login, error) {
	var login *registry.Login
	err := p.withTarget(ctx, func(_ *services, t target) error {
		of := t.cluster.Registry
		switch {
		case of.Push == "":
			return errNoRegistry
		case of.Login == nil:
			return fmt.Errorf("the image registry %q has no login that this pipeline made: either it needs none, as Minikube's registry, or docker's configuration has the login", of.Push)
		}
		p.opts.Progress.Note("registry %s, user %s; its password goes to stdout", of.Push, of.Login.User)
		login = of.Login
		return nil
	})
	return login, err
}

// withTarget calls do with the running cluster. It starts nothing.
func (p *Pipeline) withTarget(ctx context.Context, do func(*services, target) error) error {
	s, err := p.services.find(ctx)
	if err != nil {
		return err
	}
	if s == nil {
		return errNoCluster
	}
	defer s.close()
	c, err := s.provider.Find(ctx)
	if err != nil {
		return err
	}
	if c == nil {
		return errNoCluster
	}
	defer c.Close()
	t, err := s.open(c)
	if err != nil {
		return err
	}
	return do(s, t)
}

// startCluster starts the cluster in the background if it does not run, because that
// takes longest. The result waits for the cluster. A registry is known to be empty
// only if this run makes its cluster.
func (p *Pipeline) startCluster(ctx context.Context, s *services) (*imageRun, error) {
	images := p.newImageRun(ctx, s)
	running, err := p.findCluster(ctx, s.provider)
	if err != nil {
		return nil, err
	}
	if running != nil {
		images.cluster = func() (*cluster.Cluster, error) { return running, nil }
		return images, nil
	}
	status, err := s.provider.Status(ctx)
	if err != nil {
		return nil, err
	}
	images.emptyRegistry = status.State == cluster.Absent
	images.cluster = background(func() (*cluster.Cluster, error) { return p.ensureCluster(ctx, s.provider) })
	return images, nil
}

// findCluster returns and reports a cluster that runs with its registry, or nil. The
// provider reports the cluster that it starts.
func (p *Pipeline) findCluster(ctx context.Context, provider ClusterFinder) (*cluster.Cluster, error) {
	step := p.opts.Progress.Start("cluster", p.env.Cluster.Name)
	found, err := provider.Find(ctx)
	if unreachable, ok := errors.AsType[*cluster.Unreachable](err); ok && ctx.Err() == nil && !kube.Final(unreachable) {
		found, err = nil, nil // Ensure waits for it
	}
	if err != nil {
		return nil, step.Fail(err)
	}
	if found == nil || found.Registry.Push == "" {
		step.Drop()
		return nil, nil
	}
	step.Done("running", found.Provider)
	return found, nil
}

// ensureCluster makes or starts the cluster. If a port is in use, the error names the
// setting of the port.
func (p *Pipeline) ensureCluster(ctx context.Context, provider ClusterMaker) (*cluster.Cluster, error) {
	c, err := provider.Ensure(ctx)
	inUse, ok := errors.AsType[*cluster.PortInUse](err)
	if !ok {
		return c, err
	}
	if inUse.Made { // no setting changes the ports of a cluster that exists
		return nil, usageError(err)
	}
	setting := "TODO_PORT"
	for _, published := range p.env.Published() {
		if published.Port == inUse.Port && published.Environment != p.env.Name {
			setting = "pipeline.url.port in values/" + published.Environment + ".yaml"
		}
	}
	return nil, usageError(fmt.Errorf("%w; the port's setting is %s", err, setting))
}
