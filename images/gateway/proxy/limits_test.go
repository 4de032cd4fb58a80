package proxy

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSlowAndLongHeadersAreRefused(t *testing.T) {
	upstream := serving(t, echo)
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	for _, text := range []string{"", "GET / HTTP/1.1\r\nHost: a\r\nX-A: "} {
		client := gateway.dial(t)
		began := time.Now()
		client.send(t, text)
		client.ends(t)
		assert.Less(t, time.Since(began), 3*time.Second, "%q", text)
	}
	client := gateway.dial(t)
	client.send(t, "GET / HTTP/1.1\r\nHost: a\r\nX-A: "+strings.Repeat("a", 21<<10)+"\r\n\r\n")
	response, _ := client.answer(t)
	assert.Equal(t, 431, response.StatusCode)
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	upstream := serving(t, echo)
	config := testConfig(todoRoutes(upstream, upstream)...)
	config.Limits.IdleTimeout = 200 * time.Millisecond
	gateway := run(t, config)
	client := gateway.dial(t)
	for range 2 {
		client.send(t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		response, _ := client.answer(t)
		assert.Equal(t, 200, response.StatusCode)
		assert.False(t, response.Close)
	}
	began := time.Now()
	client.ends(t)
	assert.Less(t, time.Since(began), 3*time.Second)
}

func TestResponseIsAbortedWhenClientDoesNotRead(t *testing.T) {
	ended := make(chan error, 1)
	upstream := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		piece := make([]byte, 1<<20)
		for range 64 { // more than the buffers of the kernel
			if _, err := w.Write(piece); err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	})
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	client := gateway.dial(t)
	client.send(t, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
	select {
	case err := <-ended:
		assert.Error(t, err)
	case <-time.After(8 * time.Second):
		t.Error("the response was not aborted")
	}
	assert.Eventually(t, func() bool { return gateway.connections.total() == 0 }, 5*time.Second, 10*time.Millisecond)
}

func TestSlowReaderReceivesCompleteResponse(t *testing.T) {
	const size = 12 << 20
	upstream := serving(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, size)) })
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	client := gateway.dial(t)
	client.send(t, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
	response, err := http.ReadResponse(client.reader, nil)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	total, began := int64(0), time.Now()
	for {
		count, err := io.CopyN(io.Discard, response.Body, 1<<20)
		total += count
		if err == io.EOF {
			break
		}
		require.NoError(t, err, "after %d bytes", total)
		time.Sleep(80 * time.Millisecond)
	}
	assert.Equal(t, int64(size), total)
	assert.Greater(t, time.Since(began), gateway.config.Limits.WriteTimeout, "the time of the test must exceed the write time-out")
}

func TestOldestWaitingConnectionIsClosedAboveLimit(t *testing.T) {
	for name, bounds := range map[string][2]int{"of one address": {100, 4}, "of all": {4, 100}} {
		t.Run(name, func(t *testing.T) { oldestMakesRoom(t, bounds[0], bounds[1]) })
	}
}

