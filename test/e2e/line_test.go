package e2e

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// line is a proxy that can stop in the middle of an answer, as a bad connection
// does. Without it the built-in model's answers come too fast to be seen in part.
type line struct {
	address string
	held    atomic.Pointer[chan struct{}] // nil while answers pass
}

func newLine(t *testing.T, application string) *line {
	t.Helper()
	target, err := url.Parse(application)
	require.NoError(t, err)
	l := &line{}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		FlushInterval: -1,
		ModifyResponse: func(r *http.Response) error {
			if released := l.held.Load(); released != nil && strings.HasPrefix(r.Header.Get("Content-Type"), "text/event-stream") {
				r.Body = &interrupted{Closer: r.Body, ctx: r.Request.Context(), lines: bufio.NewReader(r.Body), released: *released}
			}
			return nil
		},
	})
	t.Cleanup(server.Close)
	l.address = server.URL
	return l
}

// hold stops each answer that begins before release is called.
func (l *line) hold() (release func()) {
	released := make(chan struct{})
	l.held.Store(&released)
	return sync.OnceFunc(func() {
		l.held.Store(nil)
		close(released)
	})
}

// passing is the number of words of an answer before the line stops.
const passing = 4

// interrupted is an answer that stops after some words.
type interrupted struct {
	io.Closer
	ctx      context.Context
	lines    *bufio.Reader
	released <-chan struct{}
	words    int
	rest     string // of a line that did not fit
}

func (b *interrupted) Read(p []byte) (int, error) {
	if b.rest == "" {
		next, err := b.lines.ReadString('\n')
		if next == "" {
			return 0, err
		}
		if strings.HasPrefix(next, "event: delta") || strings.HasPrefix(next, "event: done") {
			b.words++
		}
		if b.words > passing {
			select {
			case <-b.released:
			case <-b.ctx.Done():
				return 0, b.ctx.Err()
			}
		}
		b.rest = next
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}
