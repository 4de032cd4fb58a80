package config_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/config"
)

const chart = "apiVersion: v2\nname: todo-chatbot\nversion: 0.1.0\nappVersion: 1.2.3\n"

const dev = `pipeline:
  namespace: todo-dev
  release: todo
  url: {port: 8080}
  cluster:
    provider: auto
    name: todo
    minikube:
      profile: mine
      home: ~/elsewhere
      driver: docker
      cpus: 3
      memory: 6000
      startArgs: [--cni=bridge, --force]
      addonImages: {Registry: "registry:2.8.3"}
      addonRegistries: {Registry: "localhost:5001"}
  timeout: 2m
frontend:
  service: {type: NodePort, nodePort: 30080}
backend:
  config: {logLevel: debug}
`

const staging = `pipeline:
  url: {port: 8081}
frontend:
  service: {nodePort: 30081}
`

// project writes a project with the given files and a valid chart.
func project(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	all := map[string]string{"helm/todo-chatbot/Chart.yaml": chart}
	maps.Copy(all, files)
	for path, content := range all {
		path = filepath.Join(root, filepath.FromSlash(path))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	return root
}

func variables(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestLoadReadsEnvironmentFromFile(t *testing.T) {
	root := project(t, map[string]string{"values/dev.yaml": dev, "values/staging.yaml": staging})
	home, err := os.UserHomeDir()
	require.NoError(t, err)
	e, err := config.Load(root, "dev", variables("TODO_CACHE", "cache"))
	require.NoError(t, err)

	assert.Equal(t, "dev", e.Name)
	assert.Equal(t, filepath.Join(root, "values", "dev.yaml"), e.File)
	assert.Equal(t, "todo-dev", e.Namespace)
	assert.Equal(t, "todo", e.Release)
	assert.Equal(t, "1.2.3", e.Version)
	assert.Equal(t, "http://127.0.0.1:8080", e.URL())
	assert.Equal(t, 30080, e.NodePort)
	assert.Equal(t, 2*time.Minute, e.Timeout)
	assert.Equal(t, filepath.Join(root, "cache"), e.Cache, "a relative path is below the project")
	assert.Equal(t, config.Cluster{Provider: "auto", Name: "todo", Minikube: config.Minikube{
		Profile: "mine", Home: filepath.Join(home, "elsewhere"), Driver: "docker", CPUs: 3, Memory: 6000,
		StartArgs:       []string{"--cni=bridge", "--force"},
		AddonImages:     map[string]string{"Registry": "registry:2.8.3"},
		AddonRegistries: map[string]string{"Registry": "localhost:5001"},
	}}, e.Cluster)
	assert.Equal(t, []config.Published{{"dev", 8080, 30080}, {"staging", 8081, 30081}}, e.Published())
}

func TestLoadUsesDefaultsForMissingSettings(t *testing.T) {
	root := project(t, map[string]string{"values/qa.yaml": staging})
	e, err := config.Load(root, "qa", nil)
	require.NoError(t, err)
	assert.Equal(t, "todo-qa", e.Namespace)
	assert.Equal(t, "todo", e.Release)
	assert.Equal(t, 3*time.Minute, e.Timeout)
	assert.Equal(t, config.Cluster{Provider: "auto", Name: "todo",
		Minikube: config.Minikube{Profile: "todo", CPUs: 2, Memory: 4096}}, e.Cluster)
	caches, err := os.UserCacheDir()
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(caches, "todo-chatbot"), e.Cache)
}

func TestVariableOverridesFile(t *testing.T) {
	root := project(t, map[string]string{"values/dev.yaml": dev, "values/staging.yaml": staging})
	e, err := config.Load(root, "dev", variables(
		"TODO_NAMESPACE", "mine", "TODO_PROVIDER", "kind", "TODO_CLUSTER", "other", "TODO_PORT", "9090",
		"TODO_TIMEOUT", "90s", "TODO_CACHE", filepath.Join(root, "c"), "TODO_KUBECONFIG", "k",
		"MINIKUBE_PROFILE", "p", "MINIKUBE_HOME", filepath.Join(root, "m")))
	require.NoError(t, err)
	assert.Equal(t, "mine", e.Namespace)
	assert.Equal(t, "kind", e.Cluster.Provider)
	assert.Equal(t, "other", e.Cluster.Name)
	assert.Equal(t, 9090, e.Port)
	assert.Equal(t, 90*time.Second, e.Timeout)
	assert.Equal(t, filepath.Join(root, "c"), e.Cache)
	assert.Equal(t, filepath.Join(root, "k"), e.Cluster.Kubecontext.Kubeconfig)
	assert.Equal(t, "p", e.Cluster.Minikube.Profile)
	assert.Equal(t, filepath.Join(root, "m"), e.Cluster.Minikube.Home)
	assert.Equal(t, []config.Published{{"dev", 9090, 30080}}, e.Published(), "staging is on another cluster")
}

func TestLoadReadsEveryVariableOfTable(t *testing.T) {
	root := project(t, map[string]string{"values/dev.yaml": dev})
	asked := map[string]bool{}
	_, err := config.Load(root, "dev", func(name string) string { asked[name] = true; return "" })
	require.NoError(t, err)
	for _, s := range config.Settings() {
		if s.Name != "" {
			assert.True(t, asked[s.Name], s.Name)
		}
		delete(asked, s.Name)
	}
	assert.Empty(t, asked, "no variable is read that the table does not list")
}

func TestEnvironmentKeepsContentOfItsFile(t *testing.T) {
	root := project(t, map[string]string{"values/dev.yaml": dev})
	e, err := config.Load(root, "dev", nil)
	require.NoError(t, err)
	require.NoError(t, os.Remove(e.File))
	got := e.Content()
	assert.Equal(t, dev, string(got))
	got[0] = 'X'
	assert.Equal(t, dev, string(e.Content()), "a caller cannot change an environment")
}

func TestUnknownEnvironmentNamesKnownOnes(t *testing.T) {
	root := project(t, map[string]string{"values/dev.yaml": dev, "values/staging.yaml": staging, "values/README.md": ""})
	_, err := config.Load(root, "qa", nil)
	assert.EqualError(t, err, `unknown environment "qa"; known are dev, staging; to add it, copy values/dev.yaml to values/qa.yaml and change its namespace, url.port and nodePort`)
	_, err = config.Load(root, "../values/dev", nil)
	assert.EqualError(t, err, `unknown environment "../values/dev"; known are dev, staging`)
	_, err = config.Load(t.TempDir(), "dev", nil)
	assert.ErrorContains(t, err, "run in the project's folder")
	_, err = config.Load(project(t, map[string]string{"values/README.md": ""}), "dev", nil)
	assert.ErrorContains(t, err, "no environment exists yet")
}

func TestUsageErrorsHaveExitStatus2(t *testing.T) {
	root := project(t, map[string]string{"values/dev.yaml": "pipeline: {}", "values/qa.yaml": "a: b: c"})
	for _, name := range []string{"dev", "qa", "none"} {
		_, err := config.Load(root, name, nil)
		var usage config.Error
		require.ErrorAs(t, err, &usage, name)
		assert.Equal(t, 2, usage.ExitStatus())
	}
}

func TestProjectsOwnEnvironmentsAreValid(t *testing.T) {
	root := filepath.Join("..", "..")
	names, err := config.Names(root)
	require.NoError(t, err)
	assert.Subset(t, names, []string{"dev", "staging"})
	for _, name := range names {
		_, err := config.Load(root, name, nil)
		assert.NoError(t, err)
	}
}

func TestSettingsTableIsMarkdown(t *testing.T) {
	rows := strings.Split(strings.TrimSpace(config.SettingsTable()), "\n")
	require.Len(t, rows, 2+len(config.Settings()))
	for _, row := range rows {
		assert.Equal(t, 5, strings.Count(row, "|"), row)
	}
	assert.Contains(t, rows, "| `TODO_TIMEOUT` | `pipeline.timeout` | `3m` | time for a release to become ready, 10s to 1h |")
	seen := map[string]bool{}
	for _, s := range config.Settings() {
		for _, name := range []string{s.Name, s.Key} {
			assert.False(t, name != "" && seen[name], "%s is listed once", name)
			seen[name] = true
		}
		assert.NotEmpty(t, s.Meaning)
	}
}

func TestReadmeHasTableOfSettings(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	assert.Contains(t, string(readme), config.SettingsTable())
}

func TestOfflineIsBoolean(t *testing.T) {
	root := project(t, map[string]string{"values/dev.yaml": dev})
	load := func(value string) (*config.Environment, error) {
		return config.Load(root, "dev", func(name string) string { return map[string]string{"TODO_OFFLINE": value}[name] })
	}
	e, err := load("true")
	require.NoError(t, err)
	assert.True(t, e.Offline)
	_, err = load("perhaps")
	assert.ErrorContains(t, err, "TODO_OFFLINE")
}

func problems(t *testing.T, err error) []string {
	t.Helper()
	var invalid *config.Invalid
	require.True(t, errors.As(err, &invalid), "%v", err)
	var all []string
	for _, p := range invalid.Problems {
		all = append(all, p.Error())
	}
	return all
}

func TestKubecontextUsesKubeconfigFilesOfKubectl(t *testing.T) {
	far := "pipeline:\n  cluster: {provider: kubecontext, kubecontext: {context: far, server: 'https://k8s.example.com:6443'}}\n"
	root := project(t, map[string]string{"values/dev.yaml": far})
	list := strings.Join([]string{filepath.Join(root, "a"), "", "b"}, string(os.PathListSeparator))
	e, err := config.Load(root, "dev", variables("KUBECONFIG", list))
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(root, "a")+string(os.PathListSeparator)+filepath.Join(root, "b"), e.Cluster.Kubecontext.Kubeconfig)
	assert.Equal(t, "https://k8s.example.com:6443", e.Cluster.Kubecontext.Server)

	e, err = config.Load(root, "dev", variables("KUBECONFIG", list, "TODO_KUBECONFIG", "c"))
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(root, "c"), e.Cluster.Kubecontext.Kubeconfig, "the pipeline's variable has priority")

	root = project(t, map[string]string{"values/dev.yaml": strings.Replace(far, "https://", "", 1)})
	_, err = config.Load(root, "dev", nil)
	require.ErrorContains(t, err, "is not the address of an API server")
}
