package database_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"todo-chatbot/mage/database"
	"todo-chatbot/mage/database/podtest"
)

// file writes a backup on this machine, with the given checksum or the right one.
func file(t *testing.T, content []byte, sum ...string) database.Archive {
	t.Helper()
	pod := podtest.New("secret")
	pod.AddToVolume("x", content)
	path := filepath.Join(t.TempDir(), "x.dump")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	line := string(pod.Volume["x.sha256"])
	if len(sum) > 0 {
		line = sum[0]
	}
	require.NoError(t, os.WriteFile(path+".sha256", []byte(line), 0o600))
	return database.Archive{Path: path}
}

func TestCheckRefusesIncompleteBackupsAndChangesNothing(t *testing.T) {
	whole := podtest.Archive(podtest.Complete())
	bare := file(t, whole)
	require.NoError(t, os.Remove(bare.Path+".sha256"))
	for name, c := range map[string]struct {
		archive database.Archive
		says    string
		asked   bool // the server reads the archive
	}{
		"truncated":                   {file(t, whole[:len(whole)/2]), "PostgreSQL cannot read it: pg_restore: error: could not read from input file: end of file", true},
		"not a backup":                {file(t, []byte("Dear Bob")), "does not appear to be a valid archive", true},
		"changed file":                {file(t, whole, "0000  x.dump\n"), "its checksum does not match", false},
		"without a checksum":          {bare, "its checksum file x.dump.sha256 is missing", false},
		"unknown name":                {database.Archive{Name: "todo-2020.dump"}, "neither this machine nor the volume has it", false},
		"path instead of a name":      {database.Archive{Name: "../data/pgdata/PG_VERSION"}, "neither this machine nor the volume has it", false},
		"truncated in the volume":     {database.Archive{Name: "torn.dump"}, "its checksum does not match", false},
		"not a backup, in the volume": {database.Archive{Name: "foreign.dump"}, "does not appear to be a valid archive", true},
	} {
		t.Run(name, func(t *testing.T) {
			pod := podtest.New("secret")
			d, client := over(t, pod)
			pod.AddToVolume("foreign.dump", []byte("Dear Bob"))
			pod.AddToVolume("torn.dump", whole)
			pod.Volume["torn.dump"] = whole[:9]
			err := d.Check(t.Context(), c.archive)
			refused, is := errors.AsType[*database.Refused](err)
			require.True(t, is, "%v", err)
			assert.Contains(t, refused.Why, c.says)
			assert.NotEmpty(t, refused.Fix)
			assert.Equal(t, c.asked, len(pod.Ran) > 0 && pod.Ran[len(pod.Ran)-1] == "check")
			assert.Equal(t, map[string]podtest.Data{podtest.App: podtest.Complete()}, pod.Databases)
			assert.Equal(t, map[string]int{"frontend": 1, "backend": 2}, podtest.Replicas(client))
		})
	}
}

func TestLostConnectionDoesNotRefuseABackup(t *testing.T) {
	archive := file(t, podtest.Archive(podtest.Complete()))
	for name, change := range map[string]func(*podtest.Pod){
		"with an error": func(p *podtest.Pod) { p.Before = failing("check", errLost) },
		"without error": func(p *podtest.Pod) { p.Cut = map[string]int{"check": 3} },
		"out of memory": func(p *podtest.Pod) { p.Before = failing("check", &database.Exit{Status: 137}) },
	} {
		t.Run(name, func(t *testing.T) {
			pod := podtest.New("secret")
			change(pod)
			d, _ := over(t, pod)
			err := d.Check(t.Context(), archive)
			require.Error(t, err)
			_, is := errors.AsType[*database.Refused](err)
			assert.False(t, is, "%v", err)
		})
	}
}

