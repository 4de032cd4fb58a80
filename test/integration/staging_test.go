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
	// patience is how long a person waits for a page: a machine with two processors
	// is slow for seconds while it builds and starts a new release.
	patience = 30 * time.Second
)

// staging is updated with a backup, rolled back, and loses a pod of each component,
// while people send fifty requests a second. Every answer must be right.
func (f *fixture) staging(t *testing.T) {
	result := f.mage(t, "deploy:staging")
	require.Zero(t, result.Code, result.Stderr)
	served := f.newest(t, "staging")
	assert.Equal(t, []string{f.address("staging")}, result.Lines("url"))
	assert.NotContains(t, result.Stderr, "built", "dev and staging have the same images")
	f.restricted(t)
	f.policies(t)
	someone := hurried(f.address("staging"))
	require.NoError(t, someone.SignUp(t.Context()))

	require.NoError(t, f.Append(backendFile, "\nSTAGING = 1\n"))
	calm := asks(t, someone)
	result = f.mage(t, "deploy:staging")
	require.Zero(t, result.Code, result.Stderr)
	assert.Equal(t, []string{fmt.Sprintf("%d new", served+1)}, result.Lines("revision"))
	calm("while it was updated")

	calm = asks(t, someone)
	result = f.mage(t, "release:rollback", "-env=staging")
	require.Zero(t, result.Code, result.Stderr)
	calm("while it was rolled back")

	calm = asks(t, someone)
	for _, component := range []string{"backend", "frontend"} {
		f.evict(t, component)
	}
	calm("while pods were evicted")
	f.fails(t, failingHook)
	assert.Equal(t, []string{"passed"}, f.deploy(t).Lines("verdict"), "dev is unchanged")
}

// restricted requires that the namespace refuses a pod without a security context.
func (f *fixture) restricted(t *testing.T) {
	t.Helper()
	pods := f.client(t).CoreV1().Pods(stagingNamespace)
	plain := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "plain"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "plain", Image: "localhost:5000/todo-chatbot/backend"}}},
	}
	_, err := pods.Create(t.Context(), plain, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	require.Error(t, err)
	assert.True(t, apierrors.IsForbidden(err), err)
	assert.Contains(t, err.Error(), `violates PodSecurity "restricted:latest"`)
}

// evict evicts one pod, as a drain does, within the disruption budget, and waits
// until another one is ready.
func (f *fixture) evict(t *testing.T, component string) {
	t.Helper()
	api := f.client(t)
	pods, err := api.CoreV1().Pods(stagingNamespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=" + component})
	require.NoError(t, err)
	// Pods of the release before may still be terminating.
	serving := slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
	require.Equal(t, 2, len(serving), component)
	gone := serving[0].Name
	require.NoError(t, api.PolicyV1().Evictions(stagingNamespace).Evict(t.Context(), &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: gone, Namespace: stagingNamespace}}))
	eventually(t, 2*time.Minute, func(ctx context.Context) error {
		if _, err := api.CoreV1().Pods(stagingNamespace).Get(ctx, gone, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return fmt.Errorf("pod %s still exists (%w)", gone, err)
		}
		deployment, err := api.AppsV1().Deployments(stagingNamespace).Get(ctx, "todo-"+component, metav1.GetOptions{})
		if err == nil && deployment.Status.ReadyReplicas != 2 {
			err = fmt.Errorf("the %s has %d ready replicas of 2", component, deployment.Status.ReadyReplicas)
		}
		return err
	})
}

// hurried returns a person who sends many requests at once.
func hurried(base string) *person.Person {
	return person.New(base, "hurried", &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: perSecond}})
}

// asks starts to send perSecond requests a second: one in ten for a page, which costs
// the frontend 12 ms of the 0.3 processors that it may use, the others for the list
// of todos, which needs every component. The returned function ends that and requires
// that every answer was right.
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
	// A signed-in person would be redirected from the sign-in page, with one more request.
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
