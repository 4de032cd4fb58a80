package release

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
)

// podAPI serves pods and two lines for each log. A followed log stays open.
type podAPI struct {
	mu       sync.Mutex
	pods     []corev1.Pod
	selector string
}

func (a *podAPI) set(pods ...corev1.Pod) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pods = pods
}

func (a *podAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if pod, ok := strings.CutPrefix(r.URL.Path, "/api/v1/namespaces/todo-dev/pods/"); ok {
		fmt.Fprintf(w, "one of %s\ntwo of %s", strings.TrimSuffix(pod, "/log"), r.URL.Query().Get("container"))
		if r.URL.Query().Get("follow") == "true" {
			fmt.Fprintln(w)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.selector = r.URL.Query().Get("labelSelector")
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}, Items: a.pods})
}

// lockedBuffer can be read while another goroutine writes.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func newPodLogs(t *testing.T, api *podAPI) (logs *podLogs, out, notes *lockedBuffer) {
	t.Helper()
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	clients, err := kube.Connect(&rest.Config{Host: server.URL})
	require.NoError(t, err)
	out, notes = &lockedBuffer{}, &lockedBuffer{}
	return &podLogs{
		pods: clients.Clientset.CoreV1().Pods("todo-dev"), selector: "app.kubernetes.io/instance=todo", release: "todo", out: out,
		progress: progress.New(notes, progress.Options{}), seen: map[string]bool{}, every: 10 * time.Millisecond,
	}, out, notes
}

func readyPod(name string) corev1.Pod   { return followedPod(name, corev1.ConditionTrue) }
func unreadyPod(name string) corev1.Pod { return followedPod(name, corev1.ConditionFalse) }

// followedPod returns a running pod with an init container.
func followedPod(name string, status corev1.ConditionStatus) corev1.Pod {
	started := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)},
		Spec: corev1.PodSpec{
			InitContainers: []corev1.Container{{Name: "migrate"}}, Containers: []corev1.Container{{Name: "backend"}},
		},
		Status: corev1.PodStatus{
			Conditions:            []corev1.PodCondition{{Type: corev1.PodReady, Status: status}},
			InitContainerStatuses: []corev1.ContainerStatus{{Name: "migrate", ContainerID: "c1", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}}},
			ContainerStatuses:     []corev1.ContainerStatus{{Name: "backend", ContainerID: "c2", State: started}},
		},
	}
}

func TestLogsWritesOnePodAfterTheOtherWithShortNames(t *testing.T) {
	api := &podAPI{}
	api.set(readyPod("todo-backend-b"), readyPod("todo-backend-a"))
	logs, out, _ := newPodLogs(t, api)

	require.NoError(t, logs.all(t.Context()))

	assert.Equal(t, `backend-a | one of todo-backend-a
backend-a | two of backend
backend-b | one of todo-backend-b
backend-b | two of backend
`, out.String())
	assert.Equal(t, "app.kubernetes.io/instance=todo", api.selector)
}

func TestLogsOfReleaseWithoutPodsIsAnError(t *testing.T) {
	logs, _, _ := newPodLogs(t, &podAPI{})
	assert.ErrorIs(t, logs.all(t.Context()), ErrNoPods)
}

func TestPodStreamsNameContainersAndReasonsWithoutLog(t *testing.T) {
	waiting := unreadyPod("todo-backend-a")
	waiting.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}}
	crashed := unreadyPod("todo-backend-a")
	crashed.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
	crashed.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{}
	double := readyPod("todo-backend-a")
	double.Spec.Containers = append(double.Spec.Containers, corev1.Container{Name: "proxy"})

	for name, test := range map[string]struct {
		pod  corev1.Pod
		want []string
	}{
		"init containers of ready pod are left out":          {readyPod("todo-backend-a"), []string{"backend-a:"}},
		"init containers of unready pod come first":          {unreadyPod("todo-backend-a"), []string{"backend-a/migrate:", "backend-a:"}},
		"container that never ran has a reason":              {waiting, []string{"backend-a/migrate:", "backend-a:ImagePullBackOff"}},
		"container that waits for restart has its last log":  {crashed, []string{"backend-a/migrate:", "backend-a:"}},
		"several containers are named in the prefix":         {double, []string{"backend-a/backend:", "backend-a/proxy:not started"}},
		"pod name without the release name is not shortened": {readyPod("other-a"), []string{"other-a:"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range podStreams(test.pod, "todo") {
				got = append(got, s.prefix+":"+s.waiting)
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func TestFollowReadsNewPodsAndRestartedContainersOnce(t *testing.T) {
	api := &podAPI{}
	logs, out, notes := newPodLogs(t, api)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- logs.follow(ctx) }()
	lines := func(n int) func() bool { return func() bool { return strings.Count(out.String(), "\n") == n } }

	require.Eventually(t, func() bool { return strings.Contains(notes.String(), "no pod runs yet") }, 5*time.Second, time.Millisecond)
	pod := readyPod("todo-backend-a")
	api.set(pod)
	require.Eventually(t, lines(2), 5*time.Second, time.Millisecond)
	restarted := *pod.DeepCopy()
	restarted.Status.ContainerStatuses[0].ContainerID = "c3"
	api.set(restarted)
	require.Eventually(t, lines(4), 5*time.Second, time.Millisecond)
	api.set(restarted, readyPod("todo-backend-b"))
	require.Eventually(t, lines(6), 5*time.Second, time.Millisecond)
	assert.Contains(t, out.String(), "backend-b | ")
	assert.Never(t, func() bool { return !lines(6)() }, 100*time.Millisecond, 10*time.Millisecond)

	cancel()
	require.NoError(t, <-done)
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestFollowEndsWhenOutputCannotBeWritten(t *testing.T) {
	api := &podAPI{}
	api.set(readyPod("todo-backend-a"))
	logs, _, _ := newPodLogs(t, api)
	logs.out = fullDisk{}
	assert.ErrorContains(t, logs.follow(t.Context()), "no space left")
}

func TestLogOptionsSelectComponentByLabel(t *testing.T) {
	assert.Equal(t, "app.kubernetes.io/instance=todo", LogOptions{}.selector("todo"))
	assert.Equal(t, "app.kubernetes.io/instance=todo,app.kubernetes.io/name=backend", LogOptions{Component: "backend"}.selector("todo"))
}
