package pipeline

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"todo-chatbot/mage/database"
	"todo-chatbot/mage/database/podtest"
	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/release"
)

const oldPassword = "known-to-the-database"

// deployed is the application of dev in memory.
type deployed struct {
	*Pipeline
	pod    *podtest.Pod
	client *fake.Clientset
	db     *database.Database
}

func newDeployed(t *testing.T) *deployed {
	t.Helper()
	d := &deployed{Pipeline: load(t, projectRoot, "dev", nil), pod: podtest.New(oldPassword), client: podtest.Cluster()}
	_, err := release.EnsureCredentials(t.Context(), d.client, podtest.Namespace, podtest.Secret, []string{authSecret},
		map[string]string{databasePassword: oldPassword, frontendPassword: oldPassword, backendPassword: oldPassword})
	require.NoError(t, err)
	d.db = database.New(&kube.Clients{Clientset: d.client}, d.env.Namespace, d.env.Release, database.Options{Shell: d.pod})
	d.client.ClearActions()
	d.opts.ConfirmLoss = func(string) bool { return true }
	return d
}

func (d *deployed) target() target { return target{kubernetes: d.client, database: d.db} }

var (
	asDeployed = map[string]int{"frontend": 1, "backend": 2}
	errLost    = errors.New("websocket: close 1006 (abnormal closure)")
)

// restoring returns a restore of a backup with data.
func (d *deployed) restoring(data podtest.Data) *restore {
	d.pod.AddToVolume("todo-20260101T000000Z.dump", podtest.Archive(data))
	return &restore{p: d.Pipeline, target: d.target(), archive: database.Archive{Name: "todo-20260101T000000Z.dump"},
		settle: func(context.Context) (Deployment, error) { return Deployment{Complete: true}, nil }}
}

// earlier returns the data that the application had once.
func earlier() podtest.Data {
	data := podtest.Complete()
	data["task"] = []string{"of the first day"}
	return data
}

// touched tells whether a request changed something in the cluster.
func (d *deployed) touched() bool {
	for _, action := range d.client.Actions() {
		if !slices.Contains([]string{"get", "list", "watch"}, action.GetVerb()) {
			return true
		}
	}
	return false
}

func TestRestoreReplacesDataAndChecksApplication(t *testing.T) {
	d := newDeployed(t)
	r := d.restoring(earlier())
	asked := ""
	d.opts.ConfirmLoss = func(question string) bool {
		asked = question
		assert.False(t, d.touched(), "all checks come before the question")
		assert.Equal(t, podtest.Complete(), d.pod.Databases[podtest.App])
		return true
	}
	r.settle = func(context.Context) (Deployment, error) {
		assert.Equal(t, asDeployed, podtest.Replicas(d.client))
		assert.Equal(t, earlier(), d.pod.Databases[podtest.App])
		return Deployment{Complete: true}, nil
	}
	done, err := r.replaceData(t.Context())
	require.NoError(t, err)
	assert.True(t, done.Complete)
	assert.Equal(t, "Replace all data in the database of todo-dev/todo by backup todo-20260101T000000Z.dump", asked)
	assert.Equal(t, map[string]podtest.Data{podtest.App: earlier()}, d.pod.Databases, "no second database is left")
}

func TestRefusedRestoreChangesNothing(t *testing.T) {
	later, partOnly := earlier(), earlier()
	later["alembic_version"] = []string{"9999"}
	delete(partOnly, "account")
	for name, c := range map[string]struct {
		data   podtest.Data
		change func(*deployed)
		says   string
	}{
		"a later schema":      {later, func(*deployed) {}, "its schema has revision 9999"},
		"another application": {partOnly, func(*deployed) {}, "it has no table account"},
		"wrong checksum":      {earlier(), func(d *deployed) { d.pod.Volume["todo-20260101T000000Z.dump.sha256"] = []byte("0000") }, "its checksum does not match"},
		"nobody can be asked": {earlier(), func(d *deployed) { d.opts.ConfirmLoss = nil }, "give -yes to confirm"},
		"the user says no":    {earlier(), func(d *deployed) { d.opts.ConfirmLoss = func(string) bool { return false } }, "the user did not confirm"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDeployed(t)
			r := d.restoring(c.data)
			c.change(d)
			_, err := r.replaceData(t.Context())
			assert.ErrorContains(t, err, c.says)
			assert.Equal(t, ExitUsage, ExitCode(withExitCode(err)))
			assert.False(t, d.touched())
			assert.Equal(t, map[string]podtest.Data{podtest.App: podtest.Complete()}, d.pod.Databases)
		})
	}
}

func TestRestoreWithoutConfirmationLoadsNothing(t *testing.T) {
	d := newDeployed(t)
	r := d.restoring(earlier())
	d.opts.ConfirmLoss = nil
	d.pod.Before = func(ran string) error {
		t.Errorf("%s ran in the server's pod", ran)
		return nil
	}
	_, err := r.replaceData(t.Context())
	assert.ErrorContains(t, err, "give -yes to confirm")
}

