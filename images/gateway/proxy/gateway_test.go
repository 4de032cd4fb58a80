package proxy

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lines collects log lines of several goroutines.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(piece []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(piece)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// running is a gateway that listens on 127.0.0.1.
type running struct {
	*Gateway
	address string
	log     *lines
}

func serving(t testing.TB, handler http.HandlerFunc) *url.URL {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return parsed(t, server.URL)
}

// gate blocks handlers until release. The end of the test releases them too, because a
// server of httptest does not close while a handler is blocked.
func gate(t *testing.T) (held <-chan struct{}, release func()) {
	t.Helper()
	channel := make(chan struct{})
	release = sync.OnceFunc(func() { close(channel) })
	context.AfterFunc(t.Context(), release) // t.Context ends before the cleanups
	return channel, release
}

func parsed(t testing.TB, text string) *url.URL {
	t.Helper()
	made, err := url.Parse(text)
	require.NoError(t, err)
	return made
}

// testRoute returns a route with short time-outs.
func testRoute(path string, upstream *url.URL) Route {
	return Route{
		Path: path, Upstream: upstream, MaxBody: 1 << 20, KeepHost: true,
		BodyTimeout: 300 * time.Millisecond, ReadTimeout: 300 * time.Millisecond,
		SilenceTimeout: 5 * time.Second, KeepIdle: time.Second,
	}
}

// todoRoutes returns routes like settings.Default, with short time-outs.
func todoRoutes(frontend, backend *url.URL) []Route {
	account := testRoute("/api/auth", frontend)
	account.MaxBody, account.AccountErrors = 16<<10, true
	api := testRoute("/api/", backend)
	api.MaxBody, api.DropCookies, api.Gzip, api.NoStore, api.KeepHost = 64<<10, true, true, true, false
	live, ready := api, api
	live.Path, live.Exact, live.Rewrite = "/api/livez", true, "/livez"
	ready.Path, ready.Exact, ready.Rewrite = "/api/readyz", true, "/readyz"
	return []Route{testRoute("/", frontend), account, api, live, ready}
}

func testConfig(routes ...Route) Config {
	limits := DefaultLimits()
	limits.HeaderTimeout, limits.WriteTimeout = 300*time.Millisecond, 500*time.Millisecond
	limits.UpgradeIdleTimeout = 300 * time.Millisecond
	return Config{Routes: routes, Image: "sha256:abc", Limits: limits}
}

func run(t testing.TB, config Config) running {
	t.Helper()
	log := &lines{}
	made := New(config, NewLog(slog.New(slog.NewJSONHandler(log, nil))))
	port, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := made.Server()
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(made.Listener(port)) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
		made.Close()
	})
	return running{made, port.Addr().String(), log}
}

// ask sends a request and returns the response and its body.
func (r running) ask(t testing.TB, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+r.address, strings.NewReader(body))
	require.NoError(t, err)
	if body == "" {
		request.Body, request.ContentLength = nil, 0
	}
	request.URL.Opaque = path
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			request.Host = headers[i+1]
		}
		request.Header.Add(headers[i], headers[i+1])
	}
	client := http.Client{
		Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(text)
}

// raw is a client that can send invalid requests.
type raw struct {
	net.Conn
	reader *bufio.Reader
}

func (r running) dial(t testing.TB) raw {
	t.Helper()
	conn, err := net.Dial("tcp", r.address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	return raw{conn, bufio.NewReader(conn)}
}

func (c raw) send(t testing.TB, text string) {
	t.Helper()
	_, err := io.WriteString(c, text)
	require.NoError(t, err)
}

func (c raw) answer(t testing.TB) (*http.Response, string) {
	t.Helper()
	response, err := http.ReadResponse(c.reader, nil)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(text)
}

// ends waits until the gateway closes the connection, and returns the text received before.
func (c raw) ends(t testing.TB) string {
	t.Helper()
	text, err := io.ReadAll(c.reader)
	var timeout net.Error
	if err != nil && assert.ErrorAs(t, err, &timeout) {
		require.False(t, timeout.Timeout(), "the connection is still open")
	}
	return string(text)
}

func echo(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	fmt.Fprintf(w, "%s %s %s", request.Method, request.RequestURI, body)
}

func TestRequestsReachUpstreamOfTheirRoute(t *testing.T) {
	frontend := serving(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "frontend ", r.RequestURI) })
	backend := serving(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "backend ", r.RequestURI) })
	gateway := run(t, testConfig(todoRoutes(frontend, backend)...))
	for path, want := range map[string]string{
		"/":                                 "frontend /",
		"/livez":                            "frontend /livez",
		"/api":                              "frontend /api",
		"/apix/u1":                          "frontend /apix/u1",
		"/api/auth":                         "frontend /api/auth",
		"/api/auth/sign-in/email?a=%2F;b=1": "frontend /api/auth/sign-in/email?a=%2F;b=1",
		"/api/authority/tasks":              "backend /api/authority/tasks",
		"/api/livez":                        "backend /livez",
		"/api/readyz?x=1":                   "backend /readyz?x=1",
		"/api/livez/more":                   "backend /api/livez/more",
		"/api/u1/tasks?status=all&q=a%2Fb":  "backend /api/u1/tasks?status=all&q=a%2Fb",
		"/api/a%20b%2Fc/tasks/":             "backend /api/a%20b%2Fc/tasks/",
		"http://other.example/api/u1/tasks": "backend /api/u1/tasks",
		"http://other.example":              "frontend /",
	} {
		response, text := gateway.ask(t, "GET", path, "")
		assert.Equal(t, 200, response.StatusCode, path)
		assert.Equal(t, want, text, path)
	}
}

func TestAmbiguousPathsAreRefused(t *testing.T) {
	nobody := serving(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s reached the upstream", r.RequestURI) })
	gateway := run(t, testConfig(todoRoutes(nobody, nobody)...))
	for _, path := range []string{
		"/api/u1/../../livez", "/api/u1/../auth/token", "/api/u1/%2e%2e/auth/token", "/api/u1/.%2E/x", "/./api/x",
		"/api/auth%2Ftoken", "/api/auth%2ftoken", "/api%2Fu1/tasks", "/%61pi/auth/token", "/api/%61uth/x",
		"//host/api/x", "/api//auth/token", "//api/auth", "/api/u1\\..\\auth", "/api/auth%5Ctoken", "/api/u1/..;/auth",
		"/api/%00", "/api/u1%0d%0aX", "/api/auth/../u1/tasks", "/%2e%2e/", "/api%2flivez", "http://other.example//api/x",
	} {
		client := gateway.dial(t)
		client.send(t, "GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n")
		response, _ := client.answer(t)
		assert.Equal(t, 400, response.StatusCode, path)
	}
}

func TestUnusedMethodsAreRefused(t *testing.T) {
	nobody := serving(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s reached the upstream", r.Method) })
	gateway := run(t, testConfig(todoRoutes(nobody, nobody)...))
	for _, method := range []string{"TRACE", "CONNECT", "PROPFIND", "get"} {
		client := gateway.dial(t)
		client.send(t, method+" /api/u1/tasks HTTP/1.1\r\nHost: a\r\n\r\n")
		response, text := client.answer(t)
		assert.Equal(t, 405, response.StatusCode, method)
		assert.Contains(t, response.Header.Get("Allow"), "GET")
		assert.JSONEq(t, `{"detail":"This address does not support that method."}`, text)
	}
}

// settles waits until the number of goroutines is at most before.
func settles(t *testing.T, before int) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			stacks := make([]byte, 1<<16)
			require.Failf(t, "goroutines leaked", "%d before, now %d:\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
		}
	}
}
