package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/images/gateway/settings"
)

func TestStartReportsAllWrongSettingsWithExitCode2(t *testing.T) {
	var problems bytes.Buffer
	code := start(func(name string) string { return map[string]string{"GATEWAY_RATE": "x"}[name] }, io.Discard, &problems)
	assert.Equal(t, 2, code)
	for _, name := range []string{"FRONTEND_URL", "BACKEND_URL", "GATEWAY_RATE"} {
		assert.Contains(t, problems.String(), name)
	}
}

func TestStartReportsOccupiedPortWithExitCode1(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	var problems bytes.Buffer
	values := map[string]string{"FRONTEND_URL": "http://127.0.0.1:1", "BACKEND_URL": "http://127.0.0.1:1", "GATEWAY_LISTEN": taken.Addr().String(), "GOMEMLIMIT": "1GiB"}
	assert.Equal(t, 1, start(func(name string) string { return values[name] }, io.Discard, &problems))
	assert.Contains(t, problems.String(), "listen for requests on")
}

// process is a gateway that serves until it receives a signal.
type process struct {
	main, probes string
	signals      chan os.Signal
	ended        chan error
}

func begin(t *testing.T, frontend string, change func(*settings.Settings)) process {
	t.Helper()
	values := map[string]string{
		"FRONTEND_URL": frontend, "BACKEND_URL": frontend, "IMAGE_DIGEST": "sha256:abc",
		"GATEWAY_LISTEN": "127.0.0.1:0", "GATEWAY_PROBES_LISTEN": "127.0.0.1:0",
	}
	read, err := settings.Read(func(name string) string { return values[name] })
	require.NoError(t, err)
	read.Drain = 400 * time.Millisecond
	if change != nil {
		change(&read)
	}
	made := process{signals: make(chan os.Signal, 2), ended: make(chan error, 1)}
	listening := make(chan struct{})
	go func() {
		made.ended <- serve(t.Context(), read, slog.New(slog.DiscardHandler), made.signals, func(main, probes net.Addr) {
			made.main, made.probes = "http://"+main.String(), "http://"+probes.String()
			close(listening)
		})
	}()
	select {
	case <-listening:
	case err := <-made.ended:
		require.NoError(t, err)
	}
	return made
}

func get(t *testing.T, address string) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header, string(text)
}

func TestProbesReportGatewayAndApplicationSeparately(t *testing.T) {
	var status atomic.Int64
	status.Store(200)
	frontend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/livez", r.URL.Path)
		w.WriteHeader(int(status.Load()))
		fmt.Fprint(w, `{"image":"sha256:frontend"}`)
	}))
	defer frontend.Close()
	made := begin(t, frontend.URL, nil)
	for path, want := range map[string]string{
		"/livez": `{"status":"ok","image":"sha256:abc"}`, "/readyz": `{"image":"sha256:frontend"}`, "/frontend/livez": `{"image":"sha256:frontend"}`,
	} {
		code, header, text := get(t, made.probes+path)
		assert.Equal(t, 200, code, path)
		assert.JSONEq(t, want, text, path)
		assert.Equal(t, "sha256:abc", header.Get("X-Gateway-Image"), path)
	}
	status.Store(503)
	code, _, _ := get(t, made.probes+"/readyz")
	assert.Equal(t, 503, code)
	frontend.Close()
	for path, want := range map[string]int{"/livez": 200, "/readyz": 503, "/frontend/livez": 503, "/other": 404} {
		code, _, _ := get(t, made.probes+path)
		assert.Equal(t, want, code, path)
	}
	made.signals <- syscall.SIGTERM
	require.NoError(t, <-made.ended)
}

func TestSIGTERMFailsReadinessFirstAndCompletesRequests(t *testing.T) {
	release := make(chan struct{})
	finish := sync.OnceFunc(func() { close(release) })
	frontend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			fmt.Fprint(w, "first,")
			_ = http.NewResponseController(w).Flush()
			<-release
		}
		fmt.Fprint(w, "done")
	}))
	defer frontend.Close() // waits for its handlers
	defer finish()
	made := begin(t, frontend.URL, nil)
	answered := make(chan string, 1)
	go func() {
		_, _, text := get(t, made.main+"/slow")
		answered <- text
	}()
	time.Sleep(100 * time.Millisecond)
	made.signals <- syscall.SIGTERM
	time.Sleep(100 * time.Millisecond)
	code, _, _ := get(t, made.probes+"/readyz")
	assert.Equal(t, 503, code, "readiness while draining")
	kept, err := http.DefaultClient.Get(made.main + "/quick")
	require.NoError(t, err)
	_ = kept.Body.Close()
	assert.Equal(t, 200, kept.StatusCode, "a new request while draining")
	assert.True(t, kept.Close, "the response does not close the connection to a pod that ends")
	require.Eventually(t, func() bool { code, _, _ := get(t, made.main+"/quick"); return code == 0 }, 5*time.Second, 20*time.Millisecond)
	select {
	case err := <-made.ended:
		t.Fatalf("ended before the request was answered: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	finish()
	assert.Equal(t, "first,done", <-answered)
	require.NoError(t, <-made.ended)
}

func TestShutdownAbortsRequestsAfterTimeout(t *testing.T) {
	stopped := make(chan struct{})
	frontend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done(); close(stopped) }))
	defer frontend.Close()
	made := begin(t, frontend.URL, func(s *settings.Settings) { s.Shutdown = 200 * time.Millisecond })
	go get(t, made.main+"/endless")
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	made.signals <- os.Interrupt
	require.NoError(t, <-made.ended)
	assert.Less(t, time.Since(began), 3*time.Second)
	<-stopped
}

func TestSecondSignalStopsImmediately(t *testing.T) {
	frontend := httptest.NewServer(http.NotFoundHandler())
	defer frontend.Close()
	made := begin(t, frontend.URL, func(s *settings.Settings) { s.Drain = time.Minute })
	made.signals <- syscall.SIGTERM
	made.signals <- syscall.SIGTERM
	assert.ErrorIs(t, <-made.ended, errStopped)
}

func TestSoftMemoryLimitIsShareOfContainerLimit(t *testing.T) {
	assert.Equal(t, int64(48<<20), softLimit("67108864\n"))
	for _, none := range []string{"max\n", "", "9223372036854771712\n", "-1"} {
		assert.Zero(t, softLimit(none), none)
	}
}

func TestLogLinesHaveFormatOfOtherComponents(t *testing.T) {
	var out bytes.Buffer
	newLogger(&out).Warn("request refused", "path", "/\n")
	assert.Regexp(t, `^\{"time":"[^"]+","level":"warn","message":"request refused","path":"/\\n"\}\n$`, out.String())
}
