package proxy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClientIsLastForwardedAddressThatIsNotTrusted(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	many := strings.Repeat("1.2.3.4, ", 999) + "5.6.7.8"
	for _, test := range []struct {
		socket string
		lines  []string
		want   string
	}{
		{"192.0.2.1:5", []string{"1.2.3.4"}, "192.0.2.1"},
		{"[2001:db8::7]:5", []string{"1.2.3.4"}, "2001:db8::7"},
		{"[::ffff:192.0.2.1]:5", nil, "192.0.2.1"},
		{"10.0.0.1:5", nil, "10.0.0.1"},
		{"10.0.0.1:5", []string{"1.2.3.4"}, "1.2.3.4"},
		{"[::ffff:10.0.0.1]:5", []string{"1.2.3.4"}, "1.2.3.4"},
		{"10.0.0.1:5", []string{"9.9.9.9, 1.2.3.4, 10.0.0.2"}, "1.2.3.4"},
		{"10.0.0.1:5", []string{"9.9.9.9", "1.2.3.4", "10.0.0.2"}, "1.2.3.4"},
		{"10.0.0.1:5", []string{"1.2.3.4:80"}, "1.2.3.4"},
		{"10.0.0.1:5", []string{"[2001:db8::1]:80"}, "2001:db8::1"},
		{"10.0.0.1:5", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"10.0.0.1:5", []string{"2001:db8::1"}, "2001:db8::1"},
		{"[2001:db8:1::1]:5", []string{"9.9.9.9, 2001:db8:1::2"}, "9.9.9.9"},
		{"10.0.0.1:5", []string{"1.2.3.4, unknown"}, "10.0.0.1"},
		{"10.0.0.1:5", []string{"1.2.3.4, junk, 10.0.0.2"}, "10.0.0.2"},
		{"10.0.0.1:5", []string{"1.2.3.4, "}, "10.0.0.1"},
		{"10.0.0.1:5", []string{"fe80::1%eth0"}, "10.0.0.1"},
		{"10.0.0.1:5", []string{strings.Repeat("1", 5_000)}, "10.0.0.1"},
		{"10.0.0.1:5", []string{many}, "5.6.7.8"},
		{"10.0.0.1:5", []string{"1.2.3.4, " + strings.Repeat("10.0.0.2, ", 40) + "10.0.0.3"}, "10.0.0.2"},
		{"10.0.0.1:5", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"nonsense", []string{"1.2.3.4"}, "0.0.0.0"},
	} {
		request := &http.Request{RemoteAddr: test.socket, Header: http.Header{"X-Forwarded-For": test.lines}}
		assert.Equal(t, test.want, peers{trusted: trusted}.client(request).String(), "%s %.60q", test.socket, test.lines)
	}
}

func TestSchemeComesFromPublicAddressOrTrustedProxy(t *testing.T) {
	public := parsed(t, "https://todo.example:8443")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, test := range []struct{ socket, host, given, want string }{
		{"192.0.2.1:1", "todo.example:8443", "", "https"},
		{"192.0.2.1:1", "TODO.example:8443", "http", "https"},
		{"192.0.2.1:1", "todo.example", "https", "http"},
		{"192.0.2.1:1", "127.0.0.1:30080", "https", "http"},
		{"10.1.2.3:1", "other.example", "https", "https"},
		{"10.1.2.3:1", "other.example", "https, http", "http"},
		{"10.1.2.3:1", "other.example", "ftp", "http"},
		{"10.1.2.3:1", "other.example", "", "http"},
	} {
		request := &http.Request{RemoteAddr: test.socket, Host: test.host, Header: http.Header{"X-Forwarded-Proto": {test.given}}}
		assert.Equal(t, test.want, peers{trusted: trusted, public: public}.scheme(request), "%+v", test)
	}
}

