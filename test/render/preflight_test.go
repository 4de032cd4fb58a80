package render_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// around has the hooks before and after an installation.
func around(t *testing.T, r rendering) {
	job := get[batchv1.Job](t, r, "Job", "todo-preflight")
	assert.Equal(t, "pre-install", job.Annotations["helm.sh/hook"], "an upgrade reports the states of its pods")
	assert.EqualValues(t, 60, *job.Spec.ActiveDeadlineSeconds)
	assert.EqualValues(t, 0, *job.Spec.BackoffLimit)
	spec := job.Spec.Template.Spec
	account := get[corev1.ServiceAccount](t, r, "ServiceAccount", spec.ServiceAccountName)
	assert.Equal(t, "pre-install -1", account.Annotations["helm.sh/hook"]+" "+account.Annotations["helm.sh/hook-weight"], "it must exist before the Job")
	c := spec.Containers[0]
	for variable, want := range map[string]string{
		"DATABASE_PASSWORD": "todo-credentials/database-password", "BETTER_AUTH_SECRET": "todo-auth/secret", "OPENAI_API_KEY": "llm/token",
	} {
		assert.Equal(t, want, from(c, variable))
	}
	for volume, want := range map[string]string{"data": "fast 5Gi", "backup": "cold 10Gi"} {
		claim := volumeOf(t, spec, volume).Ephemeral.VolumeClaimTemplate.Spec
		assert.Equal(t, want, *claim.StorageClassName+" "+claim.Resources.Requests.Storage().String())
		assert.Equal(t, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, claim.AccessModes)
		assert.Equal(t, "/volumes/"+volume, mountOf(t, c, volume).MountPath)
	}

	pod := get[corev1.Pod](t, r, "Pod", "todo-verification")
	assert.Equal(t, "post-install,post-upgrade", pod.Annotations["helm.sh/hook"])
	assert.EqualValues(t, 160, *pod.Spec.ActiveDeadlineSeconds, "the deadline must cover all checks")
	assert.Equal(t, get[corev1.Pod](t, r, "Pod", "todo-test").Spec.Containers[0].Args, pod.Spec.Containers[0].Args, "it must run the script of helm test")
	assert.Contains(t, pod.Spec.Containers[0].Env, corev1.EnvVar{Name: "PATIENCE_MS", Value: "100000"})

	off := render(t, "preflight: {enabled: false}")
	assert.False(t, off.has("Job", "todo-preflight"))
	assert.False(t, off.has("ServiceAccount", "todo-preflight"))
	assert.False(t, off.has("Pod", "todo-verification"), "off by default")
}

func TestPreflightClaimsOneVolumePerClass(t *testing.T) {
	claimed := func(values string) (names []string) {
		for _, v := range get[batchv1.Job](t, render(t, values), "Job", "todo-preflight").Spec.Template.Spec.Volumes {
			names = append(names, v.Name)
		}
		return names
	}
	assert.Equal(t, []string{"data"}, claimed(""))
	assert.Equal(t, []string{"data"}, claimed("postgresql: {backup: {enabled: true}}"))
	assert.Empty(t, claimed("postgresql: {enabled: false}\nglobal: {database: {host: db.test}}"))
	claim := get[batchv1.Job](t, render(t, ""), "Job", "todo-preflight").Spec.Template.Spec.Volumes[0].Ephemeral.VolumeClaimTemplate
	assert.Nil(t, claim.Spec.StorageClassName, "the cluster's default")
}

// preflight runs the script of the Job. The folder contains the volumes; a variable that
// is not set means a key that is missing.
func preflight(t *testing.T, folder string, given map[string]string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("there is no node to run the script of the preflight Job")
	}
	c := get[batchv1.Job](t, feature(t, "hooks.yaml"), "Job", "todo-preflight").Spec.Template.Spec.Containers[0]
	env := []string{"PATH=" + os.Getenv("PATH")}
	for _, v := range c.Env {
		value, there := given[v.Name]
		switch {
		case v.Name == "VOLUMES":
			value = strings.ReplaceAll(v.Value, "/volumes/", folder+"/")
			require.True(t, json.Valid([]byte(value)))
		case v.ValueFrom == nil:
			value = v.Value
		case !there:
			require.True(t, *v.ValueFrom.SecretKeyRef.Optional, "the pod could not start")
			continue
		}
		env = append(env, v.Name+"="+value)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, c.Command[0], append(c.Command[1:], c.Args...)...)
	command.Env = env
	out, err := command.CombinedOutput()
	return string(out), err
}

// volumes returns a folder with one folder for each volume.
func volumes(t *testing.T, names ...string) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range names {
		require.NoError(t, os.Mkdir(filepath.Join(folder, name), 0o755))
	}
	return folder
}

// soundCredentials returns credentials that the Job accepts.
func soundCredentials() map[string]string {
	return map[string]string{
		"DATABASE_PASSWORD": "p", "FRONTEND_DATABASE_PASSWORD": "f", "BACKEND_DATABASE_PASSWORD": "b",
		"BETTER_AUTH_SECRET": strings.Repeat("0123456789", 4), "OPENAI_API_KEY": "sk-1",
	}
}

func TestPreflightPassesAndLeavesNoFile(t *testing.T) {
	folder := volumes(t, "data", "backup")
	out, err := preflight(t, folder, soundCredentials())
	require.NoError(t, err, out)
	assert.Equal(t, 7, strings.Count(out, "ok    "), out)
	left, err := filepath.Glob(filepath.Join(folder, "*", "*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestPreflightNamesBadCredentialsWithoutValues(t *testing.T) {
	for name, tc := range map[string]struct {
		variable, value string
		want            string
	}{
		"a key that is not there":  {"BETTER_AUTH_SECRET", "", "FAIL  key secret of Secret todo-auth does not exist"},
		"a Secret of its own":      {"OPENAI_API_KEY", "", "FAIL  key token of Secret llm does not exist"},
		"an empty password":        {"DATABASE_PASSWORD", " ", "FAIL  key database-password of Secret todo-credentials is empty"},
		"a password with its line": {"DATABASE_PASSWORD", "hunter2\n", "key database-password of Secret todo-credentials begins or ends with a blank or a line break"},
		"a password of two lines":  {"DATABASE_PASSWORD", "hunter2\nhunter2", "key database-password of Secret todo-credentials has more than one line"},
		"an example":               {"BETTER_AUTH_SECRET", "change-me-please-0123456789-hunter2", "key secret of Secret todo-auth looks like an example"},
		"a secret of one letter":   {"BETTER_AUTH_SECRET", strings.Repeat("a", 40), "key secret of Secret todo-auth looks like an example"},
		"a short secret":           {"BETTER_AUTH_SECRET", "hunter2", "key secret of Secret todo-auth has 7 bytes, and at least 32 are required"},
	} {
		t.Run(name, func(t *testing.T) {
			given := soundCredentials()
			given[tc.variable] = tc.value
			if tc.value == "" {
				delete(given, tc.variable)
			}
			out, err := preflight(t, volumes(t, "data", "backup"), given)
			require.Error(t, err, out)
			assert.Contains(t, out, tc.want)
			assert.Equal(t, 6, strings.Count(out, "ok    "), "the other checks are reported too: %s", out)
			assert.NotContains(t, out, "hunter2")
		})
	}
}

func TestPreflightNamesReadOnlyVolume(t *testing.T) {
	out, err := preflight(t, volumes(t, "data"), soundCredentials())
	require.Error(t, err, out)
	assert.Contains(t, out, "FAIL  volume with the settings of postgresql.backup ENOENT")
}
