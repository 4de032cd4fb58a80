package proxy

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// maxHops limits the entries of X-Forwarded-For that are read, from its end.
const maxHops = 32

// peers finds the client of a request, and the headers of proxies that are trusted.
type peers struct {
	trusted []netip.Prefix
	public  *url.URL
}

func (p peers) trusts(address netip.Addr) bool {
	for _, prefix := range p.trusted {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// client returns the address of the client. It is the address of the socket or, if that
// is a trusted proxy, the last entry of X-Forwarded-For that is not a trusted proxy. The
// search ends at an invalid entry, because trusted proxies write valid ones.
func (p peers) client(request *http.Request) netip.Addr {
	found := socketAddress(request.RemoteAddr)
	if !p.trusts(found) {
		return found
	}
	hops := 0
	for line := len(request.Header["X-Forwarded-For"]) - 1; line >= 0; line-- {
		entries := strings.Split(request.Header["X-Forwarded-For"][line], ",")
		for i := len(entries) - 1; i >= 0; i-- {
			hops++
			next, ok := forwardedAddress(entries[i])
			if !ok || hops > maxHops {
				return found
			}
			found = next
			if !p.trusts(found) {
				return found
			}
		}
	}
	return found
}

// scheme returns "https" or "http": the scheme of the public address for requests to its
// host, else the scheme that a trusted proxy reports, else "http".
func (p peers) scheme(request *http.Request) string {
	if p.public != nil && strings.EqualFold(request.Host, p.public.Host) {
		return p.public.Scheme
	}
	if p.trusts(socketAddress(request.RemoteAddr)) {
		lines := request.Header["X-Forwarded-Proto"]
		if len(lines) > 0 {
			entries := strings.Split(lines[len(lines)-1], ",")
			if strings.EqualFold(strings.TrimSpace(entries[len(entries)-1]), "https") {
				return "https"
			}
		}
	}
	return "http"
}

func socketAddress(remote string) netip.Addr {
	parsed, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.IPv4Unspecified()
	}
	return parsed.Addr().Unmap().WithZone("")
}

// forwardedAddress reads "1.2.3.4", "1.2.3.4:5", "::1", "[::1]" and "[::1]:5".
func forwardedAddress(entry string) (netip.Addr, bool) {
	entry = strings.TrimSpace(entry)
	if len(entry) > 64 {
		return netip.Addr{}, false
	}
	if inner, ok := strings.CutPrefix(entry, "["); ok && strings.HasSuffix(inner, "]") {
		entry = strings.TrimSuffix(inner, "]")
	}
	address, err := netip.ParseAddr(entry)
	if err != nil {
		withPort, failed := netip.ParseAddrPort(entry)
		if failed != nil {
			return netip.Addr{}, false
		}
		address = withPort.Addr()
	}
	return address.Unmap(), address.Zone() == ""
}

// group returns the address by which limits count: an IPv4 address itself, or the /64
// network of an IPv6 address, because a household or machine has a whole network.
func group(address netip.Addr) netip.Addr {
	if !address.Is6() {
		return address
	}
	prefix, err := address.Prefix(64)
	if err != nil {
		return address
	}
	return prefix.Addr()
}

// validHost accepts a name or an address, with or without a port.
func validHost(host string) bool {
	name := host
	if colon := strings.LastIndexByte(host, ':'); colon >= 0 && !strings.HasSuffix(host, "]") {
		name = host[:colon]
		port, err := strconv.ParseUint(host[colon+1:], 10, 16)
		if err != nil || port == 0 || len(host)-colon > 6 {
			return false
		}
	}
	if inner, ok := strings.CutPrefix(name, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		ip := net.ParseIP(inner)
		return ok && ip != nil && strings.Contains(inner, ":")
	}
	if name == "" || len(name) > 253 {
		return false
	}
	return !strings.ContainsFunc(name, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_')
	})
}
