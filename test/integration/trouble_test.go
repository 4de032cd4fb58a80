package integration

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/test/project"
)

func (f *fixture) portInUse(t *testing.T) {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(f.Ports["dev"])))
	require.NoError(t, err)
	defer listener.Close()
	result := f.mage(t, "deploy:dev")
	assert.Equal(t, 2, result.Code)
	assert.Contains(t, result.Stderr, strconv.Itoa(f.Ports["dev"]))
	assert.Contains(t, result.Stderr, "TODO_PORT")
}

func (f *fixture) twoAtOnce(t *testing.T) {
	require.NoError(t, f.Append(backendFile, "\nTWO_AT_ONCE = 1\n"))
	first := make(chan project.Result, 1)
	go func() {
		result, _ := f.Mage(t.Context(), "deploy:dev")
		first <- result
	}()
	// Two runs cannot compile the magefile in one folder at the same moment, so the
	// second starts after the first one has begun its work.
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(f.cache, "cluster-"+f.Cluster+".lock.holder"))
		return err == nil
	}, time.Minute, 20*time.Millisecond)
	second := f.mage(t, "deploy:dev")
	assert.Equal(t, 1, second.Code)
	assert.Contains(t, second.Stderr, "another run works on cluster")
	assert.Contains(t, second.Stderr, "deploy:dev")
	assert.Zero(t, (<-first).Code)
}

// stopped stops deploys at every stage, with Ctrl-C and with a kill that allows no
// clean-up. Each deploy continues after the one before, and the last one succeeds.
func (f *fixture) stopped(t *testing.T) {
	before := f.mage(t, "release:history")
	for i, stop := range []project.Stop{
		{Seen: "chart "},
		{Seen: "cluster ", After: time.Second}, // during the build
		{Seen: "built, pushed"},                // when the release begins
		{Seen: "built, pushed", After: 4 * time.Second},
		{Seen: "cluster ", After: time.Second, Kill: true},
		{Seen: "built, pushed", After: 2 * time.Second, Kill: true},
	} {
		require.NoError(t, f.Append(backendFile, fmt.Sprintf("\nSTOPPED_%d = 1\n", i)))
		result, err := f.MageStopped(t.Context(), stop, "deploy:dev")
		require.NoError(t, err)
		assert.NotZero(t, result.Code, "%+v", stop)
		assert.Empty(t, result.Lines("verdict"), "%+v", stop)
	}
	after := f.deploy(t)
	assert.Equal(t, 1, len(after.Lines("revision")))
	history := f.mage(t, "release:history").Stdout
	assert.NotContains(t, history, "pending")
	assert.Greater(t, strings.Count(history, "\n"), strings.Count(before.Stdout, "\n"))
}

// offline deploys without a network: an unchanged application is found unchanged,
// and a change that needs no new package is built and deployed.
func (f *fixture) offline(t *testing.T) {
	const nobody = "http://127.0.0.1:9" // nothing listens on the discard port
	env := []string{"HTTP_PROXY=" + nobody, "HTTPS_PROXY=" + nobody, "http_proxy=" + nobody, "https_proxy=" + nobody, "NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost", "GOPROXY=off"}
	result, err := f.MageWith(t.Context(), env, "deploy:dev")
	require.NoError(t, err)
	require.Zero(t, result.Code, result.Stderr)
	assert.Equal(t, 5, strings.Count(result.Stderr, "unchanged"), "the lines of four images and the release")
	require.NoError(t, f.Append(backendFile, "\nOFFLINE = 1\n"))
	result, err = f.MageWith(t.Context(), env, "deploy:dev")
	require.NoError(t, err)
	require.Zero(t, result.Code, result.Stderr)
	assert.Equal(t, 1, strings.Count(result.Stderr, "built, pushed"))
}

// fullDisk builds with a cache of 2 MB, too small for the base of the frontend's image.
func (f *fixture) fullDisk(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("mounts a small file system: on Linux, as root")
	}
	small := t.TempDir()
	mount := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small)
	out, err := mount.CombinedOutput()
	require.NoError(t, err, string(out))
	defer func() { assert.NoError(t, exec.Command("umount", small).Run()) }()
	result, err := f.MageWith(t.Context(), []string{"TODO_CACHE=" + small}, "build:image", "frontend")
	require.NoError(t, err)
	assert.Equal(t, 1, result.Code)
	assert.Contains(t, result.Stderr, "is full ("+small)
	assert.Contains(t, result.Stderr, "mage clean:all")
	f.deploy(t)
}

// stoppedNode stops the node's container. A deploy starts it again, with its data.
func (f *fixture) stoppedNode(t *testing.T) {
	api := docker(t)
	ada := f.signedUp(t, "ada-of-the-stopped-node")
	wait := 10
	_, err := api.ContainerStop(t.Context(), f.Cluster+"-control-plane", client.ContainerStopOptions{Timeout: &wait})
	require.NoError(t, err)
	result := f.deploy(t)
	assert.Len(t, unchangedImage.FindAllString(result.Stderr, -1), 4, "the registry lost images")
	assert.NotContains(t, result.Stderr, "built")
	require.NoError(t, ada.SignIn(t.Context()), "the database lost the account")
}

var unchangedImage = regexp.MustCompile(`(?m)^image +\w+ +unchanged`)
