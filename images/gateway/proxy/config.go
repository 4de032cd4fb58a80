package proxy

import (
	"net/netip"
	"net/url"
	"time"
)

// Config is the configuration of a Gateway. The package settings reads it from
// environment variables.
type Config struct {
	Routes []Route
	// Image is the value of X-Gateway-Image, the digest of the gateway's image.
	Image string
	// PublicURL is the address that people use, or nil. Requests to its host get its
	// scheme, also if the connection uses another one.
	PublicURL *url.URL
	// TrustedProxies are the peers whose X-Forwarded-For and X-Forwarded-Proto are trusted.
	TrustedProxies []netip.Prefix
	// Ready is the URL that the probes request; with nil, they check only the gateway.
	Ready  *url.URL
	Limits Limits
}

// Route is the upstream of the requests below a path, with their limits.
type Route struct {
	// Path matches whole segments: "/a" matches itself and all paths below it, "/a/"
	// only the paths below it. The route with the longest path is used.
	Path string
	// Exact restricts the route to Path itself.
	Exact bool
	// Upstream is an origin: scheme, host and port.
	Upstream *url.URL
	// Rewrite replaces Path in the request to the upstream; "" changes nothing.
	Rewrite string
	// MaxBody limits the body of a request, in bytes.
	MaxBody int64
	// BodyTimeout limits the time to receive a body.
	BodyTimeout time.Duration
	// ReadTimeout limits the time until the upstream starts to answer a request that
	// only reads. Then the request is repeated on another connection.
	ReadTimeout time.Duration
	// SilenceTimeout limits the time until the upstream starts to answer any other
	// request, and the pauses of an event stream.
	SilenceTimeout time.Duration
	// KeepIdle is the time for which an unused connection to the upstream is kept. The
	// upstream must keep it longer.
	KeepIdle time.Duration
	// Upgrade allows WebSockets.
	Upgrade bool
	// KeepHost sends the Host header of the client to the upstream, not the upstream's own.
	KeepHost bool
	// DropCookies removes cookies from requests to the upstream.
	DropCookies bool
	// Gzip compresses JSON of at least 1 KiB. The upstream must not compress it.
	Gzip bool
	// NoStore adds "Cache-Control: no-store" to responses without that header.
	NoStore bool
	// MaxInFlight limits the concurrent requests of the route; 0 means no limit.
	MaxInFlight int
	// AccountErrors selects the error format of Better Auth: message and code.
	AccountErrors bool
}

// Limits are the limits for all routes together. The values of DefaultLimits fit into
// 64 MiB of memory.
type Limits struct {
	// HeaderTimeout limits the time to receive the header of a request.
	HeaderTimeout time.Duration
	// HeaderBytes limits the size of the header; net/http adds 4 KiB.
	HeaderBytes int
	// IdleTimeout closes idle connections of clients.
	IdleTimeout time.Duration
	// UpgradeIdleTimeout closes a WebSocket without traffic.
	UpgradeIdleTimeout time.Duration
	// WriteTimeout aborts a response when the client does not read it.
	WriteTimeout time.Duration
	// Connections limits all connections, ConnectionsPerAddress those of one address.
	// Above a limit, the oldest connection without a complete request is closed.
	Connections, ConnectionsPerAddress int
	// InFlight limits the concurrent requests to upstreams, in total and per address.
	InFlight, InFlightPerAddress int
	// Rate limits the requests of one address per second, Burst the requests at once.
	Rate  float64
	Burst int
	// BufferedBytes limits the memory of all request bodies.
	BufferedBytes int64
}

// DefaultLimits returns limits that are high for one address, because many people behind
// a node port can share an address.
func DefaultLimits() Limits {
	return Limits{
		HeaderTimeout:         10 * time.Second,
		HeaderBytes:           16 << 10,
		IdleTimeout:           75 * time.Second,
		UpgradeIdleTimeout:    30 * time.Second,
		WriteTimeout:          60 * time.Second,
		Connections:           1_024,
		ConnectionsPerAddress: 768,
		InFlight:              256,
		InFlightPerAddress:    192,
		Rate:                  200,
		Burst:                 400,
		BufferedBytes:         8 << 20,
	}
}
