package targets

import (
	"context"
	"fmt"
	"os"

	"todo-chatbot/mage/pipeline"
)

// ClusterUp makes sure that the cluster runs and its registry answers.
func ClusterUp(ctx context.Context, env *string, yes *bool) error {
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

// ClusterDown removes the cluster, with every release and volume in it.
func ClusterDown(ctx context.Context, env *string, yes *bool) error {
	return with(flags{env: env, yes: yes}, func(p *pipeline.Pipeline) error {
		done, err := p.ClusterDown(ctx)
		printCleaned(os.Stdout, done, err)
		return err
	})
}

// ClusterStatus says how the cluster is.
func ClusterStatus(ctx context.Context, env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		status, err := p.ClusterStatus(ctx)
		if err == nil {
			printClusterStatus(os.Stdout, status)
		}
		return err
	})
}

// ClusterPassword prints the password of the cluster's own image registry.
func ClusterPassword(ctx context.Context, env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		login, err := p.RegistryLogin(ctx)
		if err == nil {
			fmt.Fprintln(os.Stdout, login.Password())
		}
		return err
	})
}
