package diagnose

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"

	"todo-chatbot/mage/diagnose/diagnosetest"
	"todo-chatbot/mage/kube"
)

// namedWithin bounds the time from the first sign that a deploy cannot succeed until
// its cause is reported.
const namedWithin = 20 * time.Second

// ways are the ways in which a deploy fails, each with the objects of Kubernetes
// 1.36 over time. The seconds of a frame count from the first sign.
var ways = []struct {
	name   string
	frames []frame
	bound  time.Duration // of the deploy, if only the bound ends the wait
	kind   Kind
	says   string
}{
	{
		name: "image tag not found",
		frames: []frame{
			{0, backendPod(initPull("ErrImagePull", notFound(wrongTag)), "")},
			{1, backendPod(initPull("ImagePullBackOff", `Back-off pulling image "`+wrongTag+`": ErrImagePull: `+notFound(wrongTag)), "")},
		},
		kind: KindImagePull,
		says: `deployment/todo-backend: container "migrate" cannot pull image "` + wrongTag + `": ` + notFound(wrongTag),
	},
	{
		name: "image digest not found",
		frames: []frame{
			{0, backendPod(initPull("ErrImagePull", notFound(wrongDigest)), "")},
			{1, backendPod(initPull("ImagePullBackOff", `Back-off pulling image "`+wrongDigest+`": ErrImagePull: `+notFound(wrongDigest)), "")},
			{14, backendPod(initPull("ErrImagePull", notFound(wrongDigest)), "")},
		},
		kind: KindImagePull,
		says: `deployment/todo-backend: container "migrate" cannot pull image "` + wrongDigest + `": ` + notFound(wrongDigest),
	},
	{
		name: "crash at start",
		frames: []frame{
			{0, backendPod(migrated, containerEnded(0))},
			{1, backendPod(migrated, containerRuns(1, "false"))},
			{3, backendPod(migrated, containerLoops(1))},
			{13, backendPod(migrated, containerRuns(2, "false"))},
			{17, backendPod(migrated, containerLoops(2))}, // its start takes longer than findingGap
		},
		kind: KindCrash,
		says: `deployment/todo-backend: container "backend" exits with code 1 (2 restarts): fake logs`,
	},
	{
		name:   "failing readiness probe",
		frames: []frame{{0, backendPod(migrated, containerRuns(0, "true")) + unhealthy("Readiness probe failed: HTTP probe failed with statuscode: 503")}},
		bound:  30 * time.Second,
		kind:   KindProbe,
		says:   `deployment/todo-backend: container "backend" runs but is not ready: Readiness probe failed: HTTP probe failed with statuscode: 503 (not ready within 30s)`,
	},
	{
		name:   "Secret not found",
		frames: []frame{{0, backendPod(initWaits("CreateContainerConfigError", `secret "nowhere" not found`), "")}},
		kind:   KindConfig,
		says:   `deployment/todo-backend: container "migrate" cannot be created: secret "nowhere" not found`,
	},
	{
		name: "Secret of a volume not found",
		frames: []frame{{0, backendPod(initWaits("PodInitializing", ""), "") +
			event("Pod", "todo-backend-6d5f-x2x9k", "Warning", "FailedMount", `MountVolume.SetUp failed for volume "password" : secret "nowhere" not found`)}},
		kind: KindConfig,
		says: `deployment/todo-backend: MountVolume.SetUp failed for volume "password" : secret "nowhere" not found`,
	},
	{
		name:   "unschedulable pod",
		frames: []frame{{0, unscheduledPod}},
		kind:   KindUnschedulable,
		says: `deployment/todo-backend: its pod cannot be scheduled: 0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, ` +
			`preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.`,
	},
	{
		name:   "exceeded quota",
		frames: []frame{{0, overQuota}},
		kind:   KindQuota,
		says: `deployment/todo-backend: its pods cannot be created: pods "todo-backend-6d5f-tq7mp" is forbidden: exceeded quota: small, ` +
			`requested: requests.cpu=200m, used: requests.cpu=450m, limited: requests.cpu=500m`,
	},
	{
		name: "failing migration",
		frames: []frame{
			{0, backendPod(initEnded(0), "")},
			{1, backendPod(initRuns(1), "")},
			{3, backendPod(initLoops(1), "")},
			{13, backendPod(initRuns(2), "")},
			{17, backendPod(initLoops(2), "")},
		},
		kind: KindInit,
		says: `deployment/todo-backend: container "migrate" exits with code 1 (2 restarts): fake logs`,
	},
	{
		name:   "failing hook",
		frames: []frame{{0, hookPod(`terminated: {exitCode: 1, reason: Error, containerID: "containerd://a1"}`) + hookFailed}},
		kind:   KindCrash,
		says:   `pre-upgrade hook job/todo-postgresql-backup: container "backup" exits with code 1: fake logs`,
	},
	{
		name:   "failing hook whose pod was deleted",
		frames: []frame{{0, hookFailed}},
		kind:   KindHook,
		says:   `pre-upgrade hook job/todo-postgresql-backup: failed: BackoffLimitExceeded: Job has reached the specified backoff limit`,
	},
	{
		name:   "hook with an image that is not found",
		frames: []frame{{0, hookPod(`waiting: {reason: ImagePullBackOff, message: 'Back-off pulling image "x": ErrImagePull: `+notFound("x")+`'}`) + hookRuns}},
		kind:   KindImagePull,
		says:   `pre-upgrade hook job/todo-postgresql-backup: container "backup" cannot pull image "x": ` + notFound("x"),
	},
	{
		name:   "start that takes longer than the deploy",
		frames: []frame{{0, backendPod(migrated, containerRuns(0, "false")) + unhealthy(refusedProbe)}},
		bound:  30 * time.Second,
		kind:   KindProbe,
		says:   `deployment/todo-backend: container "backend" runs but has not started: ` + refusedProbe + ` (not ready within 30s)`,
	},
	{
		name: "start that takes longer than its probe allows",
		frames: []frame{
			{0, backendPod(migrated, containerKilled) + unhealthy(refusedProbe)},
			{10, backendPod(migrated, containerRuns(2, "false")) + unhealthy(refusedProbe)},
		},
		bound: 50 * time.Second,
		kind:  KindCrash,
		says: `deployment/todo-backend: container "backend" exits with code 137 (2 restarts), killed because it did not start within 1m0s: ` +
			refusedProbe + `: fake logs (not ready within 50s)`,
	},
}