func TestLoadNeverChangesTheApplicationsData(t *testing.T) {
	later := podtest.Complete()
	later["alembic_version"], later["task"] = []string{"0002"}, []string{"of a backup"}
	archive := file(t, podtest.Archive(later))
	for name, change := range map[string]func(*podtest.Pod){
		"well":                       func(*podtest.Pod) {},
		"connection fails":           func(p *podtest.Pod) { p.Before = failing("load", errLost) },
		"output cut":                 func(p *podtest.Pod) { p.Cut = map[string]int{"load": 20} },
		"connection lost at the end": func(p *podtest.Pod) { p.After = failing("load", errLost) },
		"disk full": func(p *podtest.Pod) {
			p.Before = failing("load", &database.Exit{Status: 1, Stderr: "ERROR:  could not extend file: No space left on device"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			pod := podtest.New("secret")
			change(pod)
			d, _ := over(t, pod)
			contents, err := d.Load(t.Context(), archive, "secret")
			if name == "well" {
				require.NoError(t, err)
				assert.Equal(t, []string{"0002"}, contents.Revisions)
			} else {
				require.Error(t, err)
			}
			assert.Equal(t, podtest.Complete(), pod.Databases[podtest.App])
		})
	}
}

func TestFitsRefusesOtherApplicationsAndNewerSchemas(t *testing.T) {
	known := []string{"0001", "0002"}
	for name, c := range map[string]struct {
		contents database.Contents
		says     string
	}{
		"current schema":    {database.Contents{Tables: database.Tables, Revisions: []string{"0002"}}, ""},
		"older schema":      {database.Contents{Tables: append([]string{"more"}, database.Tables...), Revisions: []string{"0001"}}, ""},
		"later schema":      {database.Contents{Tables: database.Tables, Revisions: []string{"0003"}}, "its schema has revision 0003, and the backend knows only 0001, 0002"},
		"without accounts":  {database.Contents{Tables: []string{"alembic_version", "task", "conversation", "message"}}, "it has no table user, session, account, verification"},
		"other application": {database.Contents{Tables: []string{"film"}}, "it is not a backup of this application"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.contents.Fits("x.dump", known)
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			refused, is := errors.AsType[*database.Refused](err)
			require.True(t, is, "%v", err)
			assert.Contains(t, refused.Why, c.says)
		})
	}
}

func TestTablesMatchTheSources(t *testing.T) {
	scripts, err := filepath.Glob("../../images/backend/alembic/versions/*.py")
	require.NoError(t, err)
	require.NotEmpty(t, scripts)
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		require.NoError(t, err)
		for _, made := range regexp.MustCompile(`op\.create_table\(\s*"(\w+)"`).FindAllSubmatch(text, -1) {
			if string(made[1]) == "rate_bucket" {
				continue // earlier backups do not contain it
			}
			assert.Contains(t, database.Tables, string(made[1]))
		}
	}
	options, err := os.ReadFile("../../images/frontend/lib/server/auth-options.ts")
	require.NoError(t, err)
	for _, table := range []string{"user", "session", "account", "verification"} {
		assert.Contains(t, string(options), table+": {", "the tables of Better Auth")
	}
	// The table attempts counts refused sign-ins by keyed hashes. Earlier backups do not
	// contain it. After a rotation its old rows match no hash and expire.
	known := strings.Replace(string(options), "plugins: [attemptsTable],", "", 1)
	assert.NotRegexp(t, `plugins:|modelName:|encryptOAuthTokens:`, known,
		"a plugin may have tables, which belong in Tables, and rows that are encrypted with the secret (jwks has), which secrets:rotate must remove")
}