func TestFailedRestoreKeepsDataAndRestartsPods(t *testing.T) {
	fails := func(script string) func(*deployed, context.CancelFunc) {
		return func(d *deployed, _ context.CancelFunc) {
			d.pod.Before = func(ran string) error {
				if ran == script {
					return errLost
				}
				return nil
			}
		}
	}
	interrupted := func(script string) func(*deployed, context.CancelFunc) {
		return func(d *deployed, cancel context.CancelFunc) {
			d.pod.Before = func(ran string) error {
				if ran == script {
					cancel()
					return context.Canceled
				}
				return nil
			}
		}
	}
	for name, change := range map[string]func(*deployed, context.CancelFunc){
		"in the check":               fails("check"),
		"in the load":                fails("load"),
		"at the revisions":           fails("revisions"),
		"at the swap":                fails("swap"),
		"interrupted in a load":      interrupted("load"),
		"interrupted after the load": interrupted("revisions"),
		"pods that do not stop": func(d *deployed, cancel context.CancelFunc) {
			stuck := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: podtest.Namespace, Name: "stuck", Labels: map[string]string{
				"app.kubernetes.io/name": "backend", "app.kubernetes.io/instance": podtest.Release}}}
			require.NoError(t, d.client.Tracker().Add(stuck))
			time.AfterFunc(300*time.Millisecond, cancel) // Ctrl-C
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDeployed(t)
			r := d.restoring(earlier())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			change(d, cancel)
			r.settle = func(context.Context) (Deployment, error) {
				t.Error("the application is checked after a failure")
				return Deployment{}, nil
			}
			_, err := r.replaceData(ctx)
			require.Error(t, err)
			assert.Equal(t, map[string]podtest.Data{podtest.App: podtest.Complete()}, d.pod.Databases)
			assert.Equal(t, asDeployed, podtest.Replicas(d.client))
		})
	}
}

func TestInterruptDoesNotStopSwap(t *testing.T) {
	d := newDeployed(t)
	r := d.restoring(earlier())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d.pod.Before = func(script string) error {
		if script == "swap" {
			cancel()
		}
		return nil
	}
	r.settle = func(ctx context.Context) (Deployment, error) { return Deployment{}, ctx.Err() }
	_, err := r.replaceData(ctx)
	assert.ErrorIs(t, err, context.Canceled)
	assert.ErrorContains(t, err, `backup "todo-20260101T000000Z.dump" is restored, and then`)
	assert.Equal(t, earlier(), d.pod.Databases[podtest.App])
	assert.Equal(t, asDeployed, podtest.Replicas(d.client))
}

func TestLostConnectionDuringSwapRestartsPods(t *testing.T) {
	d := newDeployed(t)
	r := d.restoring(earlier())
	d.pod.Cut = map[string]int{"swap": 0}
	_, err := r.replaceData(t.Context())
	require.Error(t, err)
	assert.Equal(t, asDeployed, podtest.Replicas(d.client))
	assert.Equal(t, podtest.Complete(), d.pod.Databases[podtest.Replaced], "the replaced data stays until the next restore")
}

func TestRestoreContinuesAfterKilledRestore(t *testing.T) {
	d := newDeployed(t)
	r := d.restoring(earlier())
	_, err := d.db.Load(t.Context(), r.archive, oldPassword)
	require.NoError(t, err)
	require.NoError(t, d.db.Pause(t.Context())) // and SIGKILL
	_, err = r.replaceData(t.Context())
	require.NoError(t, err)
	assert.Equal(t, asDeployed, podtest.Replicas(d.client))
	assert.Equal(t, map[string]podtest.Data{podtest.App: earlier()}, d.pod.Databases)
	assert.NotContains(t, d.pod.Ran, "revisions", "without a backend the schemas of the sources count")
}

func TestFailedChecksAfterRestoreKeepReplacedData(t *testing.T) {
	d := newDeployed(t)
	r := d.restoring(earlier())
	r.settle = func(context.Context) (Deployment, error) {
		return Deployment{}, &Error{Code: ExitRed, Err: errors.New("backend: live")}
	}
	_, err := r.replaceData(t.Context())
	assert.Equal(t, ExitRed, ExitCode(err))
	assert.ErrorContains(t, err, "in the database whose name ends in _replaced")
	assert.Equal(t, podtest.Complete(), d.pod.Databases[podtest.Replaced])
}

func TestArchiveIsFoundByPathThenNameThenVolume(t *testing.T) {
	root := copyProject(t, "")
	p := load(t, root, "dev", nil)
	inFolder := filepath.Join(root, "build", "backups", "dev", "a.dump")
	elsewhere := filepath.Join(t.TempDir(), "b.dump")
	inProject := filepath.Join(root, "c.dump")
	for _, path := range []string{inFolder, elsewhere, inProject} {
		write(t, path, "")
	}
	assert.Equal(t, database.Archive{Path: inFolder}, p.archive("a.dump"))
	assert.Equal(t, database.Archive{Path: elsewhere}, p.archive(elsewhere))
	assert.Equal(t, database.Archive{Path: inProject}, p.archive("c.dump"))
	assert.Equal(t, database.Archive{Path: inFolder}, p.archive("build/backups/dev/a.dump"))
	assert.Equal(t, database.Archive{Name: "d.dump"}, p.archive("d.dump"))
	assert.Equal(t, database.Archive{Name: "build"}, p.archive("build"), "a folder is not a backup")
}
