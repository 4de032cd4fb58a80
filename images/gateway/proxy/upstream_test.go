package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOnlyReadsAreRepeatedAfterConnectionReset(t *testing.T) {
	for _, test := range []struct {
		method, body string
		status       int
		asked        int64
	}{{"GET", "", 200, 2}, {"HEAD", "", 200, 2}, {"POST", "{}", 502, 1}, {"DELETE", "", 502, 1}, {"OPTIONS", "", 502, 1}, {"GET", "{}", 502, 1}} {
		var asked atomic.Int64
		upstream := serving(t, func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) == 1 {
				conn, _, err := http.NewResponseController(w).Hijack()
				assert.NoError(t, err)
				_ = conn.Close()
				return
			}
			echo(w, r)
		})
		gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
		response, _ := gateway.ask(t, test.method, "/api/u1/tasks", test.body)
		assert.Equal(t, test.status, response.StatusCode, "%+v", test)
		assert.Equal(t, test.asked, asked.Load(), "%+v", test)
	}
}

func TestReadsShareConnectionAndWritesDoNot(t *testing.T) {
	var mu sync.Mutex
	ports := map[string]map[string]bool{"GET": {}, "POST": {}}
	upstream := serving(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		ports[r.Method][r.RemoteAddr] = true
		echo(w, r)
	})
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	for range 3 {
		gateway.ask(t, "GET", "/api/u1/tasks", "")
		gateway.ask(t, "POST", "/api/u1/tasks", "{}")
	}
	assert.Len(t, ports["GET"], 1)
	assert.Len(t, ports["POST"], 3)
}

func TestReadIsRepeatedWhenUpstreamIsSilent(t *testing.T) {
	var asked atomic.Int64
	upstream := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			<-r.Context().Done()
			return
		}
		echo(w, r)
	})
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	response, _ := gateway.ask(t, "GET", "/api/u1/tasks", "")
	assert.Equal(t, 200, response.StatusCode)
	assert.Equal(t, int64(2), asked.Load())
}

// nobody returns an address on which no server listens.
func nobody(t *testing.T) string {
	t.Helper()
	port, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = port.Close() }()
	return port.Addr().String()
}

func TestWriteIsRepeatedWhenConnectionIsRefused(t *testing.T) {
	address := nobody(t)
	upstream := parsed(t, "http://"+address)
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	late := &http.Server{Handler: http.HandlerFunc(echo), ReadHeaderTimeout: time.Second}
	t.Cleanup(func() { _ = late.Close() })
	time.AfterFunc(100*time.Millisecond, func() {
		port, err := net.Listen("tcp", address)
		if assert.NoError(t, err) {
			go func() { _ = late.Serve(port) }()
		}
	})
	big := strings.Repeat("x", 200_000) // longer than the part that is kept in memory
	response, text := gateway.ask(t, "POST", "/form", big)
	assert.Equal(t, 200, response.StatusCode)
	assert.Equal(t, "POST /form "+big, text)
}

func TestUnreachableUpstreamGets502(t *testing.T) {
	upstream := parsed(t, "http://"+nobody(t))
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	response, text := gateway.ask(t, "GET", "/api/u1/tasks?token=secret", "", "X-Request-Id", "r1")
	assert.Equal(t, 502, response.StatusCode)
	assert.Equal(t, "r1", response.Header.Get("X-Request-Id"))
	assert.Equal(t, "2", response.Header.Get("Retry-After"))
	assert.JSONEq(t, `{"detail":"The service cannot be reached right now. Please try again in a moment."}`, text)
	log := gateway.log.String()
	assert.Contains(t, log, `"request_id":"r1"`)
	assert.Contains(t, log, `"path":"/api/u1/tasks"`)
	assert.Contains(t, log, "connection refused")
	assert.NotContains(t, log, "secret")
	_, text = gateway.ask(t, "GET", "/api/auth/get-session", "")
	assert.Contains(t, text, `"code":"UNAVAILABLE"`)
}

