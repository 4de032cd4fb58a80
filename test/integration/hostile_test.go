package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"todo-chatbot/test/person"
)

const (
	// promptly is the longest time of an answer to other people during an attack.
	promptly = time.Second
	// cutOff is the time after which a slow connection must be closed: the documented
	// 30 s, and 10 s for a slow machine.
	cutOff = 40 * time.Second
)

// hostileAttacks are requests of strangers and guests, each bounded in time and count.
var hostileAttacks = []struct {
	name string
	do   func(*testing.T, string)
}{
	{"messages that are slow to parse", hostileMessages},
	{"huge bodies", hugeBodies},
	{"slow connections", slowConnections},
	{"guessed passwords", guessedPasswords},
	{"a hundred sign-ups at once", signUpsAtOnce},
	{"long conversation", longConversation},
	{"flood of readiness requests", readinessFlood},
}

// hostile attacks the deployed application through its public address. During each
// attack the probes and another person's list must answer promptly; no container
// may restart.
func (f *fixture) hostile(t *testing.T) {
	f.deploy(t)
	base := f.address("dev")
	victim := hurried(base)
	require.NoError(t, victim.SignUp(t.Context()))
	before := f.restarts(t)
	for _, attack := range hostileAttacks {
		t.Run(attack.name, func(t *testing.T) {
			undisturbed := watch(t, victim)
			attack.do(t, base)
			undisturbed()
		})
	}
	assert.Equal(t, before, f.restarts(t), "a container restarted")
}

// restarts returns the restart count of each container.
func (f *fixture) restarts(t *testing.T) map[string]int32 {
	t.Helper()
	pods, err := f.client(t).CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/instance=todo"})
	require.NoError(t, err)
	counts := map[string]int32{}
	for _, pod := range pods.Items {
		for _, c := range pod.Status.ContainerStatuses {
			counts[pod.Name+"/"+c.Name] = c.RestartCount
		}
	}
	return counts
}

// watch asks the probes and p's list ten times a second, each time on a new
// connection. The returned function ends that and requires prompt answers.
func watch(t *testing.T, p *person.Person) (undisturbed func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	watcher := *p
	watcher.HTTP = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	var (
		open   sync.WaitGroup
		mu     sync.Mutex
		asked  int
		late   []string
		began  = time.Now()
		ticker = time.NewTicker(100 * time.Millisecond)
	)
	paths := []string{"/livez", "/api/livez", p.API("tasks")}
	open.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			open.Go(func() {
				sent := time.Now()
				path := paths[i%len(paths)]
				_, err := watcher.Want(context.WithoutCancel(ctx), http.StatusOK, http.MethodGet, path, nil)
				mu.Lock()
				defer mu.Unlock()
				asked++
				if took := time.Since(sent); err != nil || took > promptly {
					late = append(late, fmt.Sprintf("%.1f s in: GET %s took %.2f s: %v", sent.Sub(began).Seconds(), path, took.Seconds(), err))
				}
			})
		}
	})
	return func() {
		t.Helper()
		ticker.Stop()
		stop()
		open.Wait()
		t.Logf("%d requests of other people", asked)
		assert.Empty(t, late, "an answer to other people took more than %s", promptly)
		assert.Positive(t, asked)
	}
}

// attacker returns a person with an account.
func attacker(t *testing.T, base string) *person.Person {
	t.Helper()
	p := hurried(base)
	require.NoError(t, p.SignUp(t.Context()))
	return p
}

// hostileMessages sends messages that a backtracking expression reads for minutes.
func hostileMessages(t *testing.T, base string) {
	p := attacker(t, base)
	numbers := make([]string, 60)
	for i := range numbers {
		numbers[i] = fmt.Sprint(i + 1)
	}
	for _, message := range []string{
		strings.Join(numbers, " and ") + " and maybe the last",
		strings.Repeat("please ", 500) + "x",
		"add " + strings.Repeat("? ", 1900),
		strings.Repeat("change to to to ", 200),
		"change " + strings.Repeat("buy a and ", 300),
		strings.Repeat("delete the ", 300) + "meeting",
		strings.Repeat("a", 4000),
		strings.Repeat("(", 4000),
	} {
		sent := time.Now()
		status, answer, err := p.Ask(t.Context(), http.MethodPost, p.API("chat"), map[string]string{"message": message})
		if assert.NoError(t, err, "%.40s…", message) {
			assert.Contains(t, []int{http.StatusOK, http.StatusTooManyRequests}, status, "%.40s… %.200s", message, answer)
		}
		assert.Less(t, time.Since(sent), 20*time.Second, "%.40s…", message)
	}
}

// endless is a body of left zero bytes that counts the bytes read.
type endless struct {
	left int64
	read *atomic.Int64
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), e.left))
	e.left -= int64(n)
	e.read.Add(int64(n))
	return n, nil
}

// hugeBodies sends 80 MB where a few kilobytes are allowed, with and without a
// Content-Length header.
func hugeBodies(t *testing.T, base string) {
	const size = 80 << 20
	p := attacker(t, base)
	for _, path := range []string{"/api/auth/sign-in/email", "/api/auth/sign-up/email", p.API("tasks"), p.API("chat")} {
		for _, length := range []int64{size, -1} {
			var read atomic.Int64
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+path, &endless{size, &read})
			require.NoError(t, err)
			request.ContentLength = length
			request.Header.Set("Origin", base)
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Authorization", "Bearer "+p.Token)
			client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
			response, err := client.Do(request)
			if err == nil { // a connection that is closed during the request is right too
				response.Body.Close()
				assert.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode, path)
			}
			assert.Less(t, read.Load(), int64(16<<20), "%s: too much of the body was read before the answer", path)
		}
	}
}

