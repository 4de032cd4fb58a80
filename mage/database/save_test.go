package database_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"

	"todo-chatbot/mage/database"
	"todo-chatbot/mage/database/podtest"
	"todo-chatbot/mage/kube"
)

var errLost = errors.New("websocket: close 1006 (abnormal closure)")

// over returns a Database on a pod in memory.
func over(t *testing.T, pod database.Shell) (*database.Database, *fake.Clientset) {
	t.Helper()
	client := podtest.Cluster()
	return database.New(&kube.Clients{Clientset: client}, podtest.Namespace, podtest.Release, database.Options{Shell: pod}), client
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	require.NoError(t, err)
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

func TestSaveWritesBackupAndChecksumReadableByTheUserOnly(t *testing.T) {
	pod := podtest.New("secret")
	d, _ := over(t, pod)
	home := database.Folder(filepath.Join(t.TempDir(), "backups", "dev"))
	path, err := d.Save(t.Context(), home, "")
	require.NoError(t, err)
	assert.Regexp(t, regexp.MustCompile(`^todo-\d{8}T\d{6}Z\.dump$`), filepath.Base(path))
	assert.Equal(t, []string{"dump", "check"}, pod.Ran, "the server reads it back")
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, podtest.Archive(podtest.Complete()), content)
	sum, err := os.ReadFile(path + ".sha256")
	require.NoError(t, err)
	assert.Equal(t, fmt.Sprintf("%x  %s\n", sha256.Sum256(content), filepath.Base(path)), string(sum))
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	all, err := home.List()
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, database.SumOK, all[0].Sum)
	assert.Equal(t, int64(len(content)), all[0].Size)
}

// full is a pod whose output does not fit on the disk.
type full struct{ database.Shell }

func (f full) Run(ctx context.Context, in database.Container, command []string, stdin io.Reader, _ io.Writer) error {
	return f.Shell.Run(ctx, in, command, stdin, refusing{})
}

type refusing struct{}

func (refusing) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestFailedSaveLeavesNoBackupFile(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*podtest.Pod)
		says   string
	}{
		"no connection": {func(p *podtest.Pod) { p.Before = failing("dump", errLost) }, "abnormal closure"},
		"pg_dump fails": {func(p *podtest.Pod) {
			p.Before = failing("dump", &database.Exit{Status: 1, Stderr: "pg_dump: error: lock timeout"})
		}, "pg_dump: error: lock timeout"},
		"output cut without an error": {func(p *podtest.Pod) { p.Cut = map[string]int{"dump": 30} }, "read the backup back"},
		"empty output":                {func(p *podtest.Pod) { p.Cut = map[string]int{"dump": 0} }, "read the backup back"},
		"connection lost at the end":  {func(p *podtest.Pod) { p.After = failing("dump", errLost) }, "abnormal closure"},
		"output of the check cut":     {func(p *podtest.Pod) { p.Cut = map[string]int{"check": 0} }, "the connection to the pod ended"},
	} {
		t.Run(name, func(t *testing.T) {
			pod := podtest.New("secret")
			d, _ := over(t, pod)
			home := t.TempDir()
			good, err := d.Save(t.Context(), database.Folder(home), "")
			require.NoError(t, err)
			c.change(pod)
			_, err = d.Save(t.Context(), database.Folder(home), filepath.Join(home, "next.dump"))
			require.Error(t, err)
			assert.ErrorContains(t, err, c.says)
			assert.Equal(t, []string{filepath.Base(good), filepath.Base(good) + ".sha256"}, names(t, home))
		})
	}
	t.Run("full disk", func(t *testing.T) {
		d, _ := over(t, full{podtest.New("secret")})
		home := t.TempDir()
		_, err := d.Save(t.Context(), database.Folder(home), "")
		assert.ErrorContains(t, err, "no space left on device")
		assert.Empty(t, names(t, home))
	})
}

// failing returns a hook that fails at one script.
func failing(script string, err error) func(string) error {
	return func(ran string) error {
		if ran == script {
			return err
		}
		return nil
	}
}