// TestUpstreamRestartFailsNoReadAndRepeatsNoWrite stops an upstream under load, like a
// pod, and starts another one.
func TestUpstreamRestartFailsNoReadAndRepeatsNoWrite(t *testing.T) {
	address := nobody(t)
	var mu sync.Mutex
	written := map[string]int{}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && r.Method == "POST" {
			mu.Lock()
			written[string(body)]++
			mu.Unlock()
		}
		fmt.Fprint(w, "[]")
	})
	start := func() *http.Server {
		port, err := net.Listen("tcp", address)
		require.NoError(t, err)
		server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Second}
		go func() { _ = server.Serve(port) }()
		return server
	}
	current := start()
	upstream := parsed(t, "http://"+address)
	config := testConfig(todoRoutes(upstream, upstream)...)
	config.Limits.Rate, config.Limits.Burst = 100_000, 100_000 // all clients of the test have the same address
	gateway := run(t, config)
	var clients sync.WaitGroup
	until := time.Now().Add(2 * time.Second)
	var reads, writes atomic.Int64
	for worker := range 8 {
		clients.Go(func() {
			for i := 0; time.Now().Before(until); i++ {
				response, _ := gateway.ask(t, "GET", "/api/u1/tasks", "")
				assert.Equal(t, 200, response.StatusCode)
				reads.Add(1)
				gateway.ask(t, "POST", "/api/u1/tasks", fmt.Sprintf("%d-%d", worker, i))
				writes.Add(1)
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	for range 3 {
		time.Sleep(400 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_ = current.Shutdown(ctx)
		_ = current.Close()
		cancel()
		time.Sleep(100 * time.Millisecond)
		current = start()
	}
	clients.Wait()
	_ = current.Close()
	assert.Positive(t, reads.Load())
	for body, times := range written {
		assert.Equal(t, 1, times, "%s was written more than once", body)
	}
	t.Logf("%d reads, %d writes, %d of them written", reads.Load(), writes.Load(), len(written))
}

func TestEventsArriveBeforeStreamEnds(t *testing.T) {
	held, finish := gate(t)
	upstream := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		fmt.Fprint(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		<-held
		fmt.Fprint(w, "data: 2\n\n")
	})
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	client := gateway.dial(t)
	client.send(t, "POST /api/u1/chat/stream HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}")
	response, err := http.ReadResponse(client.reader, nil)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	assert.Equal(t, "no-cache, no-transform", response.Header.Get("Cache-Control"))
	assert.Equal(t, "no", response.Header.Get("X-Accel-Buffering"))
	reader := bufio.NewReader(response.Body)
	line, err := reader.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "data: 1\n", line)
	time.Sleep(2 * gateway.config.Limits.WriteTimeout) // longer than the write time-out
	finish()
	rest, err := io.ReadAll(reader)
	require.NoError(t, err)
	assert.Equal(t, "\ndata: 2\n\n", string(rest))
}

func TestUpstreamRequestEndsWhenClientDisconnects(t *testing.T) {
	arrived, left := make(chan struct{}, 2), make(chan struct{}, 2)
	upstream := serving(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
		<-r.Context().Done()
		left <- struct{}{}
	})
	config := testConfig(todoRoutes(upstream, upstream)...)
	for i := range config.Routes {
		config.Routes[i].ReadTimeout = 10 * time.Second
	}
	gateway := run(t, config)
	for _, head := range []string{"GET /api/u1 HTTP/1.1\r\nHost: a\r\n\r\n", "POST /api/u1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"} {
		client := gateway.dial(t)
		client.send(t, head)
		<-arrived
		_ = client.Close()
		select {
		case <-left:
		case <-time.After(5 * time.Second):
			t.Error("the request to the upstream goes on after the client disconnected")
		}
	}
	assert.NotContains(t, gateway.log.String(), "not reached", "a client that disconnects is not a failure")
}

func TestResponseIsAbortedWhenUpstreamAbortsIt(t *testing.T) {
	upstream := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "5000")
		fmt.Fprint(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	for _, accepts := range []string{"identity", "gzip"} {
		client := gateway.dial(t)
		client.send(t, "GET /api/u1 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: "+accepts+"\r\n\r\n")
		response, err := http.ReadResponse(client.reader, nil)
		if err != nil {
			continue // aborted before its header was complete
		}
		_, err = io.ReadAll(response.Body)
		assert.Error(t, err, accepts)
	}
	assert.Len(t, gateway.zips, compressors)
}

func TestResponsesWithoutBodyReachClient(t *testing.T) {
	upstream := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "DELETE" {
			w.WriteHeader(204)
			return
		}
		w.WriteHeader(304)
	})
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	response, _ := gateway.ask(t, "DELETE", "/api/u1/tasks/1", "")
	assert.Equal(t, 204, response.StatusCode)
	response, _ = gateway.ask(t, "GET", "/api/u1/tasks/1", "")
	assert.Equal(t, 304, response.StatusCode)
}
