package release

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/diagnose/diagnosetest"
)

func TestEvidenceIsCollectedAndSaved(t *testing.T) {
	c := newCluster(t)
	c.mustDeploy(testSpec())
	c.brokenBackend(diagnosetest.Looping(3, "Error", 2))
	c.event(diagnosetest.PodUID, "BackOff", "Back-off restarting failed container")
	_, err := EnsureCredentials(context.Background(), c.client, testNamespace, "todo-credentials", wantedKeys, map[string]string{"openai-api-key": "sk-secret"})
	require.NoError(t, err)

	evidence, err := c.manager.Collect(context.Background(), testRelease, "sha256:bbb")
	require.NoError(t, err)
	evidence.Cause = []string{"the cause, in lines"}
	dir := filepath.Join(t.TempDir(), "evidence")
	files, err := evidence.Save(dir)
	require.NoError(t, err)
	var all string
	for _, f := range files {
		data, err := os.ReadFile(f)
		require.NoError(t, err)
		all += string(data)
	}
	assert.Len(t, files, 7)
	assert.FileExists(t, filepath.Join(dir, "cause.txt"))
	assert.FileExists(t, filepath.Join(dir, "diff.txt"))
	assert.FileExists(t, filepath.Join(dir, "logs", "todo-backend-1-x_backend.log"))
	assert.FileExists(t, filepath.Join(dir, "logs", "todo-backend-1-x_backend_previous.log"))
	for _, part := range []string{"todo-dev/todo", "1 ", "todo-chatbot-0.1.0", "Back-off restarting", "restarts=2", "waiting: CrashLoopBackOff", "fake logs", "the cause, in lines", "+++ deployment/todo-backend\trevision 1", "postgresql@[hidden]"} {
		assert.Contains(t, all, part)
	}
	assert.NotContains(t, all, "sk-secret")
}

func TestEvidenceOfAnAbsentReleaseStillHasThePods(t *testing.T) {
	c := newCluster(t)
	c.mustDeploy(testSpec())
	c.brokenBackend(diagnosetest.Running())
	evidence, err := c.manager.Collect(context.Background(), "other")
	require.ErrorIs(t, err, ErrNotFound)
	assert.Len(t, evidence.Pods, 1)
}
