package integration

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
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
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(l.Port)))
	require.NoError(t, err)
	defer listener.Close()
	result := l.mage(t, "deploy:dev")
	assert.Equal(t, 2, result.Code)
	assert.Contains(t, result.Stderr, strconv.Itoa(l.Port))
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

func (l *life) interrupted(t *testing.T) {
	require.NoError(t, l.Append(backendFile, "\nINTERRUPTED = 1\n"))
	before := l.mage(t, "release:history")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	result, err := l.Mage(ctx, "deploy:dev")
	require.NoError(t, err)
	assert.NotZero(t, result.Code)
	after := l.deploy(t)
	assert.Equal(t, 1, len(after.Lines("revision")))
	history := l.mage(t, "release:history").Stdout
	assert.NotContains(t, history, "pending")
	assert.Greater(t, strings.Count(history, "\n"), strings.Count(before.Stdout, "\n"))
}

func (l *life) stoppedNode(t *testing.T) {
	api := docker(t)
	const account = `{"name":"Ada","email":"ada@example.com","password":"correct horse battery"}`
	require.Equal(t, http.StatusOK, l.post(t, "/api/auth/sign-up/email", account))
	wait := 10
	_, err := api.ContainerStop(t.Context(), l.Cluster+"-control-plane", client.ContainerStopOptions{Timeout: &wait})
	require.NoError(t, err)
	result := l.deploy(t)
	assert.Len(t, unchangedImage.FindAllString(result.Stderr, -1), 3, "the registry kept the images")
	assert.NotContains(t, result.Stderr, "built")
	assert.Equal(t, http.StatusOK, l.post(t, "/api/auth/sign-in/email", account), "the database kept the account")
}

var unchangedImage = regexp.MustCompile(`(?m)^image +\w+ +unchanged`)

// post sends a JSON document to the application, as a page of it does.
func (l *life) post(t *testing.T, path, body string) int {
	t.Helper()
	base := "http://127.0.0.1:" + strconv.Itoa(l.Port)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Origin", base)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	response.Body.Close()
	return response.StatusCode
}

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
	result := l.mage(t, "clean")
	require.Zero(t, result.Code, result.Stderr)
	removed := strings.Join(result.Lines("removed"), "\n")
	assert.Contains(t, removed, "release todo-dev/todo")
	assert.Contains(t, removed, l.Cluster+"-control-plane")
	assert.Contains(t, removed, "todo-chatbot-buildkit")
}

func (l *life) cleanAgain(t *testing.T) {
	result := l.mage(t, "clean")
	if engine := result.Lines("removed"); len(engine) > 0 {
		// The engine that a deploy started was left to the other container.
		require.Len(t, engine, 1)
		require.Contains(t, engine[0], "container engine")
		result = l.mage(t, "clean")
	}
	assert.Zero(t, result.Code, result.Stderr)
	assert.Equal(t, "nothing to remove\n", result.Stdout)
}