func TestEveryFailureIsReportedInTime(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			tracker := newTracker()
			tracker.baseline["pod-1/backend"], tracker.baseline["pod-1/migrate"] = 0, 0
			w := NewWatcher(fake.NewClientset(), testNamespace)
			limit := max(way.bound, namedWithin)
			var found []finding
			began := time.Now()
			passed, ended := time.Duration(0), false
			for ; passed <= limit && !ended; passed += 250 * time.Millisecond {
				found = way.frames[0].diagnosis(t, tracker)
				for _, f := range way.frames[1:] {
					if passed >= time.Duration(f.second)*time.Second {
						found = f.diagnosis(t, tracker)
					}
				}
				ended = tracker.final(found, began.Add(passed))
			}
			require.Equal(t, way.bound == 0, ended, "whether the wait ends by itself: %+v", found)
			w.found = found
			failure := w.Failure(context.Background())
			failure.TimedOut = way.bound
			assert.Equal(t, way.kind, failure.Causes[0].Kind)
			assert.EqualError(t, failure, way.says)
		})
	}
}

func TestWorkloadThatWaitsForAnotherIsReportedAfterIt(t *testing.T) {
	waits := frame{0, backendPod(initRuns(0), "")}
	s, _ := waits.snapshot(t)
	s.statefulSets = []appsv1.StatefulSet{{}}
	s.statefulSets[0].Name, s.statefulSets[0].UID = "todo-postgresql", "set"
	database := diagnosetest.Pod("todo-postgresql-0", &s.statefulSets[0], diagnosetest.Running())
	database.UID, database.Status.ContainerStatuses[0].Name = "pod-2", "postgresql"
	s.pods = append(s.pods, *database)
	found := s.diagnose(s.Workloads([]string{"deployment/todo-backend", "statefulset/todo-postgresql"}), newTracker().restarts)
	require.Len(t, found, 2)
	assert.Equal(t, `statefulset/todo-postgresql: container "postgresql" runs but is not ready`, found[0].String())
	assert.Equal(t, `deployment/todo-backend: container "migrate" has not finished`, found[1].String())
}

func TestUnschedulablePodWaitsWhilePodsEnd(t *testing.T) {
	f := frame{0, unscheduledPod + "---\n" + strings.Replace(strings.ReplaceAll(backendPod(migrated, containerRuns(0, "true")), "todo-backend-6d5f-x2x9k", "todo-frontend-5c4b-ending"),
		"uid: pod-1", "uid: pod-3\n  deletionTimestamp: 2026-11-23T05:00:00Z", 1)}
	assert.Equal(t, atTheEnd, f.diagnosis(t, newTracker())[0].grace)
}

// frame has the objects of the namespace from a second on.
type frame struct {
	second  int
	objects string // YAML documents
}

func (f frame) snapshot(t *testing.T) (s *Snapshot, job *batchv1.Job) {
	t.Helper()
	s = &Snapshot{}
	for _, doc := range strings.Split(deployed+"---\n"+f.objects, "---\n") {
		if strings.TrimSpace(doc) == "" {
			continue
		}
		obj, _, err := scheme.Codecs.UniversalDeserializer().Decode([]byte(doc), nil, nil)
		require.NoError(t, err, doc)
		switch o := obj.(type) {
		case *appsv1.Deployment:
			s.deployments = []appsv1.Deployment{*o}
		case *appsv1.ReplicaSet:
			s.replicaSets = []appsv1.ReplicaSet{*o}
		case *corev1.Pod:
			s.pods = append(s.pods, *o)
		case *corev1.Event:
			s.events = append(s.events, *o)
		case *batchv1.Job:
			job = o
		}
	}
	return s, job
}

func (f frame) diagnosis(t *testing.T, tracker *tracker) []finding {
	s, job := f.snapshot(t)
	if job == nil {
		return s.diagnose(s.Workloads([]string{"deployment/todo-backend"}), tracker.restarts)
	}
	found := s.hook(job, tracker.restarts)
	if kube.JobEnd(job) != nil {
		for i := range found {
			found[i].grace = atOnce // Helm reports the failure
		}
	}
	return found
}
