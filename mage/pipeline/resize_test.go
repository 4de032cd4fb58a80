package pipeline

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"todo-chatbot/mage/database"
	"todo-chatbot/mage/database/podtest"
	"todo-chatbot/mage/progress"
)

const (
	dataClaim = "data-todo-postgresql-0"
	oldVolume = "pvc-old"
)

// volumeWorld is the application in memory with a volume of 1Gi, and the cluster's
// controllers of StatefulSets, claims and volumes.
type volumeWorld struct {
	*deployed
	volumeClass
	steps     bytes.Buffer
	deletions []string                // propagation of each deletion of the StatefulSet
	kept      map[string]podtest.Data // data of a volume whose server was deleted
}

// volumeClass is the storage class.
type volumeClass struct{ grows bool }

func newVolumeWorld(t *testing.T, class volumeClass) *volumeWorld {
	t.Helper()
	v := &volumeWorld{deployed: newDeployed(t), volumeClass: class, kept: map[string]podtest.Data{}}
	cache, root := v.env.Cache, t.TempDir()
	env := *v.env
	env.Root, env.Cache, env.Timeout = root, cache, 2*time.Second
	v.Pipeline = New(&env, v.opts)
	v.opts.Progress = progress.New(&v.steps, progress.Options{})
	write(t, filepath.Join(root, "images", "backend", "alembic", "versions", "0001.py"), "revision = \"0001\"\n")
	ctx := t.Context()
	set, err := v.client.AppsV1().StatefulSets(podtest.Namespace).Get(ctx, "todo-postgresql", metav1.GetOptions{})
	require.NoError(t, err)
	set.UID, set.Annotations = "set-1", map[string]string{"meta.helm.sh/release-name": "todo"}
	set.Spec.VolumeClaimTemplates = []corev1.PersistentVolumeClaim{{ObjectMeta: metav1.ObjectMeta{Name: "data"}, Spec: claimSpec("1Gi", "")}}
	_, err = v.client.AppsV1().StatefulSets(podtest.Namespace).Update(ctx, set, metav1.UpdateOptions{})
	require.NoError(t, err)
	v.bind(t, "1Gi", oldVolume)
	_, err = v.client.CoreV1().PersistentVolumes().Create(ctx, &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: oldVolume},
		Spec: corev1.PersistentVolumeSpec{PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete}}, metav1.CreateOptions{})
	require.NoError(t, err)
	v.control(t)
	return v
}

func claimSpec(size, volume string) corev1.PersistentVolumeClaimSpec {
	return corev1.PersistentVolumeClaimSpec{VolumeName: volume, Resources: corev1.VolumeResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceStorage: quantity.MustParse(size)}}}
}

// bind makes the server's claim with a volume.
func (v *volumeWorld) bind(t *testing.T, size, volume string) {
	t.Helper()
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: dataClaim, Namespace: podtest.Namespace}, Spec: claimSpec(size, volume)}
	claim.Status.Capacity = corev1.ResourceList{corev1.ResourceStorage: quantity.MustParse(size)}
	require.NoError(t, v.client.Tracker().Create(corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims"), claim, podtest.Namespace))
}

// control acts as the cluster's controllers. The StatefulSet's pod starts and ends with
// it, unless it is orphaned. A new claim gets an empty volume. The data of a volume is
// deleted with its claim, unless the volume is retained.
func (v *volumeWorld) control(t *testing.T) {
	pods := corev1.SchemeGroupVersion.WithResource("pods")
	object, err := v.client.Tracker().Get(pods, podtest.Namespace, "todo-postgresql-0")
	require.NoError(t, err)
	server := object.(*corev1.Pod)
	v.client.PrependReactor("patch", "persistentvolumeclaims", func(action clienttesting.Action) (bool, runtime.Object, error) {
		patch := action.(clienttesting.PatchActionImpl)
		if !v.grows {
			return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "persistentvolumeclaims"}, dataClaim,
				errors.New("only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"))
		}
		if len(patch.PatchOptions.DryRun) > 0 {
			return true, &corev1.PersistentVolumeClaim{}, nil
		}
		claims := corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims")
		object, err := v.client.Tracker().Get(claims, podtest.Namespace, dataClaim)
		require.NoError(t, err)
		claim := object.(*corev1.PersistentVolumeClaim).DeepCopy()
		claim.Spec = claimSpec("2Gi", oldVolume)
		claim.Status.Capacity = claim.Spec.Resources.Requests
		return true, claim, v.client.Tracker().Update(claims, claim, podtest.Namespace)
	})
	v.client.PrependReactor("create", "persistentvolumeclaims", func(action clienttesting.Action) (bool, runtime.Object, error) {
		require.Equal(t, []string{metav1.DryRunAll}, action.(clienttesting.CreateActionImpl).CreateOptions.DryRun)
		return true, &corev1.PersistentVolumeClaim{}, nil
	})
	v.client.PrependReactor("delete", "statefulsets", func(action clienttesting.Action) (bool, runtime.Object, error) {
		how := string(*action.(clienttesting.DeleteActionImpl).DeleteOptions.PropagationPolicy)
		v.deletions = append(v.deletions, how)
		if how != string(metav1.DeletePropagationOrphan) {
			require.NoError(t, v.client.Tracker().Delete(pods, podtest.Namespace, server.Name))
			volume, err := v.client.Tracker().Get(corev1.SchemeGroupVersion.WithResource("persistentvolumes"), "", oldVolume)
			require.NoError(t, err)
			assert.Equal(t, corev1.PersistentVolumeReclaimRetain, volume.(*corev1.PersistentVolume).Spec.PersistentVolumeReclaimPolicy, "the volume is retained before the server is deleted")
			v.kept[oldVolume] = v.pod.Databases[podtest.App]
		}
		return false, nil, nil
	})
	v.client.PrependReactor("create", "statefulsets", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if v.deletions[len(v.deletions)-1] != string(metav1.DeletePropagationOrphan) {
			set := action.(clienttesting.CreateAction).GetObject().(*appsv1.StatefulSet)
			v.bind(t, set.Spec.VolumeClaimTemplates[0].Spec.Resources.Requests.Storage().String(), "pvc-new")
			v.pod.Databases = map[string]podtest.Data{podtest.App: {}}
			require.NoError(t, v.client.Tracker().Create(pods, server.DeepCopy(), podtest.Namespace))
		}
		return false, nil, nil
	})
}

