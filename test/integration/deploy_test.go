package integration

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"todo-chatbot/test/project"
)

const backendFile = "images/backend/app/main.py"

// wrongInput tries wrong arguments and files: usage errors, before anything is touched.
func (f *fixture) wrongInput(t *testing.T) {
	dockerfile := filepath.Join(f.Dir, "images", "backend", "Dockerfile")
	values := filepath.Join(f.Dir, "values", "dev.yaml")
	for _, c := range []struct {
		name   string
		file   string
		append string
		env    []string
		args   []string
		says   []string
	}{
		{name: "unknown environment", args: []string{"deploy:to", "qa"}, says: []string{`"qa"`, "dev", "staging"}},
		{name: "unknown key in values", file: values, append: "\nbackendd: {}\n", args: []string{"deploy:dev"}, says: []string{"backendd", "dev.yaml"}},
		{name: "wrong type in values", file: values, append: "\npostgresql: {persistence: many}\n", args: []string{"deploy:dev"}, says: []string{"persistence"}},
		{name: "malformed Dockerfile", file: dockerfile, append: "\nFORM scratch\n", args: []string{"deploy:dev"}, says: []string{"FORM", "Dockerfile"}},
		{name: "port that is not a number", env: []string{"TODO_PORT=http"}, args: []string{"deploy:dev"}, says: []string{"TODO_PORT", "http"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.file != "" {
				before, err := os.ReadFile(c.file)
				require.NoError(t, err)
				defer func() { require.NoError(t, os.WriteFile(c.file, before, 0o644)) }()
				require.NoError(t, os.WriteFile(c.file, append(before, c.append...), 0o644))
			}
			result, err := f.MageWith(t.Context(), c.env, c.args...)
			require.NoError(t, err)
			assert.Equal(t, 2, result.Code)
			for _, words := range c.says {
				assert.Contains(t, result.Stderr, words)
			}
			assert.NotContains(t, result.Stderr, "cluster ", "a step on the cluster has begun")
		})
	}
}

// firstDeploy interrupts the creation of the cluster while its first pods start.
// The next deploy completes the cluster and brings up an application that answers.
func (f *fixture) firstDeploy(t *testing.T) {
	stopped, err := f.MageStopped(t.Context(), project.Stop{Seen: "chart ", After: 12 * time.Second}, "deploy:dev")
	require.NoError(t, err)
	assert.NotZero(t, stopped.Code)
	assert.Empty(t, stopped.Lines("url"))

	result := f.deploy(t)
	assert.Len(t, result.Lines("image"), 4)
	assert.Equal(t, []string{"1 new"}, result.Lines("revision"))
	url := result.Lines("url")
	require.Len(t, url, 1)
	assert.True(t, strings.HasPrefix(url[0], "http://127.0.0.1:"), url[0])
	response, err := http.Get(url[0])
	require.NoError(t, err)
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Contains(t, string(page), "Todo")
}

func (f *fixture) smokePasses(t *testing.T) {
	result := f.mage(t, "test:smoke")
	assert.Zero(t, result.Code, result.Stderr)
	for _, report := range []string{"smoke.xml", "smoke.json"} {
		assert.FileExists(t, filepath.Join(f.Dir, "build", report))
	}
}

// manualChange scales the backend to zero: smoke names the component, and a deploy
// scales it back.
func (f *fixture) manualChange(t *testing.T) {
	served := f.newest(t, "dev")
	_, err := f.client(t).AppsV1().Deployments(namespace).Patch(t.Context(), "todo-backend", types.MergePatchType,
		[]byte(`{"spec":{"replicas":0}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	eventually(t, 2*time.Minute, func(ctx context.Context) error {
		pods, err := f.client(t).CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=backend"})
		if err == nil && len(pods.Items) > 0 {
			err = fmt.Errorf("the backend still has %d pods", len(pods.Items))
		}
		return err
	})
	result := f.mage(t, "test:smoke")
	assert.Equal(t, 3, result.Code)
	assert.Contains(t, result.Stderr, "backend: live")

	result = f.deploy(t)
	assert.Equal(t, []string{fmt.Sprintf("%d new", served+1)}, result.Lines("revision"))
	assert.Contains(t, result.Stderr, "todo-backend")
}

func (f *fixture) unchanged(t *testing.T) {
	served := f.newest(t, "dev")
	before := f.mage(t, "release:history")
	result := f.deploy(t)
	assert.Equal(t, []string{fmt.Sprintf("%d unchanged", served)}, result.Lines("revision"))
	assert.Equal(t, 5, strings.Count(result.Stderr, "unchanged"), "the lines of four images and the release")
	assert.NotContains(t, result.Stderr, "built")
	assert.Equal(t, before.Stdout, f.mage(t, "release:history").Stdout)
}

func (f *fixture) oneLine(t *testing.T) {
	served := f.newest(t, "dev")
	before := f.deploy(t).Lines("image")
	require.NoError(t, f.Append(backendFile, "\nONE_LINE = 1\n"))
	result := f.deploy(t)
	assert.Equal(t, []string{fmt.Sprintf("%d new", served+1)}, result.Lines("revision"))
	assert.Equal(t, 1, strings.Count(result.Stderr, "built, pushed"))
	assert.Regexp(t, `image +backend +built, pushed .* [1-2] of \d+ layers new`, result.Stderr)
	after := result.Lines("image")
	require.Len(t, after, 4)
	for i := range after {
		if strings.HasPrefix(after[i], "backend ") {
			assert.NotEqual(t, before[i], after[i])
		} else {
			assert.Equal(t, before[i], after[i])
		}
	}
}