// TestSpoofedHeadersDoNotReachUpstreams sends every header that a client could forge.
func TestSpoofedHeadersDoNotReachUpstreams(t *testing.T) {
	upstream := serving(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		r.Header.Set("Host", r.Host)
		_ = json.NewEncoder(w).Encode(r.Header)
	})
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	client := gateway.dial(t)
	spoofed := ""
	for _, name := range []string{
		"X-Forwarded-For", "x-forwarded-for", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix",
		"X-Forwarded-Server", "X-Forwarded-Ssl", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP",
		"X-Original-URL", "X-Rewrite-URL", "X_Forwarded_For", "X_REAL_IP", "X-Middleware-Subrequest", "Proxy-Connection", "Keep-Alive", "Trailer",
	} {
		spoofed += name + ": 6.6.6.6\r\n"
	}
	client.send(t, "GET /api/u1/tasks HTTP/1.1\r\nHost: todo.example:80\r\nForwarded: for=6.6.6.6;proto=https\r\n"+spoofed+
		"Connection: X-Forwarded-For, X-Request-Id, X-Hop\r\nX-Hop: 6.6.6.6\r\nTE: trailers\r\nX-Request-Id: a\x20b\r\nCookie: s=1\r\nAccept-Encoding: gzip\r\nAuthorization: Bearer t\r\n\r\n")
	response, text := client.answer(t)
	require.Equal(t, 200, response.StatusCode, text)
	var seen map[string][]string
	require.NoError(t, json.Unmarshal([]byte(text), &seen))
	id := seen["X-Request-Id"]
	require.Len(t, id, 1)
	assert.Regexp(t, `^[A-Z2-7]{26}$`, id[0])
	assert.Equal(t, id[0], response.Header.Get("X-Request-Id"))
	assert.Equal(t, map[string][]string{
		"Authorization": {"Bearer t"}, "Host": {upstream.Host}, "X-Request-Id": id,
		"X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"todo.example:80"},
	}, seen)
}

func TestPagesReceiveHostAndCookiesOfClient(t *testing.T) {
	upstream := serving(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Host, " ", r.Header.Get("Cookie"), " ", r.Header.Get("X-Request-Id"), " ", r.Header.Get("Accept-Encoding"))
	})
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	_, text := gateway.ask(t, "GET", "/", "", "Host", "todo.example", "Cookie", "s=1", "X-Request-Id", "r-1_2.3", "Accept-Encoding", "br")
	assert.Equal(t, "todo.example s=1 r-1_2.3 br", text)
}

func TestRequestIDsAreValidated(t *testing.T) {
	for _, id := range []string{"a", "A-z_0.9", strings.Repeat("x", 64)} {
		assert.Equal(t, id, requestID(id))
	}
	for _, id := range []string{"", "a b", "a\n", "é", strings.Repeat("x", 65), "<a>", `a"`} {
		assert.Regexp(t, `^[A-Z2-7]{26}$`, requestID(id))
	}
}

func TestInvalidHostsAreRefused(t *testing.T) {
	for _, host := range []string{"a", "todo.example", "todo.example:8443", "127.0.0.1:30080", "[::1]", "[::1]:80", "a_b-c.d"} {
		assert.True(t, validHost(host), host)
	}
	for _, host := range []string{"", ":80", "a:", "a:0", "a:65536", "a:080000", "a:b", "a/b", "a@b", "a b", "a,b", "::1", "[1.2.3.4]", "[::1", "a?b", "a#b", "a\\b", "a%2f", strings.Repeat("a", 254)} {
		assert.False(t, validHost(host), host)
	}
	nobody := serving(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%q reached the upstream", r.Host) })
	gateway := run(t, testConfig(todoRoutes(nobody, nobody)...))
	for _, lines := range []string{"", "Host: \r\n", "Host: a/b\r\n", "Host: u@a\r\n", "Host: a\r\nHost: b\r\n"} {
		client := gateway.dial(t)
		client.send(t, "GET / HTTP/1.1\r\n"+lines+"\r\n")
		response, _ := client.answer(t)
		assert.Equal(t, 400, response.StatusCode, "%q", lines)
	}
}

func TestLimitsCountByIPv6Network(t *testing.T) {
	assert.Equal(t, group(netip.MustParseAddr("2001:db8::1")), group(netip.MustParseAddr("2001:db8::ffff:1")))
	assert.NotEqual(t, group(netip.MustParseAddr("2001:db8::1")), group(netip.MustParseAddr("2001:db8:0:1::1")))
	assert.NotEqual(t, group(netip.MustParseAddr("192.0.2.1")), group(netip.MustParseAddr("192.0.2.2")))
}