func (v *volumeWorld) to(size string) *resize {
	return &resize{p: v.Pipeline, target: v.target(), size: quantity.MustParse(size),
		settle: func(context.Context) (Deployment, error) { return Deployment{Complete: true}, nil }}
}

// assertState checks the volume, its StatefulSet and the data.
func (v *volumeWorld) assertState(t *testing.T, size, volume string) {
	t.Helper()
	now, err := v.db.Data(context.Background())
	require.NoError(t, err)
	assert.True(t, now.Holds(quantity.MustParse(size)), "claim, template and volume have %s", size)
	assert.Equal(t, volume, now.Bound)
	assert.Equal(t, podtest.Complete(), v.pod.Databases[podtest.App], "no data is lost")
	assert.Equal(t, asDeployed, podtest.Replicas(v.client))
}

func TestResizeGrowsVolumeOfRunningServer(t *testing.T) {
	v := newVolumeWorld(t, volumeClass{grows: true})
	done, err := v.to("2Gi").enlarge(t.Context())
	require.NoError(t, err)
	assert.True(t, done.Complete)
	v.assertState(t, "2Gi", oldVolume)
	assert.Equal(t, []string{"Orphan"}, v.deletions, "the server's pod stays")
	assert.Empty(t, v.pod.Ran, "no command runs in the server")
	set, err := v.client.AppsV1().StatefulSets(podtest.Namespace).Get(t.Context(), "todo-postgresql", metav1.GetOptions{})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"meta.helm.sh/release-name": "todo"}, set.Annotations, "Helm still owns it")
	assert.Empty(t, set.UID)

	v.client.ClearActions()
	_, err = v.to("2Gi").enlarge(t.Context())
	require.NoError(t, err)
	assert.False(t, v.touched(), "a second resize changes nothing")
}

func TestResizeFinishesInterruptedResize(t *testing.T) {
	v := newVolumeWorld(t, volumeClass{grows: true})
	now, err := v.db.Data(t.Context())
	require.NoError(t, err)
	v.client.PrependReactor("delete", "statefulsets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return len(v.deletions) == 0, nil, errLost
	})
	require.ErrorIs(t, v.db.Enlarge(t.Context(), now, quantity.MustParse("2Gi")), errLost)
	v.deletions = []string{"none"}
	_, err = v.to("2Gi").enlarge(t.Context())
	require.NoError(t, err)
	v.assertState(t, "2Gi", oldVolume)
}

func TestResizeRefusesSmallerVolume(t *testing.T) {
	v := newVolumeWorld(t, volumeClass{grows: true})
	v.client.ClearActions()
	_, err := v.to("512Mi").enlarge(t.Context())
	require.ErrorContains(t, err, "(nothing was changed): it has 1Gi, and a volume cannot become smaller; set postgresql.persistence.size to 1Gi or more")
	assert.Equal(t, ExitUsage, ExitCode(withExitCode(err)))
	assert.False(t, v.touched())
}

