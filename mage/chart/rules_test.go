package chart

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	quantity "k8s.io/apimachinery/pkg/api/resource"
)

// change is one replacement in testdata/manifests, which break no rule. With an
// empty old text it adds a file.
type change struct{ file, old, new string }

// manifests returns the valid manifests with changes. Only the first occurrence of
// an old text is replaced.
func manifests(t testing.TB, changes ...change) []Manifest {
	t.Helper()
	names, err := filepath.Glob("testdata/manifests/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	files := map[string]string{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		files[filepath.Base(name)] = string(data)
	}
	for _, c := range changes {
		if c.old == "" {
			files[c.file] = c.new
			continue
		}
		require.Contains(t, files[c.file], c.old, "the changed text must exist")
		files[c.file] = strings.Replace(files[c.file], c.old, c.new, 1)
	}
	all, err := split(files)
	require.NoError(t, err)
	return all
}

// found validates for the oldest and the newest Kubernetes and returns the findings
// of both by rule, without file and rule name.
func found(t *testing.T, all []Manifest, opts Options) map[string][]string {
	t.Helper()
	byRule := map[string][]string{}
	seen := map[place]bool{}
	for _, version := range []string{OldestKubernetes, NewestKubernetes} {
		opts.KubeVersion = version
		findings, err := validate(all, opts)
		require.NoError(t, err)
		for _, f := range findings {
			if !seen[f.place()] {
				byRule[f.Rule] = append(byRule[f.Rule], strings.TrimPrefix(strings.TrimSuffix(f.String(), " ["+f.Rule+"]"), f.File+": "))
			}
		}
		for _, f := range findings {
			seen[f.place()] = true
		}
	}
	return byRule
}

func TestValidManifestsHaveNoFindings(t *testing.T) {
	assert.Empty(t, found(t, manifests(t), Options{RequireTLS: true}))
}

// mistakes holds, for each rule, manifests that break it and the findings of that
// rule. Findings of other rules are ignored.
type mistakes map[string]map[string]struct {
	changes []change
	want    []string
}

const (
	web  = "Deployment todo-web: spec.template.spec."
	webC = web + "containers[0]."
	onDB = "NetworkPolicy todo-db: spec."
)

func TestUnusualButValidManifestsHaveNoFindings(t *testing.T) {
	const small = "spec: {maxReplicas: 3, scaleTargetRef: {kind: Deployment, name: todo-web}}\n"
	for name, changes := range map[string][]change{
		"replicas spread by an anti-affinity":   {{"deployment.yaml", spreadWeb, antiAffinity("web")}},
		"single replica without spread":         {{"deployment.yaml", "replicas: 2", "replicas: 1"}, {"deployment.yaml", spreadWeb, ""}},
		"budget that protects the only replica": {{"deployment.yaml", "replicas: 2", "replicas: 1"}, {"network.yaml", "minAvailable: 50%", "minAvailable: 1"}},
		"budget with maxUnavailable":            {{"network.yaml", "minAvailable: 50%", "maxUnavailable: 1"}},
		"annotations without a value":           {{"services.yaml", "metadata:", "metadata:\n  annotations:"}},
		"token disabled by the ServiceAccount":  {{"deployment.yaml", "      automountServiceAccountToken: false\n", ""}},
		"default number of replicas":            {{"deployment.yaml", "  replicas: 2\n", ""}},
		"policy for all pods":                   {{"network.yaml", "  podSelector:\n    matchLabels: {app: db}", "  podSelector: {}"}},
		"policy for disabled backups":           {{"network.yaml", "{app: db}", "{app.kubernetes.io/name: postgresql-backup}"}, {"network.yaml", "{port: db}", "{port: 5432}"}},
		"DaemonSet": {{"deployment.yaml", "kind: Deployment", "kind: DaemonSet"}, {"deployment.yaml", "  replicas: 2\n", ""},
			{"deployment.yaml", "  strategy:\n    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}\n", ""}},
		"HorizontalPodAutoscaler":   {{"hpa.yaml", "", "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: todo-web}\n" + small}},
		"hook of an upgrade":        {{"hooks.yaml", "pre-install, pre-upgrade", "pre-upgrade"}, {"hooks.yaml", "configMapRef: {name: todo-before}", "configMapRef: {name: todo-web}"}},
		"Job with parallel pods":    {{"hooks.yaml", "spec:\n  template", "spec:\n  parallelism: 3\n  template"}},
		"image with tag and digest": {{"statefulset.yaml", "todo/db:17.2", "localhost:5000/todo/db:17.2@sha256:" + strings.Repeat("a", 64)}},
		"route to another namespace": {{"network.yaml", "backendRefs: [{name: todo-web, port: 80}]",
			"backendRefs: [{name: web, namespace: other, port: 80}, {group: x.test, kind: Backend, name: b}]"}},
		"gRPC probe": {{"deployment.yaml", "httpGet: {path: /readyz, port: http}", "grpc: {port: 8080}"}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Empty(t, found(t, manifests(t, changes...), Options{}))
		})
	}
	t.Run("names in the user's values", func(t *testing.T) {
		all := manifests(t, change{"configmap.yaml", "name: todo-web", "name: mine"}, change{"jobs.yaml", "claimName: todo-backups", "claimName: theirs"})
		assert.NotEmpty(t, found(t, all, Options{}))
		assert.Empty(t, found(t, all, Options{given: texts(map[string]any{"volumes": []any{map[string]any{"a": "todo-web"}}, "claim": "theirs"})}))
	})
	t.Run("NodePort of a cluster on this machine", func(t *testing.T) {
		all := manifests(t, change{"services.yaml", "  selector: {app: web}", "  type: NodePort\n  selector: {app: web}"})
		assert.NotEmpty(t, found(t, all, Options{RequireTLS: true}))
		assert.Empty(t, found(t, all, Options{}))
	})
	t.Run("more than the default capacity in a larger cluster", func(t *testing.T) {
		all := manifests(t, change{"deployment.yaml", "replicas: 2", "replicas: 31"})
		assert.NotEmpty(t, found(t, all, Options{}))
		assert.Empty(t, found(t, all, Options{Capacity: Capacity{CPU: quantity.MustParse("10"), Memory: quantity.MustParse("8Gi")}}))
	})
}

