package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"todo-chatbot/mage/config"
)

func printed(t *testing.T, e *config.Environment) string {
	t.Helper()
	asJSON, err := json.Marshal(e.Agent)
	require.NoError(t, err)
	asYAML, err := yaml.Marshal(e.Agent)
	require.NoError(t, err)
	key := e.Agent.APIKey
	return fmt.Sprintf("%v %+v %#v %s %q %x %d", *e, e, e.Agent, key, key, key, key) + string(asJSON) + string(asYAML)
}

func TestLoadReportsEachMistakeWithItsLocation(t *testing.T) {
	// Each case has one mistake in a valid file: `with` replaces the line `old`.
	for _, c := range []struct{ name, old, with, want string }{
		{"an unknown key", "  release: todo", "  releaze: todo", `values/dev.yaml:3: pipeline.releaze: unknown key; known are namespace, release, url, timeout, cluster, allowPlainHttp, mirrors, insecureRegistries, agent`},
		{"an unknown nested key", "      cpus: 3", "      cpu: 3", `values/dev.yaml:12: pipeline.cluster.minikube.cpu: unknown key; known are profile, home, driver, cpus, memory, startArgs, addonImages, addonRegistries`},
		{"a value where keys belong", "  url: {port: 8080}", "  url: 8080", `values/dev.yaml:4: pipeline.url: want the keys port, found the number 8080`},
		{"keys where a value belongs", "  timeout: 2m", "  timeout: {minutes: 2}", `values/dev.yaml:17: pipeline.timeout: want text, found keys and values`},
		{"a port in quotes", "  url: {port: 8080}", `  url: {port: "8080"}`, `values/dev.yaml:4: pipeline.url.port: want a whole number, found the text "8080"`},
		{"a port out of range", "  url: {port: 8080}", `  url: {port: 80808}`, `values/dev.yaml:4: pipeline.url.port: "80808" is not a whole number from 1 to 65535`},
		{"a node port out of range", "nodePort: 30080", "nodePort: 8080", `values/dev.yaml:19: frontend.service.nodePort: "8080" is not a whole number from 30000 to 32767`},
		{"no port", "  url: {port: 8080}", "", `values/dev.yaml: pipeline.url.port: must be given: a port of this machine that no other environment uses, such as 8082`},
		{"no node port", "nodePort: 30080", "", `values/dev.yaml: frontend.service.nodePort: must be given: a port of the node that no other environment uses, such as 30082`},
		{"a duration without a unit", "  timeout: 2m", "  timeout: 120", `values/dev.yaml:17: pipeline.timeout: want text, found the number 120; put it in quotes, or give a unit to a duration, such as 3m`},
		{"not a duration", "  timeout: 2m", "  timeout: two minutes", `values/dev.yaml:17: pipeline.timeout: "two minutes" is not a duration from 10s to 1h, such as 3m or 90s`},
		{"a duration too short", "  timeout: 2m", "  timeout: 0s", `values/dev.yaml:17: pipeline.timeout: "0s" is not a duration from 10s to 1h, such as 3m or 90s`},
		{"a namespace in capitals", "  namespace: todo-dev", "  namespace: Todo_Dev", `values/dev.yaml:2: pipeline.namespace: "Todo_Dev" is not a name: want 1 to 63 of a-z, 0-9 and -, with a letter or digit first and last`},
		{"a namespace of Kubernetes", "  namespace: todo-dev", "  namespace: kube-system", `values/dev.yaml:2: pipeline.namespace: "kube-system" belongs to Kubernetes itself: choose a name without kube-`},
		{"a namespace that is a number", "  namespace: todo-dev", "  namespace: 7", `values/dev.yaml:2: pipeline.namespace: want text, found the number 7; put it in quotes, or give a unit to a duration, such as 3m`},
		{"an empty namespace", "  namespace: todo-dev", "  namespace:", `values/dev.yaml:2: pipeline.namespace: want text, found nothing`},
		{"a release that begins with a digit", "  release: todo", "  release: 2do", `values/dev.yaml:3: pipeline.release: "2do" must begin with a letter: Services are named after it`},
		{"a release too long for its pods' labels", "  release: todo", "  release: t" + strings.Repeat("o", 40), `values/dev.yaml:3: pipeline.release: "t` + strings.Repeat("o", 40) + `" is not a name: want 1 to 40 of a-z, 0-9 and -, with a letter or digit first and last`},
		{"an unknown provider", "    provider: auto", "    provider: k3s", `values/dev.yaml:6: pipeline.cluster.provider: unknown provider "k3s"; known are auto, kind, minikube, kubecontext`},
		{"a cluster name with a dot", "    name: todo", "    name: todo.local", `values/dev.yaml:7: pipeline.cluster.name: "todo.local" is not a name: want 1 to 40 of a-z, 0-9 and -, with a letter or digit first and last`},
		{"too little memory", "      memory: 6000", "      memory: 2048", `values/dev.yaml:13: pipeline.cluster.minikube.memory: "2048" is not a whole number from 4096 to 16777216`},
		{"memory with a unit", "      memory: 6000", "      memory: 6g", `values/dev.yaml:13: pipeline.cluster.minikube.memory: want a whole number, found the text "6g"`},
		{"start arguments as one text", "      startArgs: [--cni=bridge, --force]", "      startArgs: --force", `values/dev.yaml:14: pipeline.cluster.minikube.startArgs: want a list of texts, found the text "--force"`},
		{"a number among the start arguments", "      startArgs: [--cni=bridge, --force]", "      startArgs: [1]", `values/dev.yaml:14: pipeline.cluster.minikube.startArgs: want a list of texts, found the number 1 in it`},
		{"an addon image with a comma", `"registry:2.8.3"`, `"a,b"`, `values/dev.yaml:15: pipeline.cluster.minikube.addonImages: "Registry": "a,b" holds a comma, a blank or =, which separate them on Minikube's command line`},
		{"an empty addon image", `"registry:2.8.3"`, `""`, `values/dev.yaml:15: pipeline.cluster.minikube.addonImages: want keys with texts, found the text "" in it`},
		{"blanks around a text", "      driver: docker", `      driver: " docker"`, `values/dev.yaml:11: pipeline.cluster.minikube.driver: " docker" is empty or has blanks around it: give a value or remove the key`},
		{"a blank path", "      home: ~/elsewhere", `      home: " "`, `values/dev.yaml:10: pipeline.cluster.minikube.home: " " is not a path: give one or remove the key`},
		{"a key given twice", "  release: todo", "  namespace: other", `values/dev.yaml:3: pipeline.namespace: given twice, first on line 2`},
		{"a key given twice in the chart's values", "backend:", "frontend:", `values/dev.yaml:20: frontend: given twice, first on line 18`},
		{"the port of another environment", "  url: {port: 8080}", "  url: {port: 8081}", `values/dev.yaml:4: pipeline.url.port: port 8081 is also used by values/staging.yaml: choose another`},
		{"the node port of another environment", "nodePort: 30080", "nodePort: 30081", `values/dev.yaml:19: frontend.service.nodePort: node port 30081 is also used by values/staging.yaml: choose another`},
		{"the release of another environment", "  namespace: todo-dev", "  namespace: todo-staging", `values/dev.yaml:2: pipeline.namespace: release "todo" in namespace "todo-staging" is also used by values/staging.yaml: choose another`},
		{"not YAML", "  release: todo", "  release: todo: todo", `values/dev.yaml:3: not valid YAML: mapping values are not allowed in this context`},
		{"a tabulator", "  release: todo", "\trelease: todo", `values/dev.yaml:2: not valid YAML: found a tab character that violates indentation`},
		{"a second document", "backend:", "---\nbackend:", `values/dev.yaml:20: a second YAML document, which Helm ignores: put everything into the first`},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(dev, c.old+"\n")+strings.Count(dev, c.old+"}"), "the case does not fit the file of the test")
			content := strings.Replace(dev, c.old, c.with, 1)
			root := project(t, map[string]string{"values/dev.yaml": content, "values/staging.yaml": staging})
			_, err := config.Load(root, "dev", nil)
			require.Error(t, err)
			assert.Equal(t, []string{c.want}, problems(t, err))
		})
	}
}

