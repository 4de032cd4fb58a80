package cluster

import (
	"context"
	"fmt"
	"slices"

	"github.com/moby/moby/client"
)

// Others names the clusters of this pipeline on an engine, running or stopped,
// except the one of the given name. It recognises them as kind clusters that
// publish the registry's port.
func Others(ctx context.Context, docker *client.Client, name string) ([]string, error) {
	list, err := docker.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", kindLabel)})
	if err != nil {
		return nil, fmt.Errorf("list the clusters on the container engine: %w", err)
	}
	var others []string
	for _, c := range list.Items {
		owner := c.Labels[kindLabel]
		if owner == "" || owner == name || slices.Contains(others, owner) {
			continue
		}
		got, err := docker.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
		if err != nil {
			return nil, fmt.Errorf("inspect the node of cluster %q: %w", owner, err)
		}
		if got.Container.HostConfig == nil {
			continue
		}
		if _, registry := loopbackPorts(got.Container.HostConfig.PortBindings)[RegistryPort]; registry {
			others = append(others, owner)
		}
	}
	slices.Sort(others)
	return others, nil
}

// OtherProfiles names the Minikube profiles of this pipeline except the one of the
// given name. Without minikube on the PATH there are none.
func OtherProfiles(ctx context.Context, name, home string, lookPath func(string) (string, error)) ([]string, error) {
	if _, err := lookPath("minikube"); err != nil {
		return nil, nil
	}
	all, invalid, err := minikubeCLI{home: home}.profiles(ctx)
	if err != nil {
		return nil, err
	}
	others := slices.DeleteFunc(invalid, func(p string) bool { return p == name }) // a profile that cannot be read may be one of this pipeline
	for _, p := range all {
		if p.Name != name && p.ours() {
			others = append(others, p.Name)
		}
	}
	slices.Sort(others)
	return others, nil
}