func TestEveryRuleAndExceptionHasAReason(t *testing.T) {
	names := map[string]bool{}
	for _, rule := range Rules() {
		assert.False(t, names[rule.Name], rule.Name)
		names[rule.Name] = true
		assert.NotEmpty(t, rule.Reason, rule.Name)
		for _, e := range rule.Exceptions {
			assert.NotEmpty(t, e.Reason, rule.Name)
			assert.NotEmpty(t, e.Kind, rule.Name)
		}
	}
}

func TestEveryRuleReportsItsMistakes(t *testing.T) {
	all := mistakes{}
	for _, some := range []mistakes{invalid, incomplete, unreliable, unsafe} {
		maps.Copy(all, some)
	}
	require.Len(t, all, len(Rules()))
	for _, rule := range Rules() {
		require.NotEmpty(t, all[rule.Name], "no manifest breaks the rule %s", rule.Name)
	}
	for rule, cases := range all {
		for name, tc := range cases {
			t.Run(rule+"/"+name, func(t *testing.T) {
				got := found(t, manifests(t, tc.changes...), Options{RequireTLS: true})
				assert.Equal(t, tc.want, shortened(got[rule], tc.want))
			})
		}
	}
}

// shortened accepts any ending of a library's message if the wanted text ends with
// an ellipsis.
func shortened(got, want []string) []string {
	for i := range min(len(got), len(want)) {
		if start, cut := strings.CutSuffix(want[i], "…"); cut && strings.HasPrefix(got[i], start) {
			got[i] = want[i]
		}
	}
	return got
}

func TestKindAndNameMustBeStrings(t *testing.T) {
	for text, want := range map[string]string{
		"kind: 1\n":                  "parse the output of template \"a.yaml\": kind is of type number, must be string",
		"metadata: {name: {a: b}}\n": "metadata.name is of type object, must be string",
		"metadata: {annotations: {helm.sh/hook: true}}\n": "metadata.annotations[helm.sh/hook] is of type boolean, must be string",
		"a: [1\n": "parse the output of template \"a.yaml\": error converting YAML to JSON",
	} {
		_, err := split(map[string]string{"a.yaml": text})
		assert.ErrorContains(t, err, want)
	}
}
