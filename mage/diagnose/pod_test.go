package diagnose

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"todo-chatbot/mage/diagnose/diagnosetest"
)

const testNamespace = "todo-dev"

// broken is a namespace with one Deployment that is not ready. Each case changes it.
type broken struct {
	Snapshot
	rs  *appsv1.ReplicaSet
	pod *corev1.Pod
}

func newBroken(status corev1.ContainerStatus) *broken {
	controller := true
	d := appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "todo-backend", UID: "d", Annotations: map[string]string{revisionAnnotation: "2"}}}
	d.Status.UpdatedReplicas, d.Status.Replicas = 1, 1
	owner := []metav1.OwnerReference{{UID: "d", Controller: &controller}}
	b := &broken{}
	b.deployments = []appsv1.Deployment{d}
	b.replicaSets = []appsv1.ReplicaSet{
		{ObjectMeta: metav1.ObjectMeta{Name: "new", UID: "rs", Annotations: d.Annotations, OwnerReferences: owner}},
		{ObjectMeta: metav1.ObjectMeta{Name: "old", UID: "rs-old", Annotations: map[string]string{revisionAnnotation: "1"}, OwnerReferences: owner}},
	}
	b.rs = &b.replicaSets[0]
	b.pods = []corev1.Pod{
		*diagnosetest.Pod("todo-backend-1-x", b.rs, status),
		*diagnosetest.Pod("todo-backend-0-x", &b.replicaSets[1], diagnosetest.Looping(9, "Error", 50)), // of the old revision, which is never a cause
	}
	b.pod = &b.pods[0]
	return b
}

func (b *broken) diagnosis() []finding {
	t := newTracker()
	t.baseline["pod/backend"] = 0
	return b.diagnose(b.Workloads([]string{"deployment/todo-backend"}), t.restarts)
}

