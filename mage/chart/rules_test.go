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

// change is one replacement in testdata/manifests, in which nothing is wrong.
// An empty old text adds a file.
type change struct{ file, old, new string }

// manifests returns the good ones, changed. The first place alone is replaced:
// old texts are chosen so that it is the one that is meant.
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
		require.Contains(t, files[c.file], c.old, "the change must find its place")
		files[c.file] = strings.Replace(files[c.file], c.old, c.new, 1)
	}
	all, err := split(files)
	require.NoError(t, err)
	return all
}

// found validates for the oldest and the newest Kubernetes and returns what is
// wrong in either, without file and rule.
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

func TestNothingIsWrongWithTheGoodManifests(t *testing.T) {
	assert.Empty(t, found(t, manifests(t), Options{RequireTLS: true}))
}

// mistakes holds, by rule, manifests that break it and all that it says of them.
// What other rules say of the same mistake is not looked at.
type mistakes map[string]map[string]struct {
	changes []change
	want    []string
}

const (
	web  = "Deployment todo-web: spec.template.spec."
	webC = web + "containers[0]."
	onDB = "NetworkPolicy todo-db: spec."
)

func TestWhatIsUnusualAndRightIsNoFinding(t *testing.T) {
	const small = "spec: {maxReplicas: 3, scaleTargetRef: {kind: Deployment, name: todo-web}}\n"
	for name, changes := range map[string][]change{
		"replicas that an affinity keeps apart":       {{"deployment.yaml", spreadWeb, antiAffinity("web")}},
		"one replica, anywhere":                       {{"deployment.yaml", "replicas: 2", "replicas: 1"}, {"deployment.yaml", spreadWeb, ""}},
		"a budget that lets the only replica not go":  {{"deployment.yaml", "replicas: 2", "replicas: 1"}, {"network.yaml", "minAvailable: 50%", "minAvailable: 1"}},
		"a budget in other words":                     {{"network.yaml", "minAvailable: 50%", "maxUnavailable: 1"}},
		"a key without a value":                       {{"services.yaml", "metadata:", "metadata:\n  annotations:"}},
		"a pod that leaves the token to its account":  {{"deployment.yaml", "      automountServiceAccountToken: false\n", ""}},
		"no replicas said":                            {{"deployment.yaml", "  replicas: 2\n", ""}},
		"a policy for every pod":                      {{"network.yaml", "  podSelector:\n    matchLabels: {app: db}", "  podSelector: {}"}},
		"a policy for backups that are not turned on": {{"network.yaml", "{app: db}", "{app.kubernetes.io/name: postgresql-backup}"}, {"network.yaml", "{port: db}", "{port: 5432}"}},
		"a DaemonSet": {{"deployment.yaml", "kind: Deployment", "kind: DaemonSet"}, {"deployment.yaml", "  replicas: 2\n", ""},
			{"deployment.yaml", "  strategy:\n    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}\n", ""}},
		"an autoscaler":                    {{"hpa.yaml", "", "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: todo-web}\n" + small}},
		"an upgrade's hook":                {{"hooks.yaml", "pre-install, pre-upgrade", "pre-upgrade"}, {"hooks.yaml", "configMapRef: {name: todo-before}", "configMapRef: {name: todo-web}"}},
		"parts of one piece of work":       {{"hooks.yaml", "spec:\n  template", "spec:\n  parallelism: 3\n  template"}},
		"a digest and a tag of a registry": {{"statefulset.yaml", "todo/db:17.2", "localhost:5000/todo/db:17.2@sha256:" + strings.Repeat("a", 64)}},
		"a route of one's own to elsewhere": {{"network.yaml", "backendRefs: [{name: todo-web, port: 80}]",
			"backendRefs: [{name: web, namespace: other, port: 80}, {group: x.test, kind: Backend, name: b}]"}},
		"a grpc probe": {{"deployment.yaml", "httpGet: {path: /readyz, port: http}", "grpc: {port: 8080}"}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Empty(t, found(t, manifests(t, changes...), Options{}))
		})
	}
	t.Run("what the user's values name", func(t *testing.T) {
		all := manifests(t, change{"configmap.yaml", "name: todo-web", "name: mine"}, change{"jobs.yaml", "claimName: todo-backups", "claimName: theirs"})
		assert.NotEmpty(t, found(t, all, Options{}))
		assert.Empty(t, found(t, all, Options{given: texts(map[string]any{"volumes": []any{map[string]any{"a": "todo-web"}}, "claim": "theirs"})}))
	})
	t.Run("a port without TLS of a cluster on this machine", func(t *testing.T) {
		all := manifests(t, change{"services.yaml", "  selector: {app: web}", "  type: NodePort\n  selector: {app: web}"})
		assert.NotEmpty(t, found(t, all, Options{RequireTLS: true}))
		assert.Empty(t, found(t, all, Options{}))
	})
	t.Run("more than was granted, in a larger cluster", func(t *testing.T) {
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

func TestEveryRuleSaysWhatBreaksIt(t *testing.T) {
	all := mistakes{}
	for _, some := range []mistakes{refusedByServers, doNotRun, runBadly, mayTooMuch} {
		maps.Copy(all, some)
	}
	require.Len(t, all, len(Rules()))
	for _, rule := range Rules() {
		require.NotEmpty(t, all[rule.Name], "rule %s has no manifests that break it", rule.Name)
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

// shortened cuts what a library says where the wanted text ends with an ellipsis.
func shortened(got, want []string) []string {
	for i := range min(len(got), len(want)) {
		if start, cut := strings.CutSuffix(want[i], "…"); cut && strings.HasPrefix(got[i], start) {
			got[i] = want[i]
		}
	}
	return got
}

func TestAHeadThatIsNoTextIsRefusedWithItsFile(t *testing.T) {
	for text, want := range map[string]string{
		"kind: 1\n":                  "parse what a.yaml renders: kind is of type number, must be string",
		"metadata: {name: {a: b}}\n": "metadata.name is of type object, must be string",
		"metadata: {annotations: {helm.sh/hook: true}}\n": "metadata.annotations[helm.sh/hook] is of type boolean, must be string",
		"a: [1\n": "parse what a.yaml renders: error converting YAML to JSON",
	} {
		_, err := split(map[string]string{"a.yaml": text})
		assert.ErrorContains(t, err, want)
	}
}
