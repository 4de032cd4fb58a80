package integration

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"todo-chatbot/test/person"
)

const (
	stagingNamespace = "todo-staging"
	perSecond        = 50
	// patience is a person's with a page: a machine of two processors that makes a
	// new version of itself beside what it serves is slow for seconds.
	patience = 30 * time.Second
)

// staging is what the promises of two replicas are for: while people ask fifty
// times a second, it is updated, with the backup that comes before, rolled back,
// and loses a pod of each component, and every answer is the right one.
func (l *life) staging(t *testing.T) {
	result := l.mage(t, "deploy:staging")
	require.Zero(t, result.Code, result.Stderr)
	assert.Equal(t, []string{l.address("staging")}, result.Lines("url"))
	assert.NotContains(t, result.Stderr, "built", "the same images serve dev and staging")
	l.restricted(t)
	l.policies(t)
	someone := hurried(l.address("staging"))
	require.NoError(t, someone.SignUp(t.Context()))

	require.NoError(t, l.Append(backendFile, "\nSTAGING = 1\n"))
	calm := asks(t, someone)
	result = l.mage(t, "deploy:staging")
	require.Zero(t, result.Code, result.Stderr)
	assert.Equal(t, []string{"2 new"}, result.Lines("revision"))
	calm("while it was updated")

	calm = asks(t, someone)
	result = l.mage(t, "release:rollback", "-env=staging")
	require.Zero(t, result.Code, result.Stderr)
	calm("while it was rolled back")

	calm = asks(t, someone)
	for _, component := range []string{"backend", "frontend"} {
		l.evict(t, component)
	}
	calm("while pods were evicted")
	l.fails(t, failingHook)
	assert.Equal(t, []string{"passed"}, l.deploy(t).Lines("verdict"), "dev was left alone")
}

// restricted asks the namespace for a pod that is not restricted, and is refused.
func (l *life) restricted(t *testing.T) {
	t.Helper()
	pods := l.client(t).CoreV1().Pods(stagingNamespace)
	plain := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "plain"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "plain", Image: "localhost:5000/todo-chatbot/backend"}}},
	}
	_, err := pods.Create(t.Context(), plain, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	require.Error(t, err)
	assert.True(t, apierrors.IsForbidden(err), err)
	assert.Contains(t, err.Error(), `violates PodSecurity "restricted:latest"`)
}

// evict takes one pod as a drain does, which asks the disruption budget, and
// waits until another is ready.
func (l *life) evict(t *testing.T, component string) {
	t.Helper()
	api := l.client(t)
	pods, err := api.CoreV1().Pods(stagingNamespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=" + component})
	require.NoError(t, err)
	// Those of the release before may still be about to end.
	serving := slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
	require.Equal(t, 2, len(serving), component)
	gone := serving[0].Name
	require.NoError(t, api.PolicyV1().Evictions(stagingNamespace).Evict(t.Context(), &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: gone, Namespace: stagingNamespace}}))
	require.Eventually(t, func() bool {
		d, err := api.AppsV1().Deployments(stagingNamespace).Get(t.Context(), "todo-"+component, metav1.GetOptions{})
		_, podErr := api.CoreV1().Pods(stagingNamespace).Get(t.Context(), gone, metav1.GetOptions{})
		return err == nil && podErr != nil && d.Status.ReadyReplicas == 2
	}, 2*time.Minute, time.Second, component)
}

// hurried is somebody who asks much at once, and waits for each answer.
func hurried(base string) *person.Person {
	return person.New(base, "hurried", &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: perSecond}})
}

// asks begins to ask perSecond times a second: one in ten for a page, the others
// for the list of todos, which goes through every component. A page costs the
// frontend 12 ms of a processor, of which it may have 0.3. The returned function ends that and demands that every answer was good.
func asks(t *testing.T, p *person.Person) (calm func(when string)) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var (
		open   sync.WaitGroup
		mu     sync.Mutex
		asked  int
		slow   time.Duration
		failed []string
	)
	began := time.Now()
	one := func(who *person.Person, path string) {
		sent := time.Now()
		_, err := who.Want(context.WithoutCancel(ctx), http.StatusOK, http.MethodGet, path, nil)
		mu.Lock()
		defer mu.Unlock()
		asked++
		slow = max(slow, time.Since(sent))
		if err != nil {
			failed = append(failed, fmt.Sprintf("after %.1fs: %v", time.Since(began).Seconds(), err))
		}
	}
	// Who is signed in is sent on from the page to sign in, which would be a request more.
	stranger := hurried(p.Base)
	open.Go(func() {
		tick := time.NewTicker(time.Second / perSecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				open.Go(func() {
					if i%10 == 0 {
						one(stranger, "/sign-in")
					} else {
						one(p, p.API("tasks"))
					}
				})
			}
		}
	})
	return func(when string) {
		t.Helper()
		stop()
		open.Wait()
		t.Logf("%d requests %s, %d failed; the slowest took %.1f s", asked, when, len(failed), slow.Seconds())
		require.Empty(t, failed, when)
		require.Greater(t, asked, perSecond, when)
	}
}