func TestCauseNamesTheProblemOfAPod(t *testing.T) {
	tests := map[string]struct {
		status  corev1.ContainerStatus
		change  func(*broken)
		kind    Kind
		message string
		grace   time.Duration
	}{
		"image not found": {
			status: diagnosetest.Waiting("ErrImagePull", "rpc error: localhost:5000/backend:\n not found"),
			kind:   KindImagePull, grace: pullGrace,
			message: `container "backend" cannot pull image "localhost:5000/backend@sha256:aaa": rpc error: localhost:5000/backend: not found`,
		},
		"back-off with the message of the registry": {
			status: diagnosetest.Waiting("ImagePullBackOff", `Back-off pulling image "x": ErrImagePull: 401 Unauthorized`),
			kind:   KindImagePull, grace: pullGrace,
			message: `container "backend" cannot pull image "localhost:5000/backend@sha256:aaa": 401 Unauthorized`,
		},
		"back-off whose event has the message of the registry": {
			status: diagnosetest.Waiting("ImagePullBackOff", `Back-off pulling image "x"`),
			change: func(b *broken) {
				b.events = append(b.events, *diagnosetest.Warning(diagnosetest.PodUID, "Failed", `Failed to pull image "x": connection refused`))
			},
			kind: KindImagePull, grace: pullGrace,
			message: `container "backend" cannot pull image "localhost:5000/backend@sha256:aaa": Failed to pull image "x": connection refused`,
		},
		"invalid image name": {
			status: diagnosetest.Waiting("InvalidImageName", "couldn't parse image name"), kind: KindImagePull, grace: atOnce,
			message: `container "backend" cannot pull image "localhost:5000/backend@sha256:aaa": couldn't parse image name`,
		},
		"missing Secret": {
			status: diagnosetest.Waiting("CreateContainerConfigError", `secret "todo-credentials" not found`), kind: KindConfig, grace: configGrace,
			message: `container "backend" cannot be created: secret "todo-credentials" not found`,
		},
		"missing Secret of a volume": {
			status: diagnosetest.Waiting("ContainerCreating", ""),
			change: func(b *broken) {
				b.events = append(b.events, *diagnosetest.Warning(diagnosetest.PodUID, "FailedMount", `MountVolume.SetUp failed: secret "x" not found`))
			},
			kind: KindConfig, grace: configGrace, message: `MountVolume.SetUp failed: secret "x" not found`,
		},
		"one exit": {
			status: diagnosetest.Exited(1, "Error"), kind: KindCrash, grace: atTheEnd, message: `container "backend" exits with code 1`,
		},
		"crash loop": {
			status: diagnosetest.Looping(3, "Error", 2), kind: KindCrash, grace: crashLoopGrace, message: `container "backend" exits with code 3 (2 restarts)`,
		},
		"several exits": {
			status: diagnosetest.Looping(3, "Error", 3), kind: KindCrash, grace: atOnce, message: `container "backend" exits with code 3 (3 restarts)`,
		},
		"several exits before it runs again": {
			status: func() corev1.ContainerStatus {
				c := diagnosetest.Running()
				c.RestartCount, c.LastTerminationState = 4, diagnosetest.Looping(137, "OOMKilled", 4).LastTerminationState
				return c
			}(),
			change: func(b *broken) {
				b.pod.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("128Mi")}
			},
			kind: KindCrash, grace: atOnce, message: `container "backend" was killed: out of memory (OOMKilled, limit 128Mi) (4 restarts)`,
		},
		"container killed by its liveness probe": {
			status: diagnosetest.Looping(137, "Error", 3),
			change: func(b *broken) {
				b.events = append(b.events, *diagnosetest.Warning(diagnosetest.PodUID, "Unhealthy", "Liveness probe failed: refused"))
			},
			kind: KindCrash, grace: atOnce, message: `container "backend" exits with code 137 (3 restarts), killed after Liveness probe failed: refused`,
		},
		"failing init container": {
			status: diagnosetest.Waiting("PodInitializing", ""),
			change: func(b *broken) {
				init := diagnosetest.Looping(1, "Error", 3)
				init.Name = "migrate"
				b.pod.Status.InitContainerStatuses = []corev1.ContainerStatus{init}
				b.pod.Spec.InitContainers = []corev1.Container{{Name: "migrate"}}
			},
			kind: KindInit, grace: crashLoopGrace, message: `container "migrate" exits with code 1`,
		},
		"init container that does not end": {
			status: diagnosetest.Waiting("PodInitializing", ""),
			change: func(b *broken) {
				init := diagnosetest.Running()
				init.Name = "migrate"
				b.pod.Status.InitContainerStatuses = []corev1.ContainerStatus{init}
				b.pod.Spec.InitContainers = []corev1.Container{{Name: "migrate"}}
			},
			kind: KindInit, grace: atTheEnd, message: `container "migrate" has not finished`,
		},
		"unschedulable pod": {
			status: corev1.ContainerStatus{},
			change: func(b *broken) { b.unscheduled("0/1 nodes are available: 1 Insufficient cpu.") },
			kind:   KindUnschedulable, grace: scheduleGrace, message: "its pod cannot be scheduled: 0/1 nodes are available: 1 Insufficient cpu.",
		},
		"unschedulable pod whose claim only waits": {
			status: corev1.ContainerStatus{},
			change: func(b *broken) {
				b.claimed(corev1.ClaimPending)
				b.unscheduled("0/1 nodes are available: 1 Insufficient cpu.")
			},
			kind: KindUnschedulable, grace: scheduleGrace, message: "its pod cannot be scheduled: 0/1 nodes are available: 1 Insufficient cpu.",
		},
		"exceeded quota": {
			status: corev1.ContainerStatus{},
			change: func(b *broken) {
				b.pods = nil
				b.rs.Status.Conditions = []appsv1.ReplicaSetCondition{{
					Type: appsv1.ReplicaSetReplicaFailure, Status: corev1.ConditionTrue, Message: `pods "x" is forbidden: exceeded quota: small`}}
			},
			kind: KindQuota, grace: createGrace, message: `its pods cannot be created: pods "x" is forbidden: exceeded quota: small`,
		},
		"claim that cannot be provisioned": {
			status: corev1.ContainerStatus{},
			change: func(b *broken) {
				b.claimed(corev1.ClaimPending)
				b.unscheduled("pod has unbound immediate PersistentVolumeClaims")
				b.events = append(b.events, *diagnosetest.Warning("claim", "ProvisioningFailed", `storageclass "fast" not found`))
			},
			kind: KindVolume, grace: volumeGrace, message: `volume claim "data" is not bound: storageclass "fast" not found`,
		},
		"pending claim without an event": {
			status: corev1.ContainerStatus{}, change: func(b *broken) { b.claimed(corev1.ClaimPending) },
			kind: KindVolume, grace: atTheEnd, message: `volume claim "data" is not bound`,
		},
		"lost claim": {
			status: corev1.ContainerStatus{}, change: func(b *broken) { b.claimed(corev1.ClaimLost) },
			kind: KindVolume, grace: atOnce, message: `volume claim "data" lost its volume`,
		},
		"evicted pod": {
			status: corev1.ContainerStatus{},
			change: func(b *broken) {
				b.pod.Status = corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", Message: "low on resource: memory"}
			},
			kind: KindEvicted, grace: atTheEnd, message: "pod failed: Evicted: low on resource: memory",
		},
		"failing readiness probe": {
			status: diagnosetest.Running(),
			change: func(b *broken) {
				b.events = append(b.events, *diagnosetest.Warning(diagnosetest.PodUID, "Unhealthy", "Readiness probe failed: 503"))
			},
			kind: KindProbe, grace: atTheEnd, message: `container "backend" runs but is not ready: Readiness probe failed: 503`,
		},
		"no visible reason": {
			status: diagnosetest.Waiting("ContainerCreating", ""), kind: KindTimeout, grace: atTheEnd, message: "has 0 of 1 replicas ready",
		},
		"deleted Deployment": {
			status: diagnosetest.Running(), change: func(b *broken) { b.deployments = nil },
			kind: KindTimeout, grace: atTheEnd, message: "is missing",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBroken(test.status)
			if test.change != nil {
				test.change(b)
			}
			found := b.diagnosis()
			require.Len(t, found, 1)
			assert.Equal(t, test.kind, found[0].Kind)
			assert.Equal(t, test.grace, found[0].grace)
			assert.Equal(t, "deployment/todo-backend: "+test.message, found[0].String())
		})
	}
}

