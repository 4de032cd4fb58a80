package targets

import (
	"context"
	"fmt"
	"os"

	"github.com/magefile/mage/mg"

	"todo-chatbot/mage/pipeline"
)

// Cluster makes, removes and describes the Kubernetes cluster.
type Cluster mg.Namespace

// Up makes sure that the cluster runs and its registry answers.
func (Cluster) Up(ctx context.Context, env *string, yes *bool) error {
	return with(flags{env: env, yes: yes}, func(p *pipeline.Pipeline) error {
		c, err := p.ClusterUp(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		fmt.Fprintf(os.Stdout, "cluster %s/%s\nkubeconfig %s\nregistry %s\n", c.Provider, c.Name, c.Kubeconfig, c.Registry.Push)
		return nil
	})
}

// Down removes the cluster, with every release and volume in it.
func (Cluster) Down(ctx context.Context, env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		removed, err := p.ClusterDown(ctx)
		printRemoved(pipeline.Cleaned{Removed: removed})
		return err
	})
}

// Status says how the cluster is.
func (Cluster) Status(ctx context.Context, env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		status, err := p.ClusterStatus(ctx)
		if err == nil {
			pipeline.PrintStatus(os.Stdout, status)
		}
		return err
	})
}
