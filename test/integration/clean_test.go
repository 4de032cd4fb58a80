package integration

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// clean removes the deployment and leaves a foreign container and network alone. A
// second clean finds nothing to remove.
func (f *fixture) clean(t *testing.T) {
	f.cleanNextToForeign(t)
	f.cleanAgain(t)
}

func (f *fixture) cleanNextToForeign(t *testing.T) {
	t.Helper()
	api := docker(t)
	foreign(t, api)
	defer func() {
		ctx := context.WithoutCancel(t.Context())
		state, err := api.ContainerInspect(ctx, "foreign-control-plane", client.ContainerInspectOptions{})
		if assert.NoError(t, err, "a foreign container was removed") {
			assert.True(t, state.Container.State.Running, "a foreign container was stopped")
		}
		_, err = api.ContainerRemove(ctx, "foreign-control-plane", client.ContainerRemoveOptions{Force: true})
		assert.NoError(t, err)
		_, err = api.NetworkRemove(ctx, "foreign-network", client.NetworkRemoveOptions{})
		assert.NoError(t, err, "a foreign network was removed")
	}()
	refused := f.mage(t, "clean")
	require.Equal(t, 2, refused.Code, "it would remove volumes with data without a question")
	assert.Contains(t, refused.Stderr, "give -yes to confirm")
	assert.Empty(t, refused.Lines("removed"))
	result := f.mage(t, "clean", "-yes")
	require.Zero(t, result.Code, result.Stderr)
	removed := strings.Join(result.Lines("removed"), "\n")
	assert.Contains(t, removed, "release todo-dev/todo")
	assert.Contains(t, removed, f.Cluster+"-control-plane")
	if kept := strings.Join(result.Lines("kept"), "\n"); !strings.Contains(kept, "todo-chatbot-buildkit: it also serves") {
		assert.Contains(t, removed, "todo-chatbot-buildkit")
	}
}

// cleanAgain cleans until nothing of the pipeline is left. An engine that a deploy
// started is removed when nothing else runs on it: the foreign container is gone now,
// but the user's other clusters may still run.
func (f *fixture) cleanAgain(t *testing.T) {
	t.Helper()
	result := f.mage(t, "clean", "-yes")
	if engine := result.Lines("removed"); len(engine) > 0 {
		require.Len(t, engine, 1)
		require.Contains(t, engine[0], "container engine")
		result = f.mage(t, "clean", "-yes")
	}
	assert.Zero(t, result.Code, result.Stderr)
	assert.Empty(t, result.Lines("removed"))
	serves := func(line string) bool { return strings.Contains(line, "it also serves") } // the user's other clusters
	sharedBuilder := slices.ContainsFunc(result.Lines("kept"), serves)
	kept := slices.DeleteFunc(result.Lines("kept"), serves)
	if len(kept) > 0 {
		require.Len(t, kept, 1)
		assert.Contains(t, kept[0], "container engine")
		assert.NotContains(t, kept[0], f.Cluster)
		if !sharedBuilder {
			assert.NotContains(t, kept[0], "todo-chatbot-buildkit")
		}
		return
	}
	if len(result.Lines("kept")) == 0 {
		assert.Equal(t, "nothing to remove\n", result.Stdout)
	}
}

// foreign starts a container and makes a network that look like a kind cluster but
// do not belong to the pipeline.
func foreign(t *testing.T, api *client.Client) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	images, err := api.ImageList(ctx, client.ImageListOptions{})
	require.NoError(t, err)
	require.NotEmpty(t, images.Items)
	_, err = api.ContainerCreate(ctx, client.ContainerCreateOptions{
		Name: "foreign-control-plane",
		Config: &container.Config{
			Image: images.Items[0].ID, Entrypoint: []string{"sleep"}, Cmd: []string{"600"},
			Labels: map[string]string{"io.x-k8s.kind.cluster": "foreign"},
		},
	})
	require.NoError(t, err)
	_, err = api.ContainerStart(ctx, "foreign-control-plane", client.ContainerStartOptions{})
	require.NoError(t, err)
	_, err = api.NetworkCreate(ctx, "foreign-network", client.NetworkCreateOptions{Driver: "bridge"})
	require.NoError(t, err)
}
