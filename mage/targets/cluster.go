package targets

import (
	"context"
	"fmt"
	"os"

	"todo-chatbot/mage/pipeline"
)

// ClusterUp makes sure that the cluster runs and its registry answers.
func ClusterUp(ctx context.Context, f Flags) error {
	return with(f, func(p *pipeline.Pipeline) error {
		c, err := p.ClusterUp(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		fmt.Fprintf(os.Stdout, "cluster %s/%s\nkubeconfig %s\nregistry %s\n", c.Provider, c.Name, c.Kubeconfig, c.Registry.Push)
		return nil
	})
}

// ClusterDown removes the cluster with all its releases and volumes.
func ClusterDown(ctx context.Context, f Flags) error {
	return with(f, func(p *pipeline.Pipeline) error {
		done, err := p.ClusterDown(ctx)
		printCleaned(os.Stdout, done, err)
		return err
	})
}

// ClusterStatus prints the state of the cluster.
func ClusterStatus(ctx context.Context, f Flags) error {
	return with(f, func(p *pipeline.Pipeline) error {
		status, err := p.ClusterStatus(ctx)
		if err == nil {
			printClusterStatus(os.Stdout, status)
		}
		return err
	})
}

// ClusterPassword prints the password of the cluster's own image registry.
func ClusterPassword(ctx context.Context, f Flags) error {
	return with(f, func(p *pipeline.Pipeline) error {
		login, err := p.RegistryLogin(ctx)
		if err == nil {
			fmt.Fprintln(os.Stdout, login.Password())
		}
		return err
	})
}
