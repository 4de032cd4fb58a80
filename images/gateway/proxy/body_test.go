package proxy

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func chunk(size int) string { return fmt.Sprintf("%x\r\n%s\r\n", size, strings.Repeat("x", size)) }

func TestBodiesUpToLimitReachUpstreamComplete(t *testing.T) {
	upstream := serving(t, echo)
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	for path, size := range map[string]int{"/api/auth/x": 16 << 10, "/api/u1/chat": 64 << 10, "/form": 1 << 20} {
		body := strings.Repeat("é", size/2)
		response, text := gateway.ask(t, "POST", path, body)
		assert.Equal(t, 200, response.StatusCode, path)
		assert.Equal(t, "POST "+path+" "+body, text)
		client := gateway.dial(t)
		client.send(t, "POST "+path+" HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"+chunk(size-1)+"1\r\nz\r\n0\r\n\r\n")
		response, text = client.answer(t)
		assert.Equal(t, 200, response.StatusCode, path)
		assert.Equal(t, "POST "+path+" "+strings.Repeat("x", size-1)+"z", text)
	}
}

func TestBodiesAboveLimitGet413(t *testing.T) {
	var reached atomic.Int64
	upstream := serving(t, func(w http.ResponseWriter, r *http.Request) { reached.Add(1); echo(w, r) })
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	account := `{"message":"The request is too large.","code":"PAYLOAD_TOO_LARGE"}`
	plain := `{"detail":"The request is too large."}`
	for _, test := range []struct {
		path   string
		size   int
		answer string
	}{
		{"/api/auth/sign-in/email", 16<<10 + 1, account},
		{"/api/u1/chat", 64<<10 + 1, plain},
	} {
		client := gateway.dial(t)
		client.send(t, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", test.path, test.size))
		response, text := client.answer(t)
		assert.Equal(t, 413, response.StatusCode, "by the announced length")
		assert.JSONEq(t, test.answer, text)
		assert.True(t, response.Close)

		client = gateway.dial(t)
		client.send(t, "POST "+test.path+" HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"+chunk(test.size))
		response, text = client.answer(t)
		assert.Equal(t, 413, response.StatusCode, "by the counted bytes")
		assert.JSONEq(t, test.answer, text)
		client.ends(t)
	}
	assert.Zero(t, reached.Load(), "requests to the upstream")
	assert.Contains(t, gateway.log.String(), `"path":"/api/auth/sign-in/email"`)
}

func TestStreamAboveLimitAbortsUpstreamRequest(t *testing.T) {
	aborted := make(chan error, 1)
	upstream := serving(t, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		aborted <- err
	})
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	client := gateway.dial(t)
	client.send(t, "POST /form HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"+chunk(1<<20)+chunk(1))
	response, text := client.answer(t)
	assert.Equal(t, 413, response.StatusCode)
	assert.JSONEq(t, `{"detail":"The request is too large."}`, text)
	assert.Error(t, <-aborted, "the upstream reads the body without an error")
}

func TestEndlessBodyGetsResponseBeforeConnectionCloses(t *testing.T) {
	upstream := serving(t, echo)
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	client := gateway.dial(t)
	go func() { // far more than the gateway reads after its response
		_, _ = io.WriteString(client, "POST /api/auth/x HTTP/1.1\r\nHost: a\r\nContent-Length: 80000000\r\n\r\n")
		_, _ = io.WriteString(client, strings.Repeat("x", 80_000_000))
	}()
	response, _ := client.answer(t)
	assert.Equal(t, 413, response.StatusCode)
}

func TestSlowBodiesGet408WithoutUpstreamRequest(t *testing.T) {
	var reached atomic.Int64
	upstream := serving(t, func(w http.ResponseWriter, r *http.Request) { reached.Add(1); echo(w, r) })
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	for _, header := range []string{"Content-Length: 100", "Transfer-Encoding: chunked"} {
		client := gateway.dial(t)
		began := time.Now()
		client.send(t, "POST /api/auth/x HTTP/1.1\r\nHost: a\r\n"+header+"\r\n\r\n")
		stop := make(chan struct{})
		go func() { // single bytes do not extend the deadline
			for {
				select {
				case <-stop:
					return
				case <-time.After(50 * time.Millisecond):
					_, _ = io.WriteString(client, "1\r\nx\r\n"[:1])
				}
			}
		}()
		response, text := client.answer(t)
		close(stop)
		if header == "Content-Length: 100" {
			assert.Equal(t, 408, response.StatusCode)
			assert.Contains(t, text, "REQUEST_TIMEOUT")
		}
		client.ends(t)
		assert.Less(t, time.Since(began), 3*time.Second)
	}
	assert.Zero(t, reached.Load())
}

