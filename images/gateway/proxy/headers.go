package proxy

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
)

// claims are request headers that a client could forge: only the gateway knows the
// address of the client and the path of the request.
var claims = []string{
	"Forwarded", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip",
	"Cf-Connecting-Ip", "X-Original-Url", "X-Rewrite-Url", "X-Original-Host",
	"X-Middleware-Subrequest", "Proxy-Connection", "Te", "Trailer", "Expect",
}

// securityHeaders are added to responses that do not have them.
var securityHeaders = [][2]string{
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
	{"Referrer-Policy", "same-origin"},
	{"Permissions-Policy", "camera=(), microphone=(), geolocation=()"},
}

// dataPolicy is the policy of responses that are not pages. The frontend sets the policy of
// pages.
const dataPolicy = "default-src 'none'; frame-ancestors 'none'"

// strictTransport does not have includeSubDomains, because other services of the same
// domain may have no certificate. Browsers could not reach them for a year.
const strictTransport = "max-age=31536000"

// cleanRequest replaces headers that a client could forge by the values of the gateway.
func cleanRequest(header http.Header, x *exchange) {
	for name := range header {
		// Servers that follow CGI read "X_Real_IP" as "X-Real-IP".
		if strings.HasPrefix(name, "X-Forwarded-") || strings.Contains(name, "_") {
			delete(header, name)
		}
	}
	for _, name := range claims {
		delete(header, name)
	}
	if x.route.DropCookies {
		delete(header, "Cookie")
	}
	if x.route.Gzip {
		delete(header, "Accept-Encoding")
	}
	header["X-Forwarded-For"] = []string{x.client.String()}
	header["X-Forwarded-Proto"] = []string{x.scheme}
	header["X-Forwarded-Host"] = []string{x.host}
	header["X-Request-Id"] = []string{x.id}
}

// cleanAnswer changes the response header of an upstream for the client.
func cleanAnswer(header http.Header, x *exchange) {
	for _, name := range []string{"Server", "X-Powered-By", imageHeader} {
		delete(header, name)
	}
	x.common(header)
	if location := header.Get("Location"); location != "" {
		header.Set("Location", x.route.outside(location))
	}
	kind := mediaType(header)
	if kind == "text/event-stream" {
		// With "no-transform", a proxy does not compress the events and so does not delay them.
		header.Set("Cache-Control", "no-cache, no-transform")
		header.Set("X-Accel-Buffering", "no")
	} else if x.route.NoStore {
		setDefault(header, "Cache-Control", "no-store")
	}
	if kind == "application/json" {
		setDefault(header, "Content-Security-Policy", dataPolicy)
	}
}

// common sets the headers of every response, also of a refusal.
func (x *exchange) common(header http.Header) {
	for _, pair := range securityHeaders {
		setDefault(header, pair[0], pair[1])
	}
	if x.scheme == "https" {
		setDefault(header, "Strict-Transport-Security", strictTransport)
	}
	setDefault(header, "X-Request-Id", x.id)
	if x.image != "" {
		header[imageHeader] = []string{x.image}
	}
	if x.last {
		header.Set("Connection", "close")
	}
}

// outside removes the address of the upstream from a redirect.
func (r *route) outside(location string) string {
	origin := r.Upstream.Scheme + "://" + r.Upstream.Host
	if len(location) < len(origin) || !strings.EqualFold(location[:len(origin)], origin) {
		return location
	}
	path := location[len(origin):]
	switch {
	case path == "":
		path = "/"
	case path[0] == '?' || path[0] == '#':
		path = "/" + path
	case path[0] != '/' || strings.HasPrefix(path, "//"):
		return location
	}
	if r.Rewrite == "" || r.Exact {
		return path
	}
	if below, ok := strings.CutPrefix(path, strings.TrimSuffix(r.Rewrite, "/")); ok {
		return strings.TrimSuffix(r.Path, "/") + below
	}
	return path
}

func setDefault(header http.Header, name, value string) {
	if len(header[name]) == 0 {
		header[name] = []string{value}
	}
}

func mediaType(header http.Header) string {
	kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// requestID returns the id of the client if it is valid for the backend, else a new one.
func requestID(given string) string {
	if given != "" && len(given) <= 64 && !strings.ContainsFunc(given, notInID) {
		return given
	}
	return rand.Text()
}

func notInID(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-')
}

// targetOf returns the URL of an escaped path on the upstream.
func targetOf(base *url.URL, escaped, query string) *url.URL {
	path, err := url.PathUnescape(escaped)
	if err != nil {
		path = escaped // does not happen: find has unescaped it
	}
	return &url.URL{Scheme: base.Scheme, Host: base.Host, Path: path, RawPath: escaped, RawQuery: query}
}
