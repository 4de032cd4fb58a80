package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
)

func TestNotReadyNamesMissingParts(t *testing.T) {
	now := time.Now()
	node := func(ready corev1.ConditionStatus) *corev1.Node {
		return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}, Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{
			{Type: corev1.NodeReady, Status: ready, Reason: "KubeletNotReady", Message: "cni plugin not initialized"}}}}
	}
	lease := func(at time.Time) *coordinationv1.Lease {
		renewed := metav1.NewMicroTime(at)
		return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "n", Namespace: "kube-node-lease"}, Spec: coordinationv1.LeaseSpec{RenewTime: &renewed}}
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: "default"}}
	class := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "standard", Annotations: map[string]string{defaultClassKey: "true"}}}
	other := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "slow"}}
	dns := func(change func(*corev1.Pod)) *corev1.Pod {
		pod := readyPod("coredns-1", now)
		if change != nil {
			change(pod)
		}
		return pod
	}
	for name, c := range map[string]struct {
		objects []runtime.Object
		since   time.Time
		want    []string
	}{
		"all there":                        {[]runtime.Object{node("True"), dns(nil), account, class}, time.Time{}, nil},
		"all reported since the restart":   {[]runtime.Object{node("True"), lease(now), dns(nil), account, class}, now.Add(-time.Second), nil},
		"nothing there":                    {nil, time.Time{}, []string{"no node has registered", "CoreDNS has no pod", "default service account", "no default storage class"}},
		"node not ready":                   {[]runtime.Object{node("False"), dns(nil), account, class}, time.Time{}, []string{"cni plugin not initialized"}},
		"node silent since the restart":    {[]runtime.Object{node("True"), lease(now.Add(-time.Hour)), dns(nil), account, class}, now.Add(-time.Second), []string{"has not reported since its restart"}},
		"node without a lease":             {[]runtime.Object{node("True"), dns(nil), account, class}, now.Add(-time.Second), []string{"has not reported since its restart"}},
		"DNS pod from before the restart":  {[]runtime.Object{node("True"), lease(now.Add(time.Minute)), dns(nil), account, class}, now.Add(30 * time.Second), []string{"has not started again"}},
		"DNS pod that waits for its image": {[]runtime.Object{node("True"), account, class, dns(func(p *corev1.Pod) { p.Status.ContainerStatuses[0].State = waiting("ErrImagePull") })}, time.Time{}, []string{"ErrImagePull"}},
		"DNS pod going away": {[]runtime.Object{node("True"), account, class, dns(func(p *corev1.Pod) {
			gone := metav1.NewTime(now)
			p.DeletionTimestamp, p.Finalizers = &gone, []string{"x"}
		})}, time.Time{}, []string{"is not ready"}},
		"storage class that is not the default": {[]runtime.Object{node("True"), dns(nil), account, other}, time.Time{}, []string{"no default storage class"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := notReady(t.Context(), fake.NewClientset(c.objects...), c.since, complete)
			require.Len(t, got, len(c.want), "%q", got)
			for i, part := range c.want {
				assert.Contains(t, got[i], part)
			}
		})
	}
}

func TestWaitReadyNamesAllMissingPartsAtItsBound(t *testing.T) {
	var said []string
	err := waitReady(t.Context(), fake.NewClientset(), time.Time{}, 300*time.Millisecond, complete, func(format string, args ...any) { said = append(said, format) })
	require.ErrorContains(t, err, "no node has registered; CoreDNS has no pod yet")
	assert.NotEmpty(t, said)
	assert.True(t, strings.HasPrefix(err.Error(), "wait for the cluster to be ready: after 300ms"))
}

func waiting(reason string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
}

func TestPodReportFromBeforeRestartIsStale(t *testing.T) {
	restart := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	pod := func(name string, ready bool, started time.Time) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "todo-dev", Name: name}, Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{
			{Ready: ready, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(started)}}},
		}}}
	}
	client := fake.NewClientset(pod("before", true, restart.Add(-time.Hour)), pod("after", true, restart.Add(time.Second)), pod("known-down", false, restart.Add(-time.Hour)))
	words, err := podsStale(t.Context(), client, restart)
	require.NoError(t, err)
	require.Len(t, words, 1)
	assert.Contains(t, words[0], "todo-dev/before")

	words, err = podsStale(t.Context(), client, time.Time{})
	require.NoError(t, err)
	assert.Empty(t, words, "without a restart no report is stale")
}

func TestWorkloadStatusFromBeforeRestartIsStale(t *testing.T) {
	deployment := func(ready int32) *appsv1.Deployment {
		return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "todo-dev", Name: "todo-backend"},
			Spec:   appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "backend"}}},
			Status: appsv1.DeploymentStatus{ReadyReplicas: ready}}
	}
	pod := func(ready corev1.ConditionStatus) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "todo-dev", Name: "todo-backend-1", Labels: map[string]string{"app": "backend"}},
			Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}}}
	}
	for name, c := range map[string]struct {
		objects []runtime.Object
		stale   int
	}{
		"counts a pod that is not ready": {[]runtime.Object{deployment(1), pod(corev1.ConditionFalse)}, 1},
		"counts a missing pod":           {[]runtime.Object{deployment(1)}, 1},
		"counts a ready pod":             {[]runtime.Object{deployment(1), pod(corev1.ConditionTrue)}, 0},
		"counts no pod":                  {[]runtime.Object{deployment(0), pod(corev1.ConditionFalse)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			words, err := workloadsStale(t.Context(), fake.NewClientset(c.objects...), time.Now())
			require.NoError(t, err)
			assert.Len(t, words, c.stale)
			words, err = workloadsStale(t.Context(), fake.NewClientset(c.objects...), time.Time{})
			require.NoError(t, err)
			assert.Empty(t, words, "without a restart no report is stale")
		})
	}
}