func (b *broken) unscheduled(message string) {
	b.pod.Status.ContainerStatuses = nil
	b.pod.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: message}}
}

func (b *broken) claimed(phase corev1.PersistentVolumeClaimPhase) {
	b.pod.Status.ContainerStatuses = nil
	b.pod.Spec.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}}}
	b.claims = []corev1.PersistentVolumeClaim{{
		ObjectMeta: metav1.ObjectMeta{Name: "data", UID: "claim"}, Status: corev1.PersistentVolumeClaimStatus{Phase: phase}}}
}

func TestRestartsBeforeTheWaitDoNotCount(t *testing.T) {
	c := diagnosetest.Running()
	c.RestartCount = 12
	b := newBroken(c)
	tracker := newTracker()
	found := b.diagnose(b.Workloads([]string{"deployment/todo-backend"}), tracker.restarts)
	require.Len(t, found, 1)
	assert.Equal(t, KindProbe, found[0].Kind)
	b.pod.Status.ContainerStatuses[0].RestartCount = 15
	found = b.diagnose(b.Workloads([]string{"deployment/todo-backend"}), tracker.restarts)
	assert.Equal(t, KindCrash, found[0].Kind)
	assert.Equal(t, atOnce, found[0].grace)
}

func TestStatefulSetThatCannotCreatePodsHasACause(t *testing.T) {
	s := &Snapshot{statefulSets: []appsv1.StatefulSet{{ObjectMeta: metav1.ObjectMeta{Name: "todo-postgresql", UID: "set"}}}}
	s.events = []corev1.Event{*diagnosetest.Warning("set", "FailedCreate", "create Pod failed: exceeded quota")}
	found := s.diagnose(s.Workloads([]string{"statefulset/todo-postgresql"}), newTracker().restarts)
	require.Len(t, found, 1)
	assert.Equal(t, KindQuota, found[0].Kind)
	s.events = append(s.events, *diagnosetest.Warning("set", "SuccessfulCreate", ""))
	found = s.diagnose(s.Workloads([]string{"statefulset/todo-postgresql"}), newTracker().restarts)
	assert.Equal(t, KindTimeout, found[0].Kind, "the last pod was created")
}

