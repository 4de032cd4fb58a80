package integration

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/test/project"
)

func (l *life) portInUse(t *testing.T) {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(l.Ports["dev"])))
	require.NoError(t, err)
	defer listener.Close()
	result := l.mage(t, "deploy:dev")
	assert.Equal(t, 2, result.Code)
	assert.Contains(t, result.Stderr, strconv.Itoa(l.Ports["dev"]))
	assert.Contains(t, result.Stderr, "TODO_PORT")
}

func (l *life) twoAtOnce(t *testing.T) {
	require.NoError(t, l.Append(backendFile, "\nTWO_AT_ONCE = 1\n"))
	first := make(chan project.Result, 1)
	go func() {
		result, _ := l.Mage(t.Context(), "deploy:dev")
		first <- result
	}()
	// mage itself cannot compile twice at the same moment in one folder, so the
	// second comes when the first has begun its work.
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(l.cache, "cluster-"+l.Cluster+".lock.holder"))
		return err == nil
	}, time.Minute, 20*time.Millisecond)
	second := l.mage(t, "deploy:dev")
	assert.Equal(t, 1, second.Code)
	assert.Contains(t, second.Stderr, "another run works on cluster")
	assert.Contains(t, second.Stderr, "deploy:dev")
	assert.Zero(t, (<-first).Code)
}

// creation stops the making of the cluster itself, as its first pods start; the
// first deploy finds the rest of it.
func (l *life) creation(t *testing.T) {
	result, err := l.MageStopped(t.Context(), project.Stop{Seen: "chart ", After: 12 * time.Second}, "deploy:dev")
	require.NoError(t, err)
	assert.NotZero(t, result.Code)
	assert.Empty(t, result.Lines("url"))
}

// stopped stops deploys at every stage, by Ctrl-C and by the kill that leaves no
// time to tidy up; each is taken up by the next, and the last one goes through.
func (l *life) stopped(t *testing.T) {
	before := l.mage(t, "release:history")
	for i, stop := range []project.Stop{
		{Seen: "chart "},
		{Seen: "cluster ", After: time.Second}, // in the build
		{Seen: "built, pushed"},                // as the release begins
		{Seen: "built, pushed", After: 4 * time.Second},
		{Seen: "cluster ", After: time.Second, Kill: true},
		{Seen: "built, pushed", After: 2 * time.Second, Kill: true},
	} {
		require.NoError(t, l.Append(backendFile, fmt.Sprintf("\nSTOPPED_%d = 1\n", i)))
		result, err := l.MageStopped(t.Context(), stop, "deploy:dev")
		require.NoError(t, err)
		assert.NotZero(t, result.Code, "%+v", stop)
		assert.Empty(t, result.Lines("verdict"), "%+v", stop)
	}
	after := l.deploy(t)
	assert.Equal(t, 1, len(after.Lines("revision")))
	history := l.mage(t, "release:history").Stdout
	assert.NotContains(t, history, "pending")
	assert.Greater(t, strings.Count(history, "\n"), strings.Count(before.Stdout, "\n"))
}

// offline has no network but the machine's own: an unchanged application is
// found so, and a change that asks for no new package is built and rolled out.
func (l *life) offline(t *testing.T) {
	const nobody = "http://127.0.0.1:9" // the discard port, where nothing listens
	env := []string{"HTTP_PROXY=" + nobody, "HTTPS_PROXY=" + nobody, "http_proxy=" + nobody, "https_proxy=" + nobody, "NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost", "GOPROXY=off"}
	result, err := l.MageWith(t.Context(), env, "deploy:dev")
	require.NoError(t, err)
	require.Zero(t, result.Code, result.Stderr)
	assert.Equal(t, 5, strings.Count(result.Stderr, "unchanged"), "four images and the release")
	require.NoError(t, l.Append(backendFile, "\nOFFLINE = 1\n"))
	result, err = l.MageWith(t.Context(), env, "deploy:dev")
	require.NoError(t, err)
	require.Zero(t, result.Code, result.Stderr)
	assert.Equal(t, 1, strings.Count(result.Stderr, "built, pushed"))
}

