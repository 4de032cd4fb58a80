package proxy

import (
	"compress/gzip"
	"context"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// imageHeader has the digest of the gateway's image.
const imageHeader = "X-Gateway-Image"

// probed are the paths whose responses have imageHeader.
var probed = map[string]bool{"/livez": true, "/readyz": true, "/api/livez": true, "/api/readyz": true}

// methods are the allowed methods. No component uses others, such as TRACE and CONNECT.
var methods = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}

// Gateway is a reverse proxy with limits.
type Gateway struct {
	config      Config
	log         *Log
	peers       peers
	table       table
	upstreams   []*upstream
	connections *connections
	rates       *rates
	flights     *flights
	bodies      *bodies
	zips        chan *gzip.Writer
	proxy       *httputil.ReverseProxy
	draining    atomic.Bool
}

// New returns a Gateway. Its routes must be valid; settings.Read checks them.
func New(config Config, log *Log) *Gateway {
	g := &Gateway{
		config:  config,
		log:     log,
		peers:   peers{trusted: config.TrustedProxies, public: config.PublicURL},
		rates:   newRates(config.Limits),
		flights: newFlights(config.Limits),
		zips:    make(chan *gzip.Writer, compressors),
	}
	for range compressors {
		g.zips <- nil
	}
	g.connections = newConnections(config.Limits, g.peers.trusts)
	g.bodies = &bodies{room: semaphore.NewWeighted(config.Limits.BufferedBytes), connections: g.connections}
	made := map[string]*upstream{}
	g.table = newTable(config.Routes, func(r Route) *upstream {
		key := r.Upstream.String() + " " + r.KeepIdle.String()
		if made[key] == nil {
			made[key] = newUpstream(r.KeepIdle)
			g.upstreams = append(g.upstreams, made[key])
		}
		return made[key]
	})
	g.proxy = &httputil.ReverseProxy{
		Rewrite:        rewrite,
		Transport:      dispatcher{},
		ModifyResponse: modify,
		ErrorHandler:   g.failed,
		BufferPool:     &buffers{},
		ErrorLog:       g.errorLog(),
	}
	return g
}

// Server returns an http.Server for the listener that Listener returns.
func (g *Gateway) Server() *http.Server {
	limits := g.config.Limits
	return &http.Server{
		Handler:           g,
		ReadHeaderTimeout: limits.HeaderTimeout,
		IdleTimeout:       limits.IdleTimeout,
		WriteTimeout:      limits.WriteTimeout, // each write extends it
		MaxHeaderBytes:    limits.HeaderBytes,
		ConnState:         g.connections.state,
		ErrorLog:          g.errorLog(),
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connectionKey{}, conn)
		},
	}
}

// Listener returns a listener that limits the connections of another listener.
func (g *Gateway) Listener(from net.Listener) net.Listener {
	return listener{Listener: from, connections: g.connections}
}

// Drain makes the readiness probe fail. The gateway still answers requests, but closes
// each connection after its response, so that clients connect to another pod.
func (g *Gateway) Drain() { g.draining.Store(true) }

// Close closes the idle connections to upstreams.
func (g *Gateway) Close() {
	for _, each := range g.upstreams {
		each.close()
	}
}

func (g *Gateway) errorLog() *log.Logger { return log.New(g.log, "", 0) }

type connectionKey struct{}

func connectionOf(ctx context.Context) *connection {
	found, _ := ctx.Value(connectionKey{}).(*connection)
	return found
}

// exchange has the data of a request while it is handled.
type exchange struct {
	began       time.Time
	id          string
	client      netip.Addr
	scheme      string
	host        string
	image       string // for imageHeader, or ""
	route       *route
	target      string // escaped path of the request to the upstream
	accepts     string // the client's Accept-Encoding
	body        *body
	answer      *answer
	upgrade     bool
	upgradeIdle time.Duration
	last        bool // the connection closes after this response
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	found, _ := ctx.Value(exchangeKey{}).(*exchange)
	return found
}

func (x *exchange) hasBody() bool {
	return x.body != nil && (len(x.body.start) > 0 || x.body.rest != nil)
}

// buffers has the memory for copying responses.
type buffers struct{ pool sync.Pool }

// Get implements httputil.BufferPool.
func (b *buffers) Get() []byte {
	if found, ok := b.pool.Get().(*[]byte); ok {
		return *found
	}
	return make([]byte, 16<<10)
}

// Put implements httputil.BufferPool.
func (b *buffers) Put(piece []byte) { b.pool.Put(&piece) }

// rewrite turns the request of the client into the request to the upstream.
func rewrite(p *httputil.ProxyRequest) {
	x := exchangeOf(p.In.Context())
	p.Out.URL = targetOf(x.route.Upstream, x.target, p.In.URL.RawQuery)
	p.Out.Host = x.route.Upstream.Host
	if x.route.KeepHost {
		p.Out.Host = x.host
	}
	p.Out.Trailer = nil
	cleanRequest(p.Out.Header, x)
}

func modify(response *http.Response) error {
	x := exchangeOf(response.Request.Context())
	if response.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	cleanAnswer(response.Header, x)
	response.Trailer = nil
	if x.route.Gzip {
		x.answer.compress(response.Request, x.accepts, response)
	}
	return nil
}

// failed sends the response when the upstream sent none.
func (g *Gateway) failed(_ http.ResponseWriter, request *http.Request, err error) {
	x := exchangeOf(request.Context())
	if cause := x.body.failure(); cause != nil {
		g.badBody(x, request, cause)
		return
	}
	if request.Context().Err() != nil || x.answer.started {
		panic(http.ErrAbortHandler) // the client has disconnected, or has a part of the response
	}
	refused := refusal{status: http.StatusBadGateway, code: "UNAVAILABLE", retryAfter: 2, detail: unreachable}
	g.report(x, request, refused, err.Error())
	refused.write(x.answer, request, x)
}

// unreachable is a text for people.
const unreachable = "The service cannot be reached right now. Please try again in a moment."

func (g *Gateway) badBody(x *exchange, request *http.Request, err error) {
	x.last = true
	switch {
	case errors.Is(err, errTooLarge):
		g.refuse(x, request, refusal{status: http.StatusRequestEntityTooLarge, code: "PAYLOAD_TOO_LARGE", detail: "The request is too large."})
	case errors.Is(err, errTooSlow):
		g.refuse(x, request, refusal{status: http.StatusRequestTimeout, code: "REQUEST_TIMEOUT", detail: "The request took too long to arrive. Please try again."})
	case errors.Is(err, errNoRoom):
		g.refuse(x, request, busy)
	case request.Context().Err() != nil:
		panic(http.ErrAbortHandler)
	default:
		g.refuse(x, request, refusal{status: http.StatusBadRequest, code: "BAD_REQUEST", detail: "The body of the request cannot be read."})
	}
}

func (g *Gateway) refuse(x *exchange, request *http.Request, r refusal) {
	g.report(x, request, r, r.detail)
	r.write(x.answer, request, x)
}

func (g *Gateway) report(x *exchange, request *http.Request, r refusal, cause string) {
	message := "request refused"
	if r.status == http.StatusBadGateway {
		message = "upstream not reached"
	}
	g.log.line(levelOf(r.status), message,
		slog.Int("status", r.status),
		slog.String("method", bounded(request.Method, 20)),
		slog.String("path", bounded(strings.ToValidUTF8(request.URL.Path, "?"), maxLogged)),
		slog.String("client", x.client.String()),
		slog.String("cause", bounded(cause, maxLogged)),
		slog.String("request_id", x.id))
}
