package proxy

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const upgrading = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGVzdA==\r\n\r\n"

// echoing accepts an upgrade and returns the received bytes.
func echoing(ended chan<- struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, stream, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close(); ended <- struct{}{} }()
		fmt.Fprintf(stream, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", r.Header.Get("Upgrade"))
		_ = stream.Flush()
		_, _ = io.Copy(conn, stream)
	}
}

func TestWebSocketWorksOnItsRouteAndEndsWhenIdle(t *testing.T) {
	ended := make(chan struct{}, 1)
	upstream := serving(t, echoing(ended))
	sockets := testRoute("/ws", upstream)
	sockets.Upgrade = true
	gateway := run(t, testConfig(testRoute("/", upstream), sockets))
	before := runtime.NumGoroutine()
	client := gateway.dial(t)
	client.send(t, upgrading)
	response, err := http.ReadResponse(client.reader, nil)
	require.NoError(t, err)
	require.Equal(t, 101, response.StatusCode)
	for i := range 8 { // traffic keeps the WebSocket open beyond the idle time-out
		client.send(t, fmt.Sprint(i))
		got, err := client.reader.ReadByte()
		require.NoError(t, err, i)
		assert.Equal(t, fmt.Sprint(i), string(got))
		time.Sleep(100 * time.Millisecond)
	}
	began := time.Now()
	assert.Empty(t, client.ends(t))
	assert.Less(t, time.Since(began), 3*time.Second)
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("the connection to the upstream is still open")
	}
	_ = client.Close()
	settles(t, before)
	assert.Eventually(t, func() bool { return gateway.connections.total() == 0 }, 5*time.Second, 10*time.Millisecond)
}

func TestWebSocketIsRefusedOnOtherRoutes(t *testing.T) {
	nobody := serving(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s reached the upstream", r.URL) })
	gateway := run(t, testConfig(testRoute("/", nobody)))
	client := gateway.dial(t)
	client.send(t, upgrading)
	response, text := client.answer(t)
	assert.Equal(t, 400, response.StatusCode)
	assert.JSONEq(t, `{"detail":"This address does not support WebSocket."}`, text)
	client.ends(t)
}

func TestUpgradeToOtherProtocolsIsIgnored(t *testing.T) {
	upstream := serving(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Empty(t, r.Header.Get("Upgrade"))
		assert.Empty(t, r.Header.Get("Http2-Settings"))
		echo(w, r)
	})
	sockets := testRoute("/ws", upstream)
	sockets.Upgrade = true
	gateway := run(t, testConfig(testRoute("/", upstream), sockets))
	for _, path := range []string{"/", "/ws"} {
		response, _ := gateway.ask(t, "GET", path, "", "Connection", "Upgrade, HTTP2-Settings", "Upgrade", "h2c", "HTTP2-Settings", "AAMAAABk")
		assert.Equal(t, 200, response.StatusCode, path)
	}
}

func TestUpstreamCannotSwitchProtocolsWithoutRequest(t *testing.T) {
	ended := make(chan struct{}, 8)
	upstream := serving(t, echoing(ended))
	gateway := run(t, testConfig(testRoute("/", upstream)))
	client := gateway.dial(t)
	client.send(t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	response, _ := client.answer(t)
	assert.Equal(t, 502, response.StatusCode)
}
