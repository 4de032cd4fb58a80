// Package settings reads the settings of the gateway from environment variables, and
// reports all problems together. It opens neither files nor connections.
package settings

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"todo-chatbot/images/gateway/proxy"
)

// Settings is the configuration of the process.
type Settings struct {
	// Listen and ProbesListen are addresses, host:port.
	Listen, ProbesListen string
	// Drain is the time after SIGTERM in which the gateway answers but is not ready.
	// Shutdown is the time for running requests after that.
	Drain, Shutdown time.Duration
	Proxy           proxy.Config
}

// Error lists all problems of the environment.
type Error struct{ Problems []string }

// Error implements error.
func (e *Error) Error() string {
	return "read settings of the gateway:\n  - " + strings.Join(e.Problems, "\n  - ")
}

// Read returns the settings, or an *Error. An empty variable counts as missing.
func Read(getenv func(string) string) (Settings, error) {
	r := &reader{getenv: getenv}
	limits := proxy.DefaultLimits()
	limits.HeaderTimeout = r.seconds("GATEWAY_HEADER_SECONDS", limits.HeaderTimeout, 1, 60)
	limits.HeaderBytes = r.number("GATEWAY_MAX_HEADER_BYTES", limits.HeaderBytes, 4<<10, 1<<20)
	limits.IdleTimeout = r.seconds("GATEWAY_IDLE_SECONDS", limits.IdleTimeout, 1, 600)
	limits.UpgradeIdleTimeout = r.seconds("GATEWAY_UPGRADE_IDLE_SECONDS", limits.UpgradeIdleTimeout, 1, 3_600)
	limits.WriteTimeout = r.seconds("GATEWAY_WRITE_SECONDS", limits.WriteTimeout, 1, 600)
	limits.Connections = r.number("GATEWAY_MAX_CONNECTIONS", limits.Connections, 1, 100_000)
	limits.ConnectionsPerAddress = r.number("GATEWAY_MAX_CONNECTIONS_PER_ADDRESS", min(limits.ConnectionsPerAddress, limits.Connections), 1, 100_000)
	limits.InFlight = r.number("GATEWAY_MAX_IN_FLIGHT", limits.InFlight, 1, 10_000)
	limits.InFlightPerAddress = r.number("GATEWAY_MAX_IN_FLIGHT_PER_ADDRESS", min(limits.InFlightPerAddress, limits.InFlight), 1, 10_000)
	limits.Rate = float64(r.number("GATEWAY_RATE", int(limits.Rate), 1, 100_000))
	limits.Burst = r.number("GATEWAY_BURST", limits.Burst, 1, 100_000)
	limits.BufferedBytes = int64(r.number("GATEWAY_BUFFERED_BYTES", int(limits.BufferedBytes), 128<<10, 1<<30))

	read := Settings{
		Listen:       r.address("GATEWAY_LISTEN", "0.0.0.0:8080"),
		ProbesListen: r.address("GATEWAY_PROBES_LISTEN", "0.0.0.0:8081"),
		Drain:        r.seconds("GATEWAY_DRAIN_SECONDS", 3*time.Second, 0, 60),
		Shutdown:     r.seconds("GATEWAY_SHUTDOWN_SECONDS", 65*time.Second, 1, 3_600),
		Proxy: proxy.Config{
			Image:          r.image("IMAGE_DIGEST"),
			PublicURL:      r.url("PUBLIC_URL"),
			TrustedProxies: r.prefixes("GATEWAY_TRUSTED_PROXIES"),
			Ready:          r.url("GATEWAY_READY_URL"),
			Limits:         limits,
		},
	}
	frontend := r.origin("FRONTEND_URL")
	backend := r.origin("BACKEND_URL")
	if read.Proxy.Ready == nil && frontend != nil {
		read.Proxy.Ready = frontend.JoinPath("livez")
	}
	read.Proxy.Routes = r.routes(frontend, backend)
	if len(r.problems) > 0 {
		return Settings{}, &Error{Problems: r.problems}
	}
	return read, nil
}

// reader collects problems.
type reader struct {
	getenv   func(string) string
	problems []string
}

func (r *reader) problem(format string, values ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, values...))
}

func (r *reader) text(name string) string { return strings.TrimSpace(r.getenv(name)) }

func (r *reader) number(name string, fallback, least, most int) int {
	text := r.text(name)
	if text == "" {
		return fallback
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < least || value > most {
		r.problem("%s is %q: it must be a whole number from %d to %d", name, text, least, most)
		return fallback
	}
	return value
}

func (r *reader) seconds(name string, fallback time.Duration, least, most int) time.Duration {
	return time.Duration(r.number(name, int(fallback/time.Second), least, most)) * time.Second
}

func (r *reader) address(name, fallback string) string {
	text := r.text(name)
	if text == "" {
		return fallback
	}
	if _, err := netip.ParseAddrPort(text); err != nil {
		r.problem("%s is %q: it must be an address and a port such as %s", name, text, fallback)
	}
	return text
}

// url reads a URL of http or https.
func (r *reader) url(name string) *url.URL {
	return r.parsed(name, func(u *url.URL) bool { return u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") })
}

// origin reads a URL without a path.
func (r *reader) origin(name string) *url.URL { return r.parsed(name, isOrigin) }

func (r *reader) parsed(name string, valid func(*url.URL) bool) *url.URL {
	text := r.text(name)
	if text == "" {
		return nil
	}
	parsed, err := url.Parse(text)
	if err != nil || !valid(parsed) {
		r.problem("%s is %q: it must be a URL such as http://127.0.0.1:3000", name, text)
		return nil
	}
	return parsed
}

// isOrigin tells whether a URL has only scheme, host and port.
func isOrigin(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil &&
		(u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == "" && !u.ForceQuery
}

func (r *reader) prefixes(name string) []netip.Prefix {
	var found []netip.Prefix
	for _, entry := range strings.FieldsFunc(r.text(name), func(c rune) bool { return c == ',' || c == ' ' }) {
		prefix, err := netip.ParsePrefix(entry)
		if err != nil {
			address, failed := netip.ParseAddr(entry)
			if failed != nil || address.Zone() != "" {
				r.problem("%s has %q: write networks such as 10.0.0.0/8, separated by commas", name, entry)
				continue
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		found = append(found, prefix.Masked())
	}
	return found
}

func (r *reader) image(name string) string {
	text := r.text(name)
	if len(text) > 256 || strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' }) {
		r.problem("%s is %q: it must be a digest or a tag", name, text)
		return ""
	}
	return text
}
