package engine

import (
	"bufio"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	removeBuilder = "DELETE /containers/" + BuildKitName
	createBuilder = "POST /containers/create"
	startBuilder  = "POST /containers/" + BuildKitName + "/start"
)

func TestBuildKitCreatesStartsOrReplacesOnlyAsNeeded(t *testing.T) {
	for name, c := range map[string]struct {
		existing *box
		started  bool
		changes  []string
	}{
		"no container: created and started":            {nil, true, []string{createBuilder, startBuilder}},
		"running, of the same image: kept":             {&box{image: "sha256:now", running: true}, false, []string{}},
		"stopped, of the same image: started":          {&box{image: "sha256:now"}, true, []string{startBuilder}},
		"running, of another image: replaced":          {&box{image: "sha256:old", running: true}, true, []string{removeBuilder, createBuilder, startBuilder}},
		"stopped, of another image: replaced, started": {&box{image: "sha256:old"}, true, []string{removeBuilder, createBuilder, startBuilder}},
	} {
		t.Run(name, func(t *testing.T) {
			d, e := newEngine(t)
			d.images["buildkit:1"] = "sha256:now"
			if c.existing != nil {
				d.containers[BuildKitName] = c.existing
			}
			started, err := e.BuildKit(context.Background(), "buildkit:1", BuilderSetup{})
			require.NoError(t, err)
			assert.Equal(t, c.started, started)
			assert.Equal(t, c.changes, d.changes())
			assert.Equal(t, "sha256:now", d.containers[BuildKitName].image)
			assert.True(t, d.containers[BuildKitName].running)
		})
	}
}

func TestBuildKitGetsHostNetworkAndCacheVolume(t *testing.T) {
	d, e := newEngine(t)
	d.images["buildkit:1"] = "sha256:now"
	_, err := e.BuildKit(context.Background(), "buildkit:1", BuilderSetup{})
	require.NoError(t, err)
	made := d.containers[BuildKitName].made
	assert.Equal(t, map[string]any{"app.kubernetes.io/managed-by": "todo-chatbot-pipeline"}, made["Labels"])
	host := made["HostConfig"].(map[string]any)
	assert.Equal(t, true, host["Privileged"])
	assert.Equal(t, "host", host["NetworkMode"])
	assert.EqualValues(t, builderShares, host["CpuShares"], "a build yields to the application")
	mount := host["Mounts"].([]any)[0].(map[string]any)
	assert.Equal(t, []any{"volume", BuildKitName, "/var/lib/buildkit"}, []any{mount["Type"], mount["Source"], mount["Target"]})
}

func TestBuildKitWaitsUntilBuilderAnswers(t *testing.T) {
	d, e := newEngine(t)
	d.images["buildkit:1"], d.exits = "sha256:now", []int{1, 1}
	started, err := e.BuildKit(context.Background(), "buildkit:1", BuilderSetup{})
	require.NoError(t, err)
	assert.True(t, started)
	assert.Empty(t, d.exits, "it is asked until it answers")
}

func TestBuildKitWithoutAnswerNamesItsLog(t *testing.T) {
	d, e := newEngine(t)
	d.images["buildkit:1"] = "sha256:now"
	for range 1000 {
		d.exits = append(d.exits, 7)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 350*time.Millisecond)
	defer cancel()
	_, err := e.BuildKit(ctx, "buildkit:1", BuilderSetup{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorContains(t, err, "docker logs "+BuildKitName)
	assert.NotContains(t, err.Error(), "<nil>")
}

func TestBuildKitFailsWithoutItsImage(t *testing.T) {
	d, e := newEngine(t)
	_, err := e.BuildKit(context.Background(), "buildkit:1", BuilderSetup{})
	assert.ErrorContains(t, err, `image "buildkit:1"`)
	assert.Empty(t, d.changes())
}

func TestDialBuildKitRemovesEngineFraming(t *testing.T) {
	d, e := newEngine(t)
	d.containers[BuildKitName] = &box{running: true}
	conn, err := e.DialBuildKit(context.Background())
	require.NoError(t, err)
	defer conn.Close()
	answers := bufio.NewReader(conn)
	for _, word := range []string{"one", "two"} {
		_, err := fmt.Fprintln(conn, word)
		require.NoError(t, err)
		line, err := answers.ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, map[string]string{"one": "ONE\n", "two": "TWO\n"}[word], line, "stdout only, unchanged")
	}
}

func TestDialBuildKitFailsWithoutBuilder(t *testing.T) {
	_, e := newEngine(t)
	_, err := e.DialBuildKit(context.Background())
	assert.ErrorContains(t, err, "connect to BuildKit: ")
}

func TestRemoveNamesRemovedBuilderAndCache(t *testing.T) {
	container, volume := "container "+BuildKitName, "volume "+BuildKitName
	for name, c := range map[string]struct {
		container, volume      bool
		builderGone, cacheGone []string
	}{
		"neither exists":    {false, false, nil, nil},
		"builder and cache": {true, true, []string{container}, []string{volume}},
		"builder only":      {true, false, []string{container}, nil},
		"cache only":        {false, true, nil, []string{volume}},
	} {
		t.Run(name, func(t *testing.T) {
			d, e := newEngine(t)
			if c.container {
				d.containers[BuildKitName] = &box{running: true}
			}
			d.containers["another"] = &box{running: true}
			d.volumes["another"] = true
			if c.volume {
				d.volumes[BuildKitName] = true
			}
			removed, err := e.RemoveBuildKit(context.Background())
			require.NoError(t, err)
			assert.Equal(t, c.builderGone, removed)
			assert.Len(t, d.containers, 1)
			assert.Equal(t, c.volume, d.volumes[BuildKitName], "the cache stays")
			removed, err = e.RemoveBuildCache(context.Background())
			require.NoError(t, err)
			assert.Equal(t, c.cacheGone, removed)
			assert.False(t, d.volumes[BuildKitName])
			assert.True(t, d.volumes["another"])
		})
	}
}

func TestBuilderIsBusyWhileAnyBuildRuns(t *testing.T) {
	for name, c := range map[string]struct {
		box  *box
		busy bool
	}{
		"no builder":           {nil, false},
		"idle":                 {&box{running: true}, false},
		"with ended builds":    {&box{running: true, execs: map[string]bool{"a": false, "b": false}}, false},
		"with a running build": {&box{running: true, execs: map[string]bool{"a": false, "b": true}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			d, e := newEngine(t)
			if c.box != nil {
				d.containers[BuildKitName] = c.box
			}
			busy, err := e.BuildKitBusy(context.Background())
			require.NoError(t, err)
			assert.Equal(t, c.busy, busy)
		})
	}
}

func TestBusyBuilderOfAnotherImageIsKept(t *testing.T) {
	d, e := newEngine(t)
	d.images["buildkit:1"] = "sha256:now"
	d.containers[BuildKitName] = &box{image: "sha256:old", running: true, execs: map[string]bool{"theirs": true}}
	started, err := e.BuildKit(context.Background(), "buildkit:1", BuilderSetup{})
	require.NoError(t, err)
	assert.False(t, started)
	assert.Empty(t, d.changes())
	assert.Equal(t, "sha256:old", d.containers[BuildKitName].image)
}