// slowConnections opens connections that send almost nothing. They must be closed.
func slowConnections(t *testing.T, base string) {
	address, err := url.Parse(base)
	require.NoError(t, err)
	head := func(line string, more ...string) string {
		return line + " HTTP/1.1\r\nHost: " + address.Host + "\r\n" + strings.Join(more, "\r\n") + "\r\n"
	}
	var all sync.WaitGroup
	for name, start := range map[string]string{
		"header without an end": head("GET /sign-in", "X-Slow: 1"),
		"body for accounts":     head("POST /api/auth/sign-in/email", "Content-Type: application/json", "Content-Length: 1000", ""),
		"body in chunks":        head("POST /api/auth/sign-in/email", "Content-Type: application/json", "Transfer-Encoding: chunked", ""),
		"body for todos":        head("POST /api/nobody/tasks", "Content-Type: application/json", "Content-Length: 1000", ""),
		"upgrade":               head("GET /api/nobody/chat", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", ""),
	} {
		for range 10 {
			all.Go(func() {
				began := time.Now()
				connection, err := net.DialTimeout("tcp", address.Host, 5*time.Second)
				if !assert.NoError(t, err, name) {
					return
				}
				defer connection.Close()
				_, err = io.WriteString(connection, start)
				assert.NoError(t, err, name)
				assert.NoError(t, connection.SetReadDeadline(began.Add(cutOff)))
				_, err = io.Copy(io.Discard, bufio.NewReader(connection))
				assert.NotErrorIs(t, err, os.ErrDeadlineExceeded, "%s: still open after %s", name, cutOff)
			})
		}
	}
	all.Wait()
}

// guessedPasswords tries passwords of one account. Headers of each request claim
// another client address.
func guessedPasswords(t *testing.T, base string) {
	p := attacker(t, base)
	const tries = 200
	let := 0
	client := &http.Client{Timeout: 20 * time.Second}
	for i := range tries {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/api/auth/sign-in/email",
			strings.NewReader(fmt.Sprintf(`{"email":%q,"password":"wrong-password-%d"}`, p.Email, i)))
		require.NoError(t, err)
		request.Header.Set("Origin", base)
		request.Header.Set("Content-Type", "application/json")
		forged := fmt.Sprintf("198.51.100.%d", i%250)
		for _, header := range []string{"X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP"} {
			request.Header.Set(header, forged)
		}
		request.Header.Set("Forwarded", "for="+forged)
		response, err := client.Do(request)
		require.NoError(t, err)
		response.Body.Close()
		switch response.StatusCode {
		case http.StatusUnauthorized:
			let++
		default:
			require.Equal(t, http.StatusTooManyRequests, response.StatusCode)
			assert.NotEmpty(t, response.Header.Get("Retry-After"))
		}
	}
	assert.LessOrEqual(t, let, 20, "of %d guesses", tries)
	assert.Positive(t, let)
}

// signUpsAtOnce makes password hashes queue. Other requests must not wait for them.
func signUpsAtOnce(t *testing.T, base string) {
	var all sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for i := range 100 {
		all.Go(func() {
			p := person.New(base, fmt.Sprintf("crowd%d", i), &http.Client{Timeout: time.Minute})
			status, _, err := p.Ask(t.Context(), http.MethodPost, "/api/auth/sign-up/email", map[string]string{"name": "Test", "email": p.Email, "password": p.Password})
			assert.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
		})
	}
	all.Wait()
	t.Logf("answers by status: %v", statuses)
	for status := range statuses {
		assert.Contains(t, []int{http.StatusOK, http.StatusTooManyRequests, http.StatusServiceUnavailable}, status)
	}
}

// longConversation asks the assistant 20 times to list many todos, and then reads
// the conversation.
func longConversation(t *testing.T, base string) {
	p := attacker(t, base)
	for i := range 100 {
		_, err := p.Want(t.Context(), http.StatusCreated, http.MethodPost, p.API("tasks"), map[string]string{"title": fmt.Sprintf("%d %s", i, strings.Repeat("x", 180))})
		require.NoError(t, err)
	}
	asked := map[string]any{"message": "Show me all my tasks"}
	for range 20 {
		answer, err := p.Want(t.Context(), http.StatusOK, http.MethodPost, p.API("chat"), asked)
		require.NoError(t, err)
		var in struct {
			Conversation int `json:"conversation_id"`
		}
		require.NoError(t, json.Unmarshal(answer, &in))
		asked["conversation_id"] = in.Conversation
	}
	page, err := p.Want(t.Context(), http.StatusOK, http.MethodGet, p.API(fmt.Sprintf("conversations/%v/messages", asked["conversation_id"])), nil)
	require.NoError(t, err)
	assert.Less(t, len(page), 1<<20, "a page of messages is not bounded")
}

// readinessFlood asks for readiness, which needs a database connection unless the
// result is cached, 80 times a second.
func readinessFlood(t *testing.T, base string) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 80}}
	var all sync.WaitGroup
	var failed atomic.Int64
	tick := time.NewTicker(time.Second / 80)
	defer tick.Stop()
	for range 80 * 10 {
		<-tick.C
		all.Go(func() {
			response, err := client.Get(base + "/api/readyz")
			if err != nil || response.StatusCode != http.StatusOK {
				failed.Add(1)
			}
			if err == nil {
				response.Body.Close()
			}
		})
	}
	all.Wait()
	assert.Zero(t, failed.Load())
}