func TestReplicasWithTheSameProblemAreOneCause(t *testing.T) {
	b := newBroken(diagnosetest.Looping(1, "Error", 3))
	second := *diagnosetest.Pod("todo-backend-1-y", b.rs, diagnosetest.Looping(1, "Error", 3))
	b.pods = append(b.pods, second)
	b.statefulSets = []appsv1.StatefulSet{{ObjectMeta: metav1.ObjectMeta{Name: "todo-postgresql", UID: "set"}}}
	pull := *diagnosetest.Pod("todo-postgresql-0", &b.statefulSets[0], diagnosetest.Waiting("ErrImagePull", "not found"))
	b.pods = append(b.pods, pull)
	tracker := newTracker()
	found := b.diagnose(b.Workloads([]string{"deployment/todo-backend", "statefulset/todo-postgresql"}), tracker.restarts)
	require.Len(t, found, 2)
	assert.Equal(t, "statefulset/todo-postgresql", found[0].Object)
	assert.Equal(t, "deployment/todo-backend", found[1].Object)
}

func TestFindingEndsTheWaitAfterItsGrace(t *testing.T) {
	start := time.Now()
	f := []finding{{key: "x", grace: 10 * time.Second}}
	tracker := newTracker()
	assert.False(t, tracker.final(f, start))
	assert.False(t, tracker.final(f, start.Add(findingGap)))
	assert.False(t, tracker.final(f, start.Add(findingGap+findingGap)))
	assert.False(t, tracker.final(f, start.Add(9*time.Second)))
	assert.True(t, tracker.final(f, start.Add(10*time.Second)))
	assert.False(t, tracker.final(f, start.Add(20*time.Second)), "it disappeared in between, so that its grace starts again")
	assert.True(t, tracker.final([]finding{{key: "y"}}, start), "at once")
	assert.False(t, tracker.final([]finding{{key: "z", grace: atTheEnd}}, start.Add(time.Hour)))
}

func TestFailureIsOneLineAndDetailsHaveTheRest(t *testing.T) {
	f := &Failure{Release: "todo", Revision: 3, TimedOut: time.Minute, Causes: []Cause{
		{Kind: KindCrash, Object: "deployment/a", Pod: "a-1", Container: "c", Message: "exits with code 1",
			Logs: []string{"starting", "KeyError: 'X'", "", logMark + "restarted"}, Events: []string{"Warning BackOff pod/a-1: Back-off"}},
		{Kind: KindTimeout, Object: "deployment/b", Message: "has 0 of 1 replicas ready"},
	}}
	assert.Equal(t, `deployment/a: container "c" exits with code 1: KeyError: 'X' (and 1 more) (not ready within 1m0s)`, f.Error())
	for _, part := range []string{"revision 3", "pod a-1", "event: Warning BackOff", "| starting", "deployment/b: has 0 of 1"} {
		assert.Contains(t, f.Details(), part)
	}
}
