package integration

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	assert.Equal(t, []string{"http://127.0.0.1:" + strconv.Itoa(l.Ports["staging"])}, result.Lines("url"))
	assert.NotContains(t, result.Stderr, "built", "the same images serve dev and staging")
	l.restricted(t)
	l.policies(t)
	someone := l.join(t, "staging")

	require.NoError(t, l.Append(backendFile, "\nSTAGING = 1\n"))
	calm := someone.asks(t)
	result = l.mage(t, "deploy:staging")
	require.Zero(t, result.Code, result.Stderr)
	assert.Equal(t, []string{"2 new"}, result.Lines("revision"))
	calm("while it was updated")

	calm = someone.asks(t)
	result = l.mage(t, "release:rollback", "-env=staging")
	require.Zero(t, result.Code, result.Stderr)
	calm("while it was rolled back")

	calm = someone.asks(t)
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
	require.Len(t, pods.Items, 2)
	gone := pods.Items[0].Name
	require.NoError(t, api.PolicyV1().Evictions(stagingNamespace).Evict(t.Context(), &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: gone}}))
	require.Eventually(t, func() bool {
		d, err := api.AppsV1().Deployments(stagingNamespace).Get(t.Context(), "todo-"+component, metav1.GetOptions{})
		_, podErr := api.CoreV1().Pods(stagingNamespace).Get(t.Context(), gone, metav1.GetOptions{})
		return err == nil && podErr != nil && d.Status.ReadyReplicas == 2
	}, 2*time.Minute, time.Second, component)
}

// visitor is somebody with an account in an environment.
type visitor struct {
	base, id, token string
	http            *http.Client
}

// join makes an account.
func (l *life) join(t *testing.T, environment string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	v := &visitor{
		base: "http://127.0.0.1:" + strconv.Itoa(l.Ports[environment]),
		http: &http.Client{Jar: jar, Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: perSecond}},
	}
	account := fmt.Sprintf(`{"name":"Ada","email":"ada-%s@example.com","password":%q}`, strings.ToLower(rand.Text()[:10]), rand.Text())
	_, err = v.ask(t.Context(), http.MethodPost, "/api/auth/sign-up/email", account)
	require.NoError(t, err)
	text, err := v.ask(t.Context(), http.MethodGet, "/api/auth/token", "")
	require.NoError(t, err)
	var given struct {
		Token  string `json:"token"`
		UserID string `json:"user_id"`
	}
	require.NoError(t, json.Unmarshal(text, &given))
	v.id, v.token = given.UserID, given.Token
	return v
}

// ask demands a good answer.
func (v *visitor) ask(ctx context.Context, method, path, body string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, v.base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Origin", v.base)
	request.Header.Set("Content-Type", "application/json")
	if v.token != "" {
		request.Header.Set("Authorization", "Bearer "+v.token)
	}
	response, err := v.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if response.StatusCode/100 != 2 {
		return text, fmt.Errorf("%s %s: %s: %.200s", method, path, response.Status, bytes.TrimSpace(text))
	}
	return text, nil
}

// asks begins to ask perSecond times a second: one in ten for a page, the others
// for the list of todos, which goes through every component. That is as much as
// one frontend of two can serve, within the 0.3 processors that it may have, while
// the other is replaced (measured on a node of 2 processors: 12 ms a page, 4 ms a
// list). The returned function ends that and demands that every answer was good.
func (v *visitor) asks(t *testing.T) (calm func(when string)) {
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
	one := func(who *visitor, path string) {
		sent := time.Now()
		_, err := who.ask(context.WithoutCancel(ctx), http.MethodGet, path, "")
		mu.Lock()
		defer mu.Unlock()
		asked++
		slow = max(slow, time.Since(sent))
		if err != nil {
			failed = append(failed, fmt.Sprintf("after %.1fs: %v", time.Since(began).Seconds(), err))
		}
	}
	// Who is signed in is sent on from the page to sign in, which would be a request more.
	stranger := &visitor{base: v.base, http: &http.Client{Timeout: v.http.Timeout, Transport: v.http.Transport}}
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
						one(v, "/api/"+v.id+"/tasks")
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