func TestSaveRemovesTemporaryFilesOfAKilledRun(t *testing.T) {
	d, _ := over(t, podtest.New("secret"))
	home := t.TempDir()
	for _, name := range []string{"todo-20260101T000000Z.dump.part", "todo-20260101T000000Z.dump.sha256.part", "mine.part"} {
		require.NoError(t, os.WriteFile(filepath.Join(home, name), nil, 0o600))
	}
	path, err := d.Save(t.Context(), database.Folder(home), "")
	require.NoError(t, err)
	assert.Equal(t, []string{"mine.part", filepath.Base(path), filepath.Base(path) + ".sha256"}, names(t, home))
}

func TestSaveWritesToTheTargetOfTheUser(t *testing.T) {
	d, _ := over(t, podtest.New("secret"))
	home, elsewhere := t.TempDir(), t.TempDir()
	file := filepath.Join(elsewhere, "new", "before-the-party")
	path, err := d.Save(t.Context(), database.Folder(home), file)
	require.NoError(t, err)
	assert.Equal(t, file, path)
	assert.Equal(t, []string{"before-the-party", "before-the-party.sha256"}, names(t, filepath.Dir(file)))

	path, err = d.Save(t.Context(), database.Folder(home), elsewhere)
	require.NoError(t, err)
	assert.Equal(t, elsewhere, filepath.Dir(path))

	_, err = d.Save(t.Context(), database.Folder(home), file)
	taken, is := errors.AsType[*database.Taken](err)
	require.True(t, is, "%v", err)
	assert.Equal(t, file, taken.Path)
	assert.Empty(t, names(t, home))
}

func TestSaveFailsWithoutADatabaseOfTheChart(t *testing.T) {
	d := database.New(&kube.Clients{Clientset: fake.NewClientset()}, "ns", "todo", database.Options{Shell: podtest.New("secret")})
	_, err := d.Save(t.Context(), database.Folder(t.TempDir()), "")
	absent, is := errors.AsType[*database.Absent](err)
	require.True(t, is, "%v", err)
	assert.Equal(t, &database.Absent{Namespace: "ns", Release: "todo"}, absent)
}

func TestSaveRunsNoCommandInAServerThatIsNotReady(t *testing.T) {
	pod := podtest.New("secret")
	d, client := over(t, pod)
	resource := schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	object, err := client.Tracker().Get(resource, podtest.Namespace, "todo-postgresql-0")
	require.NoError(t, err)
	object.(*corev1.Pod).Status.Conditions = nil
	require.NoError(t, client.Tracker().Update(resource, object, podtest.Namespace))
	_, err = d.Save(t.Context(), database.Folder(t.TempDir()), "")
	assert.ErrorContains(t, err, "is not ready: wait, or deploy again")
	assert.Empty(t, pod.Ran)
}

func TestListReturnsBackupsWithTheStateOfTheirChecksums(t *testing.T) {
	home := t.TempDir()
	for name, content := range map[string]string{
		"todo-20260102T030405Z.dump": "a", "todo-20260102T030405Z.dump.sha256": fmt.Sprintf("%x  another-name.dump\n", sha256.Sum256([]byte("a"))),
		"todo-20260103T030405Z.dump": "b", "todo-20260103T030405Z.dump.sha256": fmt.Sprintf("%x  x\n", sha256.Sum256([]byte("a"))),
		"todo-20260101T030405Z.dump": "c", "todo-20260104T030405Z.dump.part": "d", "notes.txt": "e",
		"todo-20260105T030405Z.dump": "f", "todo-20260105T030405Z.dump.sha256": "",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(home, name), []byte(content), 0o600))
	}
	all, err := database.Folder(home).List()
	require.NoError(t, err)
	var lines []string
	for _, b := range all {
		lines = append(lines, fmt.Sprintf("%s %s %s", b.Place, b.Time.Format("02.01."), b.Sum))
	}
	assert.Equal(t, []string{"host 05.01. wrong", "host 03.01. wrong", "host 02.01. ok", "host 01.01. missing"}, lines)

	none, err := database.Folder(filepath.Join(home, "absent")).List()
	require.NoError(t, err)
	assert.Empty(t, none)
}
