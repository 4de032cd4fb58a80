package proxy

import (
	"net/netip"
	"net/url"
	"time"
)

// Config is everything that a Gateway needs to know. The package settings reads
// it from environment variables.
type Config struct {
	Routes []Route
	// Image identifies the gateway's own image in X-Gateway-Image.
	Image string
	// PublicURL is the address that people use, or nil. Requests to its host have
	// its scheme, whatever the socket says.
	PublicURL *url.URL
	// TrustedProxies are the peers whose X-Forwarded-For and X-Forwarded-Proto count.
	TrustedProxies []netip.Prefix
	// Ready is asked by the probes; nil when the gateway alone decides.
	Ready  *url.URL
	Limits Limits
}

// Route says who answers the requests below a path, and within which limits.
type Route struct {
	// Path is matched at the boundaries of path segments: "/a" stands for itself
	// and everything below, "/a/" only for everything below. The longest path wins.
	Path string
	// Exact restricts the route to Path itself.
	Exact bool
	// Upstream is an origin: scheme, host and port.
	Upstream *url.URL
	// Rewrite takes the place of Path in what the upstream is asked; "" changes nothing.
	Rewrite string
	// MaxBody bounds the body of a request, in bytes.
	MaxBody int64
	// BodyTimeout bounds the time that a whole body takes.
	BodyTimeout time.Duration
	// ReadTimeout is the patience with an upstream that does not begin to answer
	// what only reads; then it is asked again over another connection.
	ReadTimeout time.Duration
	// SilenceTimeout is the patience with an upstream that does not begin to answer
	// what may change something, or pauses within an event stream.
	SilenceTimeout time.Duration
	// KeepIdle is how long an unused connection to the upstream is kept. It must be
	// shorter than the upstream keeps it.
	KeepIdle time.Duration
	// Upgrade passes WebSockets.
	Upgrade bool
	// KeepHost passes the client's Host on; else the upstream sees its own.
	KeepHost bool
	// DropCookies keeps cookies from the upstream.
	DropCookies bool
	// Gzip compresses JSON of 1 KiB and more, and asks the upstream for plain answers.
	Gzip bool
	// NoStore forbids caches to keep answers that do not say otherwise.
	NoStore bool
	// MaxInFlight bounds how many requests the route answers at once; 0 is no bound
	// of its own.
	MaxInFlight int
	// AccountErrors answers refusals as Better Auth does: message and code.
	AccountErrors bool
}

// Limits are the bounds that hold for all routes. DefaultLimits has the values
// that fit 64 MiB of memory.
type Limits struct {
	// HeaderTimeout bounds the time until a request's header is complete.
	HeaderTimeout time.Duration
	// HeaderBytes bounds its size; net/http adds 4 KiB of its own.
	HeaderBytes int
	// IdleTimeout ends kept connections of clients.
	IdleTimeout time.Duration
	// UpgradeIdleTimeout ends a WebSocket over which no byte goes either way.
	UpgradeIdleTimeout time.Duration
	// WriteTimeout ends an answer whose reader takes nothing for so long.
	WriteTimeout time.Duration
	// Connections bounds all connections, and those of one address. Beyond it, the
	// oldest connection that has no complete request is ended to make room.
	Connections, ConnectionsPerAddress int
	// InFlight bounds the requests that hold an upstream, and those of one address.
	InFlight, InFlightPerAddress int
	// Rate and Burst bound the requests of one address, per second.
	Rate  float64
	Burst int
	// BufferedBytes bounds the memory of all bodies that are being read.
	BufferedBytes int64
}

// DefaultLimits are generous for one address, as the people behind a node port
// often share one.
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