func TestRevisionsComeFromTheRunningBackend(t *testing.T) {
	pod := podtest.New("secret")
	pod.Revisions = []string{"0002", "0001"}
	d, client := over(t, pod)
	known, err := d.Revisions(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"0001", "0002"}, known)

	for _, name := range []string{"todo-backend-0", "todo-backend-1"} { // they wait for the database
		pod, err := client.CoreV1().Pods(podtest.Namespace).Get(t.Context(), name, metav1.GetOptions{})
		require.NoError(t, err)
		pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}
		_, err = client.CoreV1().Pods(podtest.Namespace).UpdateStatus(t.Context(), pod, metav1.UpdateOptions{})
		require.NoError(t, err)
	}
	_, err = d.Revisions(t.Context())
	assert.ErrorIs(t, err, database.ErrNoBackend)
}

func TestRevisionsInReadsMigrationScripts(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"0001_a.py": "revision = \"0001\"\ndown_revision = None\n", "0002_b.py": "revision: str = '0002'\ndown_revision: str = '0001'\n", "__init__.py": "",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	known, err := database.RevisionsIn(dir)
	require.NoError(t, err)
	assert.Equal(t, []string{"0001", "0002"}, known)
	known, err = database.RevisionsIn("../../images/backend/alembic/versions")
	require.NoError(t, err)
	assert.Contains(t, known, "0001")
	_, err = database.RevisionsIn(t.TempDir())
	assert.ErrorContains(t, err, "contains none")
}

func TestResumeRestoresTheReplicasAfterAKilledRun(t *testing.T) {
	d, client := over(t, podtest.New("secret"))
	was := map[string]int{"frontend": 1, "backend": 2}
	require.NoError(t, d.Pause(t.Context()))
	assert.Equal(t, map[string]int{"frontend": 0, "backend": 0}, podtest.Replicas(client))
	require.NoError(t, d.Pause(t.Context()), "a later run continues a killed one")
	require.NoError(t, d.Resume(t.Context()))
	assert.Equal(t, was, podtest.Replicas(client))
	require.NoError(t, d.Resume(t.Context()), "nothing is paused")
	assert.Equal(t, was, podtest.Replicas(client))

	require.NoError(t, d.Pause(t.Context()))
	scale(t, client, 3) // a person scales the backend
	require.NoError(t, d.Resume(t.Context()))
	assert.Equal(t, 3, podtest.Replicas(client)["backend"])
	require.NoError(t, d.Pause(t.Context()))
	require.NoError(t, d.Resume(t.Context()))
	assert.Equal(t, 3, podtest.Replicas(client)["backend"], "the former number is replaced")
}

func TestPauseWaitsUntilThePodsHaveEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, client := over(t, podtest.New("secret"))
		stuck := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: podtest.Namespace, Name: "stuck", Labels: map[string]string{
			"app.kubernetes.io/name": "backend", "app.kubernetes.io/instance": podtest.Release,
		}}}
		evicted := stuck.DeepCopy()
		evicted.Name, evicted.Status.Phase = "evicted", corev1.PodFailed
		for _, pod := range []*corev1.Pod{stuck, evicted} {
			require.NoError(t, client.Tracker().Add(pod))
		}
		time.AfterFunc(7*time.Second, func() {
			_ = client.CoreV1().Pods(podtest.Namespace).Delete(context.Background(), "stuck", metav1.DeleteOptions{})
		})
		began := time.Now()
		require.NoError(t, d.Pause(t.Context()))
		assert.GreaterOrEqual(t, time.Since(began), 7*time.Second)

		require.NoError(t, client.Tracker().Add(stuck))
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("not done within a minute"))
		defer cancel()
		err := d.Pause(ctx)
		assert.EqualError(t, err, "wait for the pods of frontend and backend to end: not done within a minute; last error: still running: stuck")
	})
}

func scale(t *testing.T, client *fake.Clientset, replicas int32) {
	t.Helper()
	api := client.AppsV1().Deployments(podtest.Namespace)
	backend, err := api.Get(t.Context(), "todo-backend", metav1.GetOptions{})
	require.NoError(t, err)
	backend.Spec.Replicas = &replicas
	_, err = api.Update(t.Context(), backend, metav1.UpdateOptions{})
	require.NoError(t, err)
}