func TestLoadNamesVariableWithMistake(t *testing.T) {
	root := project(t, map[string]string{"values/dev.yaml": dev, "values/staging.yaml": staging})
	for _, c := range []struct{ name, value, want string }{
		{"TODO_PORT", "http", `environment variable TODO_PORT: "http" is not a whole number from 1 to 65535`},
		{"TODO_PORT", "8081", `environment variable TODO_PORT: port 8081 is also used by values/staging.yaml: choose another`},
		{"TODO_TIMEOUT", "90", `environment variable TODO_TIMEOUT: "90" is not a duration from 10s to 1h, such as 3m or 90s`},
		{"TODO_PROVIDER", "docker", `environment variable TODO_PROVIDER: unknown provider "docker"; known are auto, kind, minikube, kubecontext`},
		{"TODO_NAMESPACE", "a/b", `environment variable TODO_NAMESPACE: "a/b" is not a name: want 1 to 63 of a-z, 0-9 and -, with a letter or digit first and last`},
		{"TODO_NAMESPACE", "todo-staging", `environment variable TODO_NAMESPACE: release "todo" in namespace "todo-staging" is also used by values/staging.yaml: choose another`},
	} {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			_, err := config.Load(root, "dev", variables(c.name, c.value))
			require.Error(t, err)
			assert.Equal(t, []string{c.want}, problems(t, err))
		})
	}
}

