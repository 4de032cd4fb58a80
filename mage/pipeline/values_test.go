package pipeline

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/config"
)

func TestDigestsOfThisRunOverrideValuesFile(t *testing.T) {
	root := copyProject(t, `
postgresql:
  image: {registry: elsewhere.example, repository: mine/postgresql, tag: "1", digest: "sha256:`+strings.Repeat("f", 64)+`", pullPolicy: Always}
`)
	p := load(t, root, "dev", nil)
	composed, err := p.values([]Built{
		{Name: "postgresql", Digest: digestOf(t, "todo-chatbot/postgresql", "a")},
		{Name: "backend", Digest: digestOf(t, "todo-chatbot/backend", "b")},
		{Name: "frontend", Digest: digestOf(t, "todo-chatbot/frontend", "c")},
		{Name: "gateway", Digest: digestOf(t, "todo-chatbot/gateway", "e")},
	})
	require.NoError(t, err)
	values := composed.Map()
	assert.Equal(t, map[string]any{
		"registry": "localhost:5000", "repository": "todo-chatbot/postgresql", "digest": "sha256:" + strings.Repeat("a", 64),
		"tag": p.env.Version, "pullPolicy": "Always",
	}, at(t, values, "postgresql", "image"), "the file sets the other fields")
	assert.Equal(t, "sha256:"+strings.Repeat("b", 64), at(t, values, "backend", "image", "digest"))
	assert.Equal(t, "sha256:"+strings.Repeat("c", 64), at(t, values, "frontend", "image", "digest"))
	assert.Equal(t, "sha256:"+strings.Repeat("e", 64), at(t, values, "frontend", "gateway", "image", "digest"), "the gateway runs in the frontend's pods")
	assert.Equal(t, "debug", at(t, values, "backend", "config", "logLevel"), "a value of the file stays")
	assert.NotContains(t, values, "pipeline")
	released, ok := releasedImage(values, "gateway")
	require.True(t, ok)
	assert.Equal(t, "localhost:5000/todo-chatbot/gateway@sha256:"+strings.Repeat("e", 64), released.String())
}

func TestModelOfEnvironmentReachesBackendValues(t *testing.T) {
	root := copyProject(t, "")
	file := filepath.Join(root, "values", "dev.yaml")
	edit(t, file, "  timeout: 3m\n", "  timeout: 3m\n  agent: {keyFrom: MODEL_KEY}\n")
	edit(t, file, "logLevel: debug", "logLevel: debug, openai: {baseUrl: 'http://model.example/v1', model: large}")
	p := load(t, root, "dev", map[string]string{
		"MODEL_KEY": "sk-secret", "OPENAI_API_KEY": "sk-other", "OPENAI_BASE_URL": "http://shell.example/v1", "OPENAI_MODEL": "small",
	})
	composed, err := p.values([]Built{{Name: "backend", Digest: digestOf(t, "todo-chatbot/backend", "b")}})
	require.NoError(t, err)
	values := composed.Map()
	assert.Equal(t, map[string]any{"baseUrl": "http://model.example/v1", "model": "large"}, at(t, values, "backend", "config", "openai"), "environment variables do not choose the model")
	assert.Equal(t, "debug", at(t, values, "backend", "config", "logLevel"))
	assert.Equal(t, "localhost:5000", at(t, values, "backend", "image", "registry"))
	var out bytes.Buffer
	require.NoError(t, p.Template(&out))
	assert.Contains(t, out.String(), "http://model.example/v1")
	assert.NotContains(t, out.String(), "sk-", "the key is not in the values")
}

func TestChartIsValidForEveryEnvironment(t *testing.T) {
	names, err := config.Names(projectRoot)
	require.NoError(t, err)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			p := load(t, projectRoot, name, nil)
			require.NoError(t, Lint(p))
			var out bytes.Buffer
			require.NoError(t, p.Template(&out))
			for _, image := range []string{"backend", "frontend", "gateway", "postgresql"} {
				assert.Contains(t, out.String(), "localhost:5000/todo-chatbot/"+image+"@"+zeroDigest)
			}
		})
	}
}

func TestWrongValuesAreUsageErrorBeforeDeployStarts(t *testing.T) {
	for name, c := range map[string]struct {
		more string
		want []string
	}{
		"an unknown key":     {"\npostgresql:\n  replicaCuont: 2\n", []string{"replicaCuont"}},
		"a wrong type":       {"\npostgresql:\n  image: {pullPolicy: 7}\n", []string{"pullPolicy"}},
		"two faults at once": {"\npostgresql:\n  replicaCuont: 2\n  image: {pullPolicy: 7}\n", []string{"replicaCuont", "pullPolicy"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := load(t, copyProject(t, c.more), "dev", nil)
			_, deploy := p.Deploy(context.Background(), DeployOptions{})
			for _, err := range []error{checkOnly(p), p.Template(&bytes.Buffer{}), deploy} {
				require.Error(t, err)
				assert.Equal(t, ExitUsage, ExitCode(err))
				assert.ErrorContains(t, err, `chart of environment "dev"`)
				assert.ErrorContains(t, err, filepath.Join("values", "dev.yaml"))
				for _, want := range c.want {
					assert.ErrorContains(t, err, want)
				}
			}
			locks, err := filepath.Glob(filepath.Join(p.env.Cache, "*"))
			require.NoError(t, err)
			assert.Empty(t, locks, "the cache folder is not made")
		})
	}
}

func TestBrokenTemplateIsReportedWithItsFile(t *testing.T) {
	root := copyProject(t, "")
	write(t, filepath.Join(root, "helm", "todo-chatbot", "templates", "broken.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: broken}\ndata: {key: {{ index .Values \"missing\" | required \"say which\" }}}\n")
	err := checkOnly(load(t, root, "dev", nil))
	require.Error(t, err)
	assert.Equal(t, ExitUsage, ExitCode(err))
	assert.ErrorContains(t, err, "broken.yaml")
	assert.ErrorContains(t, err, "say which")
}
