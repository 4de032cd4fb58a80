package proxy

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

var (
	busy    = refusal{status: http.StatusServiceUnavailable, code: "UNAVAILABLE", retryAfter: 2, detail: "The service is busy right now. Please try again in a moment."}
	tooMany = refusal{status: http.StatusTooManyRequests, code: "TOO_MANY_REQUESTS", retryAfter: 1, detail: "Too many requests come from your address. Please try again in a moment."}
)

// ServeHTTP implements http.Handler. The cheap checks come first, and no refused request
// reaches an upstream.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	x := g.begin(w, request)
	defer x.answer.release()
	if refused, ok := g.check(x, request); !ok {
		g.refuse(x, request, refused)
		return
	}
	read, err := g.bodies.read(x.answer, request, x.route.Route)
	if err != nil {
		g.badBody(x, request, err)
		return
	}
	x.body = read
	defer g.bodies.release(read)
	end, refused := g.admit(x)
	if end == nil {
		g.refuse(x, request, refused)
		return
	}
	defer end()
	g.proxy.ServeHTTP(x.answer, x.outgoing(request))
	if x.answer.finish() != nil {
		panic(http.ErrAbortHandler)
	}
}

func (g *Gateway) begin(w http.ResponseWriter, request *http.Request) *exchange {
	x := &exchange{
		began:       time.Now(),
		id:          requestID(request.Header.Get("X-Request-Id")),
		client:      g.peers.client(request),
		scheme:      g.peers.scheme(request),
		host:        request.Host,
		accepts:     strings.Join(request.Header["Accept-Encoding"], ","),
		upgradeIdle: g.config.Limits.UpgradeIdleTimeout,
		answer: &answer{
			ResponseWriter: w, control: http.NewResponseController(w),
			timeout: g.config.Limits.WriteTimeout, pool: g.zips,
		},
		// The connection must close after a message with Content-Length and
		// Transfer-Encoding (RFC 9112, section 6.1). net/http removes the former, so the
		// connection closes after every message with Transfer-Encoding.
		last: g.draining.Load() || len(request.TransferEncoding) > 0,
	}
	if probed[request.URL.Path] {
		x.image = g.config.Image
	}
	return x
}

// check makes the checks that do not need the body.
func (g *Gateway) check(x *exchange, request *http.Request) (refusal, bool) {
	if !slices.Contains(methods, request.Method) {
		x.last = true
		return refusal{
			status: http.StatusMethodNotAllowed, code: "METHOD_NOT_ALLOWED", allow: strings.Join(methods, ", "),
			detail: "This address does not support that method.",
		}, false
	}
	if !validHost(x.host) {
		x.last = true
		return refusal{status: http.StatusBadRequest, code: "BAD_REQUEST", detail: "The Host header of the request is not valid."}, false
	}
	if !g.rates.allow(x.client) {
		return tooMany, false
	}
	found, target, err := g.table.find(request.URL)
	if err != nil {
		return refusal{status: http.StatusBadRequest, code: "BAD_REQUEST", detail: "The path of the request is not valid."}, false
	}
	if found == nil {
		return refusal{status: http.StatusNotFound, code: "NOT_FOUND", detail: "There is nothing at this address."}, false
	}
	x.route, x.target = found, target
	return g.checkUpgrade(x, request)
}

// checkUpgrade allows WebSockets if the route does. For other protocols it removes the
// Upgrade header, so that the client continues with HTTP/1.1 (RFC 9110, section 7.8).
func (g *Gateway) checkUpgrade(x *exchange, request *http.Request) (refusal, bool) {
	protocol := request.Header.Get("Upgrade")
	if protocol == "" {
		return refusal{}, true
	}
	if !strings.EqualFold(protocol, "websocket") {
		request.Header.Del("Upgrade")
		return refusal{}, true
	}
	x.upgrade = x.route.Upgrade && request.Method == http.MethodGet && !hasBody(request)
	if x.upgrade {
		return refusal{}, true
	}
	x.last = true
	return refusal{status: http.StatusBadRequest, code: "BAD_REQUEST", detail: "This address does not support WebSocket."}, false
}

// admit applies the limits of concurrent requests. It returns the function that ends the
// request, or nil and the refusal.
func (g *Gateway) admit(x *exchange) (func(), refusal) {
	end, status := g.flights.begin(x.client)
	switch status {
	case http.StatusTooManyRequests:
		return nil, tooMany
	case http.StatusServiceUnavailable:
		return nil, busy
	}
	if x.route.busy == nil {
		return end, refusal{}
	}
	select {
	case x.route.busy <- struct{}{}:
		return func() { <-x.route.busy; end() }, refusal{}
	default:
		end()
		return nil, busy
	}
}

// outgoing returns the request of the client with the body that was read.
func (x *exchange) outgoing(request *http.Request) *http.Request {
	out := request.WithContext(context.WithValue(request.Context(), exchangeKey{}, x))
	if x.body.rest == nil {
		out.ContentLength, out.TransferEncoding = int64(len(x.body.start)), nil
	}
	out.Body, _ = x.body.reader()
	return out
}

// content returns the body for one attempt, and whether it is complete.
func (x *exchange) content(request *http.Request) (io.ReadCloser, bool) {
	if !x.hasBody() {
		return request.Body, true
	}
	return x.body.reader()
}
