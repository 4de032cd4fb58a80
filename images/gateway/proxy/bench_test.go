//go:build unix

package proxy

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkRequest measures the processor time of a request on a kept connection. It
// includes the client and a trivial upstream; "direct" measures only these two.
func BenchmarkRequest(b *testing.B) {
	body := `"` + strings.Repeat("todo ", 100) + `"`
	upstream := serving(b, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	})
	config := testConfig(todoRoutes(upstream, upstream)...)
	config.Limits.Rate, config.Limits.Burst = 1e9, 1e9
	gateway := run(b, config)
	get := "GET /api/u1/tasks HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer t\r\nAccept: application/json\r\nUser-Agent: bench\r\n\r\n"
	post := "POST /api/u1/chat HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer t\r\nContent-Length: 500\r\n\r\n" + strings.Repeat("x", 500)
	for _, test := range []struct{ name, address, text string }{
		{"direct/GET", upstream.Host, get}, {"gateway/GET", gateway.address, get}, {"gateway/POST", gateway.address, post},
	} {
		b.Run(test.name, func(b *testing.B) {
			conn, err := net.Dial("tcp", test.address)
			require.NoError(b, err)
			defer func() { _ = conn.Close() }()
			reader := bufio.NewReader(conn)
			before := processorTime(b)
			for b.Loop() {
				_, err := fmt.Fprint(conn, test.text)
				require.NoError(b, err)
				response, err := http.ReadResponse(reader, nil)
				require.NoError(b, err)
				_, err = reader.Discard(int(response.ContentLength))
				require.NoError(b, err)
			}
			b.ReportMetric(float64(processorTime(b)-before)/float64(b.N)/1e6, "ms-cpu/op")
		})
	}
}
