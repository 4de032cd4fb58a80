package render_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const cleansUp = "before-hook-creation,hook-succeeded"

func TestFailedHooksAreKeptAndSuccessfulOnesDeleted(t *testing.T) {
	for name, r := range renderings(t) {
		for _, p := range r.pods(t) {
			if p.Hook == "" {
				continue
			}
			var hook metav1.PartialObjectMetadata
			require.NoError(t, yaml.Unmarshal([]byte(p.YAML), &hook))
			assert.Equal(t, cleansUp, hook.Annotations["helm.sh/hook-delete-policy"], "%s: %s", name, p.Manifest.Name)
			assert.Equal(t, "hook-failed", hook.Annotations["helm.sh/hook-output-log-policy"])
			assert.Equal(t, corev1.RestartPolicyNever, p.Spec.RestartPolicy, "a restart would drop the log")
		}
	}
}

// A Service must not send requests to a hook's pod, and a workload must not adopt it.
func TestSelectorsDoNotMatchHooks(t *testing.T) {
	r := deployed(t, "staging")
	for _, p := range r.pods(t) {
		if p.Hook != "" {
			assert.Contains(t, []string{"test", "preflight", "postgresql-backup"}, p.Labels["app.kubernetes.io/name"])
			assert.Equal(t, "todo", p.Labels["app.kubernetes.io/instance"], "the policies select it by this label")
		}
	}
}

// Kubernetes replaces $(NAME) and $$ in arguments before a shell sees them.
func TestScriptsContainNothingThatKubernetesReplaces(t *testing.T) {
	replaced := regexp.MustCompile(`\$\$|\$\([A-Za-z_][A-Za-z0-9_.]*\)`)
	for _, p := range deployed(t, "staging").pods(t) {
		for _, c := range p.containers() {
			assert.NotRegexp(t, replaced, strings.Join(c.Args, "\n"), "%s", p.Manifest.Name)
		}
	}
}

func backups(t *testing.T, r rendering) {
	const name = "todo-postgresql-backup"
	job := get[batchv1.Job](t, r, "Job", name)
	assert.Equal(t, "pre-upgrade", job.Annotations["helm.sh/hook"], "an installation has no database to back up yet")
	assert.EqualValues(t, 0, *job.Spec.BackoffLimit)
	assert.EqualValues(t, 1800, *job.Spec.ActiveDeadlineSeconds)
	spec := job.Spec.Template.Spec
	c := spec.Containers[0]
	assert.Equal(t, []string{"timeout", "1780", "sh", "-c"}, c.Command, "it must end before its deadline, to keep the log")
	assert.Contains(t, c.Env, corev1.EnvVar{Name: "KEEP", Value: "14"})
	assert.Equal(t, "100m 64Mi 512Mi", c.Resources.Requests.Cpu().String()+" "+c.Resources.Requests.Memory().String()+" "+c.Resources.Limits.Memory().String())
	assert.Equal(t, "todo-postgresql", c.EnvFrom[0].ConfigMapRef.Name, "the running server's own settings")
	assert.Equal(t, "todo-credentials", volumeOf(t, spec, "password").Secret.SecretName)
	assert.Equal(t, name, volumeOf(t, spec, "backups").PersistentVolumeClaim.ClaimName)
	assert.False(t, mountOf(t, c, "backups").ReadOnly)

	claim := get[corev1.PersistentVolumeClaim](t, r, "PersistentVolumeClaim", name)
	assert.Equal(t, "cold 10Gi", *claim.Spec.StorageClassName+" "+claim.Spec.Resources.Requests.Storage().String())
	assert.Equal(t, "keep", claim.Annotations["helm.sh/resource-policy"])
	assert.Empty(t, claim.Annotations["helm.sh/hook"], "Helm would delete the backups before each new one")
	assert.Equal(t, "todo", claim.Labels["app.kubernetes.io/instance"], "clean selects it by this label")

	set := get[appsv1.StatefulSet](t, r, "StatefulSet", "todo-postgresql")
	server := set.Spec.Template
	assert.True(t, mountOf(t, server.Spec.Containers[0], "backups").ReadOnly, "the server must not write backups")
	assert.Equal(t, name, volumeOf(t, server.Spec, "backups").PersistentVolumeClaim.ClaimName)
	affinity := spec.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0]
	assert.True(t, selects(affinity.LabelSelector, server.Labels), "the volume is mounted on the server's node")
	assert.Equal(t, "kubernetes.io/hostname", affinity.TopologyKey)

	off := render(t, "")
	assert.False(t, off.has("Job", name))
	assert.False(t, off.has("PersistentVolumeClaim", name))
	assert.NotContains(t, off.text(), "/backups")
}