func TestSlowStreamGets408(t *testing.T) {
	upstream := serving(t, echo)
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	client := gateway.dial(t)
	client.send(t, "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n"+strings.Repeat("x", 100_000))
	response, _ := client.answer(t)
	assert.Equal(t, 408, response.StatusCode)
	client.ends(t)
}

func TestExpectContinueGets100BeforeBody(t *testing.T) {
	upstream := serving(t, echo)
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	client := gateway.dial(t)
	client.send(t, "POST /api/u1/chat HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	line, err := client.reader.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "HTTP/1.1 100 Continue\r\n", line)
	_, _ = client.reader.ReadString('\n')
	client.send(t, "{}")
	response, text := client.answer(t)
	assert.Equal(t, 200, response.StatusCode)
	assert.Equal(t, "POST /api/u1/chat {}", text)

	client = gateway.dial(t)
	client.send(t, "POST /api/u1/chat HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 70000\r\n\r\n")
	response, _ = client.answer(t)
	assert.Equal(t, 413, response.StatusCode, "without status 100 before it")
}

func TestOldestSlowBodyIsClosedWhenMemoryIsFull(t *testing.T) {
	upstream := serving(t, echo)
	config := testConfig(todoRoutes(upstream, upstream)...)
	config.Limits.BufferedBytes = 128 << 10
	for i := range config.Routes {
		config.Routes[i].BodyTimeout = 10 * time.Second
	}
	gateway := run(t, config)
	var slow []raw
	for range 3 { // each fills 40 KB of 64 and stops
		client := gateway.dial(t)
		client.send(t, "POST /api/u1/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n"+strings.Repeat("x", 40_000))
		slow = append(slow, client)
		time.Sleep(50 * time.Millisecond)
	}
	body := strings.Repeat("y", 60_000)
	response, text := gateway.ask(t, "POST", "/api/u1/chat", body)
	assert.Equal(t, 200, response.StatusCode, text)
	slow[0].ends(t)
}

func TestConflictingLengthsCannotSmuggleRequest(t *testing.T) {
	var seen atomic.Int64
	upstream := serving(t, func(w http.ResponseWriter, r *http.Request) {
		seen.Add(1)
		assert.Equal(t, "/api/u1/tasks", r.URL.Path)
		assert.Empty(t, r.TransferEncoding)
		assert.Equal(t, int64(3), r.ContentLength)
		echo(w, r)
	})
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	smuggled := "GET /api/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
	client := gateway.dial(t)
	client.send(t, "POST /api/u1/tasks HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"+smuggled)
	response, _ := client.answer(t)
	assert.Equal(t, 200, response.StatusCode)
	assert.True(t, response.Close, "the connection stays open after a message with two lengths")
	assert.Empty(t, client.ends(t))
	assert.Equal(t, int64(1), seen.Load())
	for _, head := range []string{
		"Content-Length: 3\r\nContent-Length: 4", "Content-Length: 3, 4", "Content-Length: +3", "Content-Length: -1",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "Transfer-Encoding: xchunked", "Transfer-Encoding: chunked, chunked",
		"Content-Length : 3", "Transfer-Encoding\t: chunked", " Content-Length: 3", "Transfer-Encoding: \x0bchunked",
	} {
		client := gateway.dial(t)
		client.send(t, "POST /api/u1/tasks HTTP/1.1\r\nHost: a\r\n"+head+"\r\n\r\nabc"+smuggled)
		response, _ := client.answer(t)
		assert.GreaterOrEqual(t, response.StatusCode, 400, head)
		assert.Empty(t, client.ends(t), head)
	}
	assert.Equal(t, int64(1), seen.Load())
}

func TestDisconnectedClientsReleaseResources(t *testing.T) {
	upstream := serving(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	before := runtime.NumGoroutine()
	for range 20 {
		for _, text := range []string{
			"GET /api/u1/tasks HTTP/1.1\r\nHost: a\r\n\r\n",
			"POST /api/u1/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
			"POST /api/u1/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\n{",
			"POST /form HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(100_000),
			"GET /api/u1",
		} {
			client := gateway.dial(t)
			client.send(t, text)
			time.AfterFunc(100*time.Millisecond, func() { _ = client.Close() })
		}
	}
	time.Sleep(200 * time.Millisecond)
	settles(t, before)
	assert.Eventually(t, func() bool { return gateway.connections.total() == 0 }, 5*time.Second, 10*time.Millisecond)
	assert.Zero(t, gateway.flights.total)
	assert.True(t, gateway.bodies.room.TryAcquire(gateway.config.Limits.BufferedBytes), "memory of a body was not released")
}