func TestLoadReportsAllProblemsAtOnce(t *testing.T) {
	root := project(t, map[string]string{
		"values/dev.yaml":              "pipeline:\n  namespace: A\n  color: red\n  timeout: soon\n",
		"helm/todo-chatbot/Chart.yaml": "appVersion: one\n",
	})
	_, err := config.Load(root, "dev", variables("TODO_PROVIDER", "cloud"))
	require.Error(t, err)
	assert.Equal(t, `configuration of environment "dev": 7 problems
  values/dev.yaml:3: pipeline.color: unknown key; known are namespace, release, url, timeout, cluster, allowPlainHttp, mirrors, insecureRegistries, agent
  values/dev.yaml:2: pipeline.namespace: "A" is not a name: want 1 to 63 of a-z, 0-9 and -, with a letter or digit first and last
  values/dev.yaml:4: pipeline.timeout: "soon" is not a duration from 10s to 1h, such as 3m or 90s
  environment variable TODO_PROVIDER: unknown provider "cloud"; known are auto, kind, minikube, kubecontext
  helm/todo-chatbot/Chart.yaml:1: appVersion: "one" is not a semantic version without build metadata, such as 1.2.3 or 1.2.3-rc.1
  values/dev.yaml: pipeline.url.port: must be given: a port of this machine that no other environment uses, such as 8080
  values/dev.yaml: frontend.service.nodePort: must be given: a port of the node that no other environment uses, such as 30080`, err.Error())
	var one config.Problem
	require.ErrorAs(t, err, &one, "errors.As finds each problem")
	assert.Equal(t, "pipeline.color", one.Key)
}

func TestKubecontextProviderNeedsContext(t *testing.T) {
	without := "pipeline:\n  url: {port: 8080}\n  cluster: {provider: kubecontext}\nfrontend: {service: {nodePort: 30080}}\n"
	_, err := config.Load(project(t, map[string]string{"values/dev.yaml": without}), "dev", nil)
	require.Error(t, err)
	assert.Equal(t, []string{
		"values/dev.yaml: pipeline.cluster.kubecontext.context: must be given: a context of the kubeconfig, because the provider is kubecontext",
	}, problems(t, err))
}

func TestKubecontextProviderNeedsNoPorts(t *testing.T) {
	remote := "pipeline:\n  cluster: {provider: kubecontext, kubecontext: {context: far}}\n"
	root := project(t, map[string]string{"values/dev.yaml": dev, "values/remote.yaml": remote})
	e, err := config.Load(root, "remote", nil)
	require.NoError(t, err)
	assert.Zero(t, e.Port)
	assert.Empty(t, e.Published(), "the cluster publishes no port")
	here, err := config.Load(root, "dev", nil)
	require.NoError(t, err)
	assert.Equal(t, []config.Published{{"dev", 8080, 30080}}, here.Published(), "an environment on another cluster is left out")
}

func TestAllowPlainHTTPIsBoolean(t *testing.T) {
	for text, want := range map[string]string{
		"true": "", "false": "",
		`"yes"`: `values/dev.yaml:4: pipeline.allowPlainHttp: want true or false, found the text "yes"`,
	} {
		content := strings.Replace(dev, "  release: todo\n", "  release: todo\n  allowPlainHttp: "+text+"\n", 1)
		e, err := config.Load(project(t, map[string]string{"values/dev.yaml": content}), "dev", nil)
		if want != "" {
			require.Error(t, err)
			assert.Equal(t, []string{want}, problems(t, err))
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, text == "true", e.PlainHTTP)
	}
}