// application is a server in the place of the frontend's Service; its answers can be
// made wrong.
func application(t *testing.T, spoilt map[string]http.HandlerFunc) string {
	t.Helper()
	answers := map[string]http.HandlerFunc{
		"/livez":            say(http.StatusOK, `{"status":"ok"}`),
		"/sign-in":          say(http.StatusOK, "<!DOCTYPE html><html></html>"),
		"/api/livez":        say(http.StatusOK, `{"status":"ok"}`),
		"/api/readyz":       say(http.StatusOK, `{"status":"ok","checks":{"database":"ok","schema":"ok"}}`),
		"/api/nobody/tasks": say(http.StatusUnauthorized, `{"detail":"no token"}`),
	}
	for path, handler := range spoilt {
		answers[path] = handler
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handler, ok := answers[r.URL.Path]; ok {
			handler(w, r)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func say(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}
}

// helmTest runs the script of helm test.
func helmTest(t *testing.T, address, patience string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("there is no node to run the script of helm test")
	}
	c := get[corev1.Pod](t, deployed(t, "dev"), "Pod", "todo-test").Spec.Containers[0]
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, c.Command[0], append(c.Command[1:], c.Args...)...)
	command.Env = append(command.Environ(), "APPLICATION="+address, "PATIENCE_MS="+patience, "NODE_OPTIONS=")
	out, err := command.CombinedOutput()
	return string(out), err
}

func TestHelmTestPasses(t *testing.T) {
	out, err := helmTest(t, application(t, nil), "10000")
	require.NoError(t, err, out)
	assert.Equal(t, 5, strings.Count(out, "ok    "), out)
}

func TestHelmTestReportsEachFailure(t *testing.T) {
	for path, tc := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"/livez":            {say(http.StatusInternalServerError, "broken"), "FAIL  the frontend is alive: GET "},
		"/sign-in":          {say(http.StatusOK, "nothing"), "want an answer with /<html/, got: nothing"},
		"/api/livez":        {say(http.StatusBadGateway, `{"detail":"The todo service cannot be reached"}`), "want status 200, got 502"},
		"/api/readyz":       {say(http.StatusServiceUnavailable, `{"status":"unavailable"}`), `FAIL  database and schema are ready: `},
		"/api/nobody/tasks": {say(http.StatusOK, "[]"), "want status 401, got 200"},
	} {
		t.Run(path, func(t *testing.T) {
			out, err := helmTest(t, application(t, map[string]http.HandlerFunc{path: tc.answer}), "0")
			require.Error(t, err, out)
			assert.Contains(t, out, tc.want)
			assert.Equal(t, 4, strings.Count(out, "ok    "), "the other checks are reported too: %s", out)
		})
	}
}

func TestHelmTestRetriesForAWhile(t *testing.T) {
	calls := 0
	out, err := helmTest(t, application(t, map[string]http.HandlerFunc{"/livez": func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls < 3 {
			panic(http.ErrAbortHandler) // like a policy that is not applied yet
		}
		say(http.StatusOK, `{"status":"ok"}`)(w, r)
	}}), "20000")
	require.NoError(t, err, out)
	assert.Equal(t, 3, calls)
}