func oldestMakesRoom(t *testing.T, all, perAddress int) {
	t.Helper()
	upstream := serving(t, echo)
	config := testConfig(todoRoutes(upstream, upstream)...)
	config.Limits.Connections, config.Limits.ConnectionsPerAddress = all, perAddress
	config.Limits.HeaderTimeout = 10 * time.Second
	gateway := run(t, config)
	var slow []raw
	for range 4 {
		slow = append(slow, gateway.dial(t))
		slow[len(slow)-1].send(t, "GET / HT")
		time.Sleep(20 * time.Millisecond)
	}
	for range 3 {
		client := gateway.dial(t)
		client.send(t, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		response, _ := client.answer(t)
		assert.Equal(t, 200, response.StatusCode)
	}
	slow[0].ends(t)
	assert.LessOrEqual(t, gateway.connections.total(), 4)
}

func TestNewConnectionIsRefusedWhileAllAreBusy(t *testing.T) {
	held, release := gate(t)
	upstream := serving(t, func(w http.ResponseWriter, r *http.Request) { <-held; echo(w, r) })
	config := testConfig(todoRoutes(upstream, upstream)...)
	config.Limits.ConnectionsPerAddress = 2
	for i := range config.Routes {
		config.Routes[i].ReadTimeout = 10 * time.Second
	}
	gateway := run(t, config)
	var served []raw
	for range 2 {
		client := gateway.dial(t)
		client.send(t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		served = append(served, client)
	}
	require.Eventually(t, func() bool {
		gateway.flights.mu.Lock()
		defer gateway.flights.mu.Unlock()
		return gateway.flights.total == 2
	}, 5*time.Second, time.Millisecond)
	conn, err := net.Dial("tcp", gateway.address)
	if err == nil { // otherwise the connection was reset during Dial
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		_, err = conn.Read(make([]byte, 1))
	}
	require.Error(t, err)
	assert.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the connection is still open")
	release()
	for _, client := range served {
		response, _ := client.answer(t)
		assert.Equal(t, 200, response.StatusCode)
	}
}

func TestTrustedProxiesHaveNoConnectionLimit(t *testing.T) {
	upstream := serving(t, echo)
	config := testConfig(todoRoutes(upstream, upstream)...)
	config.Limits.ConnectionsPerAddress, config.Limits.HeaderTimeout = 1, 10*time.Second
	config.Limits.Rate, config.Limits.Burst = 0.001, 2
	config.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	gateway := run(t, config)
	first := gateway.dial(t)
	time.Sleep(20 * time.Millisecond)
	for i := range 6 {
		response, _ := gateway.ask(t, "GET", "/", "", "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i/2))
		assert.Equal(t, 200, response.StatusCode, i)
	}
	response, _ := gateway.ask(t, "GET", "/", "", "X-Forwarded-For", "9.9.9.9, 192.0.2.1")
	assert.Equal(t, 429, response.StatusCode)
	first.send(t, "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.77\r\n\r\n")
	response, _ = first.answer(t)
	assert.Equal(t, 200, response.StatusCode)
}

func TestRequestRateOfAddressIsLimited(t *testing.T) {
	upstream := serving(t, echo)
	config := testConfig(todoRoutes(upstream, upstream)...)
	config.Limits.Rate, config.Limits.Burst = 1, 5
	gateway := run(t, config)
	refused := 0
	for i := range 8 {
		response, text := gateway.ask(t, "GET", "/api/u1/tasks", "", "X-Forwarded-For", fmt.Sprintf("1.2.3.%d", i))
		if response.StatusCode == 429 {
			refused++
			assert.Equal(t, "1", response.Header.Get("Retry-After"))
			assert.JSONEq(t, `{"detail":"Too many requests come from your address. Please try again in a moment."}`, text)
		}
	}
	assert.Equal(t, 3, refused)
	time.Sleep(1100 * time.Millisecond)
	response, _ := gateway.ask(t, "GET", "/api/u1/tasks", "")
	assert.Equal(t, 200, response.StatusCode)
}

func TestRatesForgetAddressWithOldestRequest(t *testing.T) {
	limits := DefaultLimits()
	limits.Rate, limits.Burst = 0.001, 1
	known := newRates(limits)
	first := netip.MustParseAddr("192.0.2.1")
	assert.True(t, known.allow(first))
	for i := range maxAddresses + 100 {
		assert.True(t, known.allow(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})))
		assert.False(t, known.allow(first), "an active address was forgotten")
	}
	assert.Len(t, known.known, maxAddresses)
	assert.Equal(t, maxAddresses, known.recent.Len())
}

func TestConcurrentRequestsAreLimited(t *testing.T) {
	held, release := gate(t)
	var running atomic.Int64
	upstream := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/quick" {
			running.Add(1)
			<-held
		}
		echo(w, r)
	})
	config := testConfig(todoRoutes(upstream, upstream)...)
	for i := range config.Routes {
		config.Routes[i].ReadTimeout = 20 * time.Second
		if config.Routes[i].Path == "/api/readyz" {
			config.Routes[i].MaxInFlight = 1
		}
	}
	config.Limits.InFlight, config.Limits.InFlightPerAddress = 4, 3
	config.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	gateway := run(t, config)
	begin := func(path, address string, want int64) raw {
		client := gateway.dial(t)
		client.send(t, "GET "+path+" HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: "+address+"\r\n\r\n")
		require.Eventually(t, func() bool { return running.Load() == want }, 5*time.Second, time.Millisecond)
		return client
	}
	clients := []raw{begin("/api/readyz", "192.0.2.1", 1)}
	response, _ := gateway.ask(t, "GET", "/api/readyz", "", "X-Forwarded-For", "192.0.2.2")
	assert.Equal(t, 503, response.StatusCode, "limit of the route")
	assert.Equal(t, "2", response.Header.Get("Retry-After"))
	clients = append(clients, begin("/a", "192.0.2.1", 2), begin("/b", "192.0.2.1", 3))
	response, _ = gateway.ask(t, "GET", "/quick", "", "X-Forwarded-For", "192.0.2.1")
	assert.Equal(t, 429, response.StatusCode, "limit of one address")
	response, _ = gateway.ask(t, "GET", "/quick", "", "X-Forwarded-For", "192.0.2.2")
	assert.Equal(t, 200, response.StatusCode, "another address")
	clients = append(clients, begin("/c", "192.0.2.2", 4))
	response, _ = gateway.ask(t, "GET", "/quick", "", "X-Forwarded-For", "192.0.2.3")
	assert.Equal(t, 503, response.StatusCode, "limit of all addresses")
	release()
	for _, client := range clients {
		response, _ := client.answer(t)
		assert.Equal(t, 200, response.StatusCode)
	}
	response, _ = gateway.ask(t, "GET", "/api/readyz", "", "X-Forwarded-For", "192.0.2.1")
	assert.Equal(t, 200, response.StatusCode)
}

func TestLogLimitsLinesOfManyRefusals(t *testing.T) {
	log := &lines{}
	limited := NewLog(slog.New(slog.NewJSONHandler(log, nil)))
	for range 10_000 {
		limited.line(slog.LevelWarn, "request refused", slog.String("path", "/\n\x1b[31m\u2028\""))
	}
	time.Sleep(200 * time.Millisecond)
	limited.line(slog.LevelWarn, "request refused")
	written := strings.Split(strings.TrimSpace(log.String()), "\n")
	assert.LessOrEqual(t, len(written), logBurst+10)
	suppressed := 0.0
	for _, line := range written {
		var entry map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &entry), line)
		if count, ok := entry["suppressed_lines"].(float64); ok {
			suppressed += count
		}
	}
	assert.InDelta(t, 10_001, suppressed+float64(len(written)), 0)
	assert.Equal(t, strings.Repeat("é", 100)+"…", bounded(strings.Repeat("é", 300), 201))
}

func TestClosedConnectionsAreNotCounted(t *testing.T) {
	upstream := serving(t, echo)
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	for range 50 {
		conn, err := net.Dial("tcp", gateway.address)
		require.NoError(t, err)
		_ = conn.Close()
		gateway.ask(t, "GET", "/", "")
	}
	assert.Eventually(t, func() bool { return gateway.connections.total() == 0 }, 5*time.Second, 10*time.Millisecond)
	assert.Empty(t, gateway.connections.count)
	assert.Zero(t, gateway.connections.waiting.Len()+gateway.connections.reading.Len())
}
