package pipeline

import (
	"context"
	"errors"
	"fmt"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/registry"
)

// errNoCluster tells the user the one thing that helps.
var errNoCluster = errors.New("no cluster runs: `mage deploy:dev` makes one")

// ClusterUp makes sure that the cluster runs and its registry answers.
func (p *Pipeline) ClusterUp(ctx context.Context) (*cluster.Cluster, error) {
	var up *cluster.Cluster
	err := p.exclusive(ctx, "cluster:up", func(ctx context.Context) error {
		made, err := p.wire(ctx)
		if err != nil {
			return err
		}
		defer made.close()
		if up, err = p.ensure(ctx, made); err != nil {
			return err
		}
		return up.Settle(ctx)
	})
	return up, err
}

// ClusterDown removes the cluster and says what was removed. One that was there
// before the pipeline stays.
func (p *Pipeline) ClusterDown(ctx context.Context) (done Cleaned, err error) {
	err = p.exclusive(ctx, "cluster:down", func(ctx context.Context) error {
		made, err := p.wireExisting(ctx)
		if err != nil || made == nil {
			return err
		}
		defer made.close()
		ours, err := made.provider.Ours(ctx)
		if err != nil {
			return err
		}
		if !ours {
			done.Kept = append(done.Kept, p.clusterStays())
		} else if err := p.sureToDelete(ctx, made.provider); err != nil {
			return err
		}
		done.Removed, err = made.provider.Delete(ctx)
		return err
	})
	return done, err
}

// ClusterStatus says how the cluster is.
func (p *Pipeline) ClusterStatus(ctx context.Context) (cluster.Status, error) {
	made, err := p.wireExisting(ctx)
	if err != nil {
		return cluster.Status{}, err
	}
	if made == nil {
		return cluster.Status{Name: p.env.Cluster.Name, State: cluster.Absent, Detail: "no container engine runs"}, nil
	}
	defer made.close()
	return made.provider.Status(ctx)
}

// RegistryLogin is the login of the cluster's own registry.
func (p *Pipeline) RegistryLogin(ctx context.Context) (*registry.Login, error) {
	c, closeCluster, err := p.running(ctx)
	if err != nil {
		return nil, err
	}
	defer closeCluster()
	switch {
	case c.Registry.Push == "":
		return nil, errNoRegistry
	case c.Registry.Login == nil:
		return nil, fmt.Errorf("the image registry %q has no login that this pipeline made: it takes everybody, as Minikube's does, or logins of docker's configuration", c.Registry.Push)
	}
	p.opts.Progress.Note("registry %s, user %s; its password goes to stdout", c.Registry.Push, c.Registry.Login.User)
	return c.Registry.Login, nil
}

// running returns the cluster if it runs; it starts nothing.
func (p *Pipeline) running(ctx context.Context) (*cluster.Cluster, func(), error) {
	_, c, closeAll, err := p.reach(ctx)
	return c, closeAll, err
}

// reach is running, with the parts that led there.
func (p *Pipeline) reach(ctx context.Context) (*parts, *cluster.Cluster, func(), error) {
	made, err := p.wireExisting(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	if made == nil {
		return nil, nil, nil, errNoCluster
	}
	c, err := made.provider.Find(ctx)
	if err != nil || c == nil {
		made.close()
		if err == nil {
			err = errNoCluster
		}
		return nil, nil, nil, err
	}
	return made, c, func() {
		c.Close()
		made.close()
	}, nil
}

// Build builds images and pushes them to the cluster's registry.
func (p *Pipeline) Build(ctx context.Context, names ...string) (built []Built, err error) {
	sources, err := p.sources(names...)
	if err != nil {
		return nil, err
	}
	err = p.exclusive(ctx, "build", func(ctx context.Context) error {
		made, err := p.wire(ctx)
		if err != nil {
			return err
		}
		defer made.close()
		if err := p.obtainable(ctx, made, sources); err != nil {
			return err
		}
		run, err := p.run(ctx, made)
		if err != nil {
			return err
		}
		built, err = run.images(ctx, sources)
		c, clusterErr := run.cluster()
		c.Close()
		return errors.Join(err, clusterErr)
	})
	return built, err
}
