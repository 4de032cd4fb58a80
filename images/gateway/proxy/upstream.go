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
	// connectTimeout includes a lost packet: the address of a pod that is gone says
	// nothing at all.
	connectTimeout = 1_500 * time.Millisecond
	// repeatWithin is how long after a request came it may still be sent again.
	repeatWithin = 45 * time.Second
	// pausedAnswer is the patience with an answer that stops in the middle, where it
	// is not an event stream.
	pausedAnswer = 30 * time.Second
	// maxAnswerHeader bounds the header of an upstream's answer, in bytes.
	maxAnswerHeader = 64 << 10
	// keptPerUpstream bounds the idle connections to an upstream.
	keptPerUpstream = 32
)

// pauses come before a request that the upstream has not seen, or that only
// reads, is sent once more. A pod that is replaced is still asked for a moment after
// it has stopped to listen, and closes the connections kept to it.
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
		DisableCompression:     true, // what the client accepts is passed on, or nothing
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

// RoundTrip asks, and asks again where nothing can be done twice.
func (dispatcher) RoundTrip(request *http.Request) (*http.Response, error) {
	x := exchangeOf(request.Context())
	reads := (request.Method == http.MethodGet || request.Method == http.MethodHead) && !x.hasBody()
	// What changes something has a connection of its own: one that was kept may
	// just be closed, and then nobody knows whether the upstream got it.
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

// ask sends a request once. connected tells whether the upstream may have seen it.
func ask(request *http.Request, x *exchange, transport *http.Transport, patience time.Duration) (*http.Response, bool, error) {
	content, whole := x.content(request)
	if !whole {
		return nil, true, errors.New("the beginning of the body is gone")
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

// upstreamBody ends an answer in the middle of which the upstream falls silent.
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
	b.timer.Stop() // a slow client is not the upstream's fault
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

// upgraded is the upstream's side of a WebSocket. All bytes of both directions go
// through it, so it knows when none do.
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
