package pipeline

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/config"
	"todo-chatbot/mage/progress"
)

// allEnvironments returns the pipelines of all environments below root.
func allEnvironments(t *testing.T, root string) []*Pipeline {
	t.Helper()
	names, err := config.Names(root)
	require.NoError(t, err)
	var environments []*Pipeline
	for _, name := range names {
		environments = append(environments, load(t, root, name, nil))
	}
	return environments
}

// edit replaces text in a file of a copied project.
func edit(t *testing.T, file, old, with string) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(text), old)
	write(t, file, strings.Replace(string(text), old, with, 1))
}

func TestLintPassesForAllEnvironmentsAndFeatures(t *testing.T) {
	environments := allEnvironments(t, projectRoot)
	var steps bytes.Buffer
	for _, p := range environments {
		p.opts.Progress = progress.New(&steps, progress.Options{})
	}
	require.NoError(t, Lint(environments...))
	for _, step := range []string{"dev", "staging", "features"} {
		assert.Regexp(t, `(?m)^chart +`+step+` +valid`, steps.String())
	}
}

func TestLintReportsAllFindingsOfAllEnvironmentsAndFeatures(t *testing.T) {
	root := copyProject(t, "\npostgresql: {replicaCuont: 2}\n")
	edit(t, filepath.Join(root, "values", "staging.yaml"), "replicas: 2", "replicas: two")
	write(t, filepath.Join(root, featuresDir, "bad.yaml"), "global:\n  database: {sslMode: require}\n")
	write(t, filepath.Join(root, featuresDir, "worse.yaml"), "a: [1\n")
	err := Lint(allEnvironments(t, root)...)
	assert.Equal(t, ExitUsage, ExitCode(err))
	for _, want := range []string{
		`chart of environment "dev": `, "postgresql.replicaCuont: unknown key",
		`chart of environment "staging": `, "frontend.replicas: is of type string",
		`chart with feature "bad": `, "bad.yaml:2 global.database.sslMode)",
		`chart with feature "worse": parse values `,
	} {
		assert.ErrorContains(t, err, want)
	}
}

func TestLintSumsTheLimitsOfEnvironmentsOnOneCluster(t *testing.T) {
	root := copyProject(t, "  replicas: 4\n") // of the backend, the last key of the file
	dev := filepath.Join(root, "values", "dev.yaml")
	require.NoError(t, Lint(load(t, root, "dev", nil)), "alone it fits into the cluster")
	err := Lint(allEnvironments(t, root)...)
	assert.Equal(t, ExitUsage, ExitCode(err))
	assert.ErrorContains(t, err, `environments on cluster "auto/todo": the memory limits of all environments on the cluster are 4640Mi, and 864Mi more during an update of one; the sum must be below 4Gi`)
	assert.Regexp(t, `dev\.yaml:\d+ backend\.replicas\)`, err.Error(), "it names the line in the values file")

	edit(t, dev, "cluster: {provider: auto, name: todo}", "cluster: {provider: auto, name: todo, minikube: {memory: 8192}}")
	assert.NoError(t, Lint(allEnvironments(t, root)...), "they fit into a larger profile")
	edit(t, dev, "provider: auto, name: todo, minikube: {memory: 8192}", "provider: kind, name: other")
	assert.NoError(t, Lint(allEnvironments(t, root)...), "they are on two clusters")
}