// fullDisk has a cache of 2 MB, in which the base of the frontend, soon fetched, has no room.
func (l *life) fullDisk(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("mounts a small file system: on Linux, as root")
	}
	small := t.TempDir()
	mount := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small)
	out, err := mount.CombinedOutput()
	require.NoError(t, err, string(out))
	defer func() { assert.NoError(t, exec.Command("umount", small).Run()) }()
	result, err := l.MageWith(t.Context(), []string{"TODO_CACHE=" + small}, "build:image", "frontend")
	require.NoError(t, err)
	assert.Equal(t, 1, result.Code)
	assert.Contains(t, result.Stderr, "is full ("+small)
	assert.Contains(t, result.Stderr, "mage clean:all")
	l.deploy(t)
}

func (l *life) stoppedNode(t *testing.T) {
	api := docker(t)
	ada := l.signedUp(t, "ada-of-the-stopped-node")
	wait := 10
	_, err := api.ContainerStop(t.Context(), l.Cluster+"-control-plane", client.ContainerStopOptions{Timeout: &wait})
	require.NoError(t, err)
	result := l.deploy(t)
	assert.Len(t, unchangedImage.FindAllString(result.Stderr, -1), 4, "the registry kept the images")
	assert.NotContains(t, result.Stderr, "built")
	require.NoError(t, ada.SignIn(t.Context()), "the database kept the account")
}

var unchangedImage = regexp.MustCompile(`(?m)^image +\w+ +unchanged`)

func (l *life) clean(t *testing.T) {
	api := docker(t)
	foreign(t, api)
	defer func() {
		ctx := context.WithoutCancel(t.Context())
		state, err := api.ContainerInspect(ctx, "foreign-control-plane", client.ContainerInspectOptions{})
		if assert.NoError(t, err, "another's container is still there") {
			assert.True(t, state.Container.State.Running, "and runs, on an engine that is left to it")
		}
		_, err = api.ContainerRemove(ctx, "foreign-control-plane", client.ContainerRemoveOptions{Force: true})
		assert.NoError(t, err)
		_, err = api.NetworkRemove(ctx, "foreign-network", client.NetworkRemoveOptions{})
		assert.NoError(t, err, "another's network is still there")
	}()
	refused := l.mage(t, "clean")
	require.Equal(t, 2, refused.Code, "volumes hold data, and nobody can be asked")
	assert.Contains(t, refused.Stderr, "give -yes if that is meant")
	assert.Empty(t, refused.Lines("removed"))
	result := l.mage(t, "clean", "-yes")
	require.Zero(t, result.Code, result.Stderr)
	removed := strings.Join(result.Lines("removed"), "\n")
	assert.Contains(t, removed, "release todo-dev/todo")
	assert.Contains(t, removed, l.Cluster+"-control-plane")
	if kept := strings.Join(result.Lines("kept"), "\n"); !strings.Contains(kept, "todo-chatbot-buildkit: it also serves") {
		assert.Contains(t, removed, "todo-chatbot-buildkit")
	}
}

// cleanAgain cleans until nothing of the pipeline's is left. An engine that a
// deploy started goes once nothing else runs on it: the container of the chapter
// before is gone, those of a user's other clusters may have come back with it.
func (l *life) cleanAgain(t *testing.T) {
	result := l.mage(t, "clean", "-yes")
	if engine := result.Lines("removed"); len(engine) > 0 {
		require.Len(t, engine, 1)
		require.Contains(t, engine[0], "container engine")
		result = l.mage(t, "clean", "-yes")
	}
	assert.Zero(t, result.Code, result.Stderr)
	assert.Empty(t, result.Lines("removed"))
	kept := slices.DeleteFunc(result.Lines("kept"), func(line string) bool { return strings.Contains(line, "it also serves") }) // a user's other clusters
	if len(kept) > 0 {
		require.Len(t, kept, 1)
		assert.Contains(t, kept[0], "container engine")
		assert.NotContains(t, kept[0], l.Cluster)
		assert.NotContains(t, kept[0], "todo-chatbot-buildkit")
		return
	}
	if len(result.Lines("kept")) == 0 {
		assert.Equal(t, "nothing to remove\n", result.Stdout)
	}
}