func TestRegistryNeedsPushAndPullWithHost(t *testing.T) {
	home, err := os.UserHomeDir()
	require.NoError(t, err)
	without := "pipeline:\n  url: {port: 8080}\n  cluster: {provider: kubecontext}\nfrontend: {service: {nodePort: 30080}}\n"
	half := strings.Replace(without, "provider: kubecontext", "provider: kubecontext, kubecontext: {context: home, registry: {push: 'localhost:5000'}}", 1)
	_, err = config.Load(project(t, map[string]string{"values/dev.yaml": half}), "dev", nil)
	require.Error(t, err)
	assert.Equal(t, []string{"values/dev.yaml: pipeline.cluster.kubecontext.registry.pull: must be given: the address of the registry for pulls by the nodes, because push is given"}, problems(t, err))

	const with = "provider: kubecontext, kubecontext: {context: home, registry: {push: '%s', pull: 'registry.example/team'}}"
	for registry, good := range map[string]bool{
		"127.0.0.1:5000": true, "localhost:5000/a/b": true, "registry.example": true,
		"http://127.0.0.1:5000": false, "registry": false, "registry.example/": false, "": false, "registry.example/Team": false,
	} {
		content := strings.Replace(without, "provider: kubecontext", fmt.Sprintf(with, registry), 1)
		e, err := config.Load(project(t, map[string]string{"values/dev.yaml": content}), "dev", nil)
		if good {
			require.NoError(t, err, registry)
			assert.Equal(t, config.Kubecontext{Context: "home", Kubeconfig: filepath.Join(home, ".kube", "config"), Push: registry, Pull: "registry.example/team"}, e.Cluster.Kubecontext)
			continue
		}
		require.Error(t, err, registry)
		assert.Contains(t, strings.Join(problems(t, err), "\n"), fmt.Sprintf("values/dev.yaml:3: pipeline.cluster.kubecontext.registry.push: %q is not the name of an image registry", registry))
	}
}

func TestAppVersionIsSemantic(t *testing.T) {
	for given, want := range map[string]string{
		"appVersion: 1.2.3": "", "appVersion: \"0.1.0-rc.1\"": "",
		"appVersion: 1.2":     `helm/todo-chatbot/Chart.yaml:2: appVersion: "1.2" is not a semantic version`,
		"appVersion: v1.2.3":  `helm/todo-chatbot/Chart.yaml:2: appVersion: "v1.2.3" is not a semantic version`,
		"appVersion: 1.2.3+4": `without build metadata`,
		"version: 1.2.3":      `helm/todo-chatbot/Chart.yaml: appVersion: must be given`,
	} {
		root := project(t, map[string]string{"values/dev.yaml": dev, "helm/todo-chatbot/Chart.yaml": "name: x\n" + given + "\n"})
		_, err := config.Load(root, "dev", nil)
		if want == "" {
			assert.NoError(t, err, given)
			continue
		}
		require.Error(t, err, given)
		require.Len(t, problems(t, err), 1)
		assert.Contains(t, problems(t, err)[0], want)
	}
	root := project(t, map[string]string{"values/dev.yaml": dev})
	require.NoError(t, os.Remove(filepath.Join(root, "helm", "todo-chatbot", "Chart.yaml")))
	_, err := config.Load(root, "dev", nil)
	require.Error(t, err)
	assert.Contains(t, problems(t, err)[0], "helm/todo-chatbot/Chart.yaml: cannot be read: ")
}

func TestLoadReportsFilesOfUnusualShape(t *testing.T) {
	for _, c := range []struct{ name, content, want string }{
		{"an empty file lacks its ports", "", "pipeline.url.port: must be given"},
		{"only a comment", "# nothing\n", "pipeline.url.port: must be given"},
		{"a list", "- a\n", "values/dev.yaml:1: want keys and values, found a list"},
		{"a pipeline of nothing", "pipeline:\n", "values/dev.yaml:1: pipeline: want the keys namespace, release, url, timeout, cluster, allowPlainHttp, mirrors, insecureRegistries, agent, found nothing"},
		{"an anchor that contains itself", "pipeline: &p\n  url: *p\n", "not valid YAML"},
		{"binary data", "\xff\xfe\x00", "not valid YAML"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := config.Load(project(t, map[string]string{"values/dev.yaml": c.content}), "dev", nil)
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.want)
		})
	}
	aliased := "x: &port 8080\npipeline: {url: {port: *port}}\nfrontend: {service: {nodePort: 30080}}\n"
	e, err := config.Load(project(t, map[string]string{"values/dev.yaml": aliased}), "dev", nil)
	require.NoError(t, err, "anchors work")
	assert.Equal(t, 8080, e.Port)
}

func TestFaultyFileOfAnotherEnvironmentIsIgnored(t *testing.T) {
	root := project(t, map[string]string{"values/dev.yaml": dev, "values/qa.yaml": "pipeline: [", "values/staging.yaml": staging})
	e, err := config.Load(root, "dev", nil)
	require.NoError(t, err)
	assert.Equal(t, []config.Published{{"dev", 8080, 30080}, {"staging", 8081, 30081}}, e.Published())
}
