package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// connectTimeout allows for a lost packet. The address of a deleted pod does not
	// answer at all.
	connectTimeout = 1_500 * time.Millisecond
	// repeatWithin is the time after the arrival of a request in which it can be repeated.
	repeatWithin = 45 * time.Second
	// pausedAnswer limits the pauses within a response that is not an event stream.
	pausedAnswer = 30 * time.Second
	// maxAnswerHeader limits the response header of an upstream, in bytes.
	maxAnswerHeader = 64 << 10
	// keptPerUpstream limits the idle connections to an upstream.
	keptPerUpstream = 32
)

// pauses are the pauses before each repetition of a request. Repetitions cover the moment
// in which a pod is replaced: it still receives requests after it has stopped listening,
// and it closes its idle connections.
var pauses = []time.Duration{20 * time.Millisecond, 250 * time.Millisecond, time.Second}

var errSilent = errors.New("no answer in time")

// upstream sends requests to one origin.
type upstream struct {
	kept  *http.Transport
	fresh *http.Transport // a connection for each request
}

func newUpstream(idle time.Duration) *upstream {
	transport := &http.Transport{
		DialContext:            (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSHandshakeTimeout:    connectTimeout,
		IdleConnTimeout:        idle,
		MaxIdleConns:           keptPerUpstream,
		MaxIdleConnsPerHost:    keptPerUpstream,
		MaxResponseHeaderBytes: maxAnswerHeader,
		DisableCompression:     true, // the client's Accept-Encoding decides
	}
	fresh := transport.Clone()
	fresh.DisableKeepAlives = true
	return &upstream{kept: transport, fresh: fresh}
}

func (u *upstream) close() {
	u.kept.CloseIdleConnections()
	u.fresh.CloseIdleConnections()
}

// dispatcher sends each request to the upstream of its route.
type dispatcher struct{}

// RoundTrip sends the request, and repeats it if that cannot repeat an effect.
func (dispatcher) RoundTrip(request *http.Request) (*http.Response, error) {
	x := exchangeOf(request.Context())
	reads := (request.Method == http.MethodGet || request.Method == http.MethodHead) && !x.hasBody()
	// A request that can change something has its own connection. If the upstream closed
	// a kept connection at that moment, it would be unknown whether it got the request.
	transport, patience := x.route.upstream.fresh, x.route.SilenceTimeout
	if reads {
		patience = x.route.ReadTimeout
		if !x.upgrade {
			transport = x.route.upstream.kept
		}
	}
	for attempt := 0; ; attempt++ {
		response, connected, err := ask(request, x, transport, patience)
		switch {
		case err == nil:
			return response, nil
		case attempt == len(pauses), connected && !reads, time.Since(x.began) > repeatWithin:
			return nil, err
		}
		select {
		case <-request.Context().Done():
			return nil, err
		case <-time.After(pauses[attempt]):
		}
		transport = x.route.upstream.fresh
	}
}

// ask sends a request once. connected tells whether the upstream may have received it.
func ask(request *http.Request, x *exchange, transport *http.Transport, patience time.Duration) (*http.Response, bool, error) {
	content, whole := x.content(request)
	if !whole {
		return nil, true, errors.New("repeat the request: a part of its body was sent already")
	}
	ctx, cancel := context.WithCancelCause(request.Context())
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	asked := request.WithContext(httptrace.WithClientTrace(ctx, trace))
	asked.Body, asked.GetBody = content, nil
	silence := time.AfterFunc(patience, func() { cancel(errSilent) })
	response, err := transport.RoundTrip(asked)
	silence.Stop()
	if err != nil {
		if errors.Is(context.Cause(ctx), errSilent) {
			err = errSilent
		}
		cancel(nil)
		return nil, connected.Load(), err
	}
	if stream, ok := response.Body.(io.ReadWriteCloser); ok && response.StatusCode == http.StatusSwitchingProtocols {
		response.Body = newUpgraded(stream, x.upgradeIdle, cancel)
		return response, true, nil
	}
	pause := pausedAnswer
	if mediaType(response.Header) == "text/event-stream" {
		pause = x.route.SilenceTimeout
	}
	response.Body = &upstreamBody{ReadCloser: response.Body, pause: pause, cancel: cancel}
	return response, true, nil
}

// upstreamBody aborts a response when the upstream pauses for too long.
type upstreamBody struct {
	io.ReadCloser
	pause  time.Duration
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

// Read implements io.Reader.
func (b *upstreamBody) Read(into []byte) (int, error) {
	if b.timer == nil {
		b.timer = time.AfterFunc(b.pause, func() { b.cancel(errSilent) })
	} else {
		b.timer.Reset(b.pause)
	}
	count, err := b.ReadCloser.Read(into)
	b.timer.Stop() // the time of a slow client does not count
	return count, err
}

// Close implements io.Closer.
func (b *upstreamBody) Close() error {
	err := b.ReadCloser.Close()
	if b.timer != nil {
		b.timer.Stop()
	}
	b.cancel(nil)
	return err
}

// upgraded is the upstream's side of a WebSocket. The bytes of both directions pass
// through it, so it can detect an idle WebSocket.
type upgraded struct {
	io.ReadWriteCloser
	idle   time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
	once   sync.Once
}

func newUpgraded(stream io.ReadWriteCloser, idle time.Duration, cancel context.CancelCauseFunc) *upgraded {
	made := &upgraded{ReadWriteCloser: stream, idle: idle, cancel: cancel}
	made.timer = time.AfterFunc(idle, func() { _ = made.Close() })
	return made
}

// Read implements io.Reader.
func (u *upgraded) Read(into []byte) (int, error) {
	count, err := u.ReadWriteCloser.Read(into)
	if count > 0 {
		u.timer.Reset(u.idle)
	}
	return count, err
}

// Write implements io.Writer.
func (u *upgraded) Write(from []byte) (int, error) {
	count, err := u.ReadWriteCloser.Write(from)
	if count > 0 {
		u.timer.Reset(u.idle)
	}
	return count, err
}

// Close implements io.Closer.
func (u *upgraded) Close() (err error) {
	u.once.Do(func() {
		u.timer.Stop()
		err = u.ReadWriteCloser.Close()
		u.cancel(nil)
	})
	return err
}