func TestResizeMovesDataIfVolumeCannotGrow(t *testing.T) {
	v := newVolumeWorld(t, volumeClass{})
	var asked []string
	v.opts.ConfirmLoss = func(question string) bool { asked = append(asked, question); return true }
	done, err := v.to("2Gi").enlarge(t.Context())
	require.NoError(t, err, v.steps.String())
	assert.True(t, done.Complete)
	v.assertState(t, "2Gi", "pvc-new")
	assert.Equal(t, podtest.Complete(), v.kept[oldVolume], "the old volume is kept with its data")
	require.Len(t, asked, 2)
	assert.Contains(t, asked[1], "the application is down during the move, and volume pvc-old is kept")
	assert.Contains(t, v.steps.String(), "kubectl delete pv pvc-old")
	backups, err := v.backups().List()
	require.NoError(t, err)
	require.Len(t, backups, 1)
	assert.Equal(t, database.SumOK, backups[0].Sum)
}

func TestResizeReplacesVolumeOnlyAfterCompleteBackup(t *testing.T) {
	for _, script := range []string{"dump", "check"} {
		v := newVolumeWorld(t, volumeClass{})
		v.pod.Before = func(ran string) error {
			if ran == script {
				return errLost
			}
			return nil
		}
		_, err := v.to("2Gi").enlarge(t.Context())
		require.ErrorIs(t, err, errLost)
		assert.Empty(t, v.deletions, script)
		v.pod.Before = nil
		v.assertState(t, "1Gi", oldVolume)
	}
}

func TestResizeKeepsVolumeThatCannotBeRetained(t *testing.T) {
	v := newVolumeWorld(t, volumeClass{})
	v.client.PrependReactor("patch", "persistentvolumes", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "persistentvolumes"}, oldVolume, errors.New("no rights"))
	})
	_, err := v.to("2Gi").enlarge(t.Context())
	require.ErrorContains(t, err, "keep persistent volume \"pvc-old\", which needs rights on the whole cluster (nothing was changed)")
	assert.Empty(t, v.deletions)
	v.assertState(t, "1Gi", oldVolume)
}

func TestFailedRestoreOfResizeKeepsBothCopiesAndStopsPods(t *testing.T) {
	v := newVolumeWorld(t, volumeClass{})
	v.pod.Before = func(ran string) error {
		if ran == "load" {
			return errLost
		}
		return nil
	}
	_, err := v.to("2Gi").enlarge(t.Context())
	require.ErrorIs(t, err, errLost)
	assert.ErrorContains(t, err, "frontend and backend stay stopped, and the data is in backup ")
	assert.ErrorContains(t, err, "persistent volume \"pvc-old\"")
	assert.Equal(t, map[string]int{"frontend": 0, "backend": 0}, podtest.Replicas(v.client))
	assert.Equal(t, podtest.Complete(), v.kept[oldVolume])

	v.pod.Before = nil
	backups, err := v.backups().List()
	require.NoError(t, err)
	r := &restore{p: v.Pipeline, target: v.target(), archive: v.archive(backups[0].Name),
		settle: func(context.Context) (Deployment, error) { return Deployment{Complete: true}, nil }}
	_, err = r.replaceData(t.Context())
	require.NoError(t, err, "the message names this next step")
	v.assertState(t, "2Gi", "pvc-new")
}

func TestResizeWithoutConfirmationChangesNothing(t *testing.T) {
	for _, grows := range []bool{true, false} {
		v := newVolumeWorld(t, volumeClass{grows: grows})
		v.opts.ConfirmLoss = func(string) bool { return false }
		v.client.ClearActions()
		_, err := v.to("2Gi").enlarge(t.Context())
		require.Error(t, err)
		assert.Equal(t, ExitUsage, ExitCode(err))
		assert.False(t, v.touched())
		_, statErr := os.Stat(string(v.backups()))
		assert.ErrorIs(t, statErr, os.ErrNotExist)
	}
}

func TestWantedSizeComesFromValues(t *testing.T) {
	size, err := load(t, copyProject(t, "\npostgresql: {persistence: {size: 3Gi}}\n"), "dev", nil).wantedSize()
	require.NoError(t, err)
	assert.Equal(t, "3Gi", size.String())
	_, err = load(t, copyProject(t, "\npostgresql: {enabled: false}\nglobal: {database: {host: db.example.com}}\n"), "dev", nil).wantedSize()
	assert.Equal(t, ExitUsage, ExitCode(err))
	assert.ErrorContains(t, err, "has no PostgreSQL of its own")
}
