package proxy

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLongestPathOfWholeSegmentsMatches(t *testing.T) {
	origin := parsed(t, "http://api:8000")
	routes := newTable([]Route{
		{Path: "/", Upstream: origin}, {Path: "/a", Upstream: origin, Rewrite: "/"}, {Path: "/a/b/", Upstream: origin, Rewrite: "/x"},
		{Path: "/a/b", Exact: true, Upstream: origin, Rewrite: "/only"}, {Path: "/a/", Upstream: origin, Rewrite: "/y/"},
	}, func(Route) *upstream { return nil })
	for _, test := range [][3]string{
		{"/", "/", "/"}, {"/ab", "/", "/ab"}, {"/a", "/a", "/"}, {"/a/", "/a/", "/y/"}, {"/a/c", "/a/", "/y/c"},
		{"/a/b", "/a/b", "/only"}, {"/a/b/", "/a/b/", "/x"}, {"/a/b/c%2Fd", "/a/b/", "/x/c%2Fd"}, {"/a/bc", "/a/", "/y/bc"},
	} {
		found, asked, err := routes.find(&url.URL{Path: mustUnescape(t, test[0]), RawPath: test[0]})
		require.NoError(t, err, test[0])
		assert.Equal(t, test[1], found.Path, test[0])
		assert.Equal(t, test[2], asked, test[0])
	}
	none := newTable([]Route{{Path: "/a", Upstream: origin}}, func(Route) *upstream { return nil })
	found, _, err := none.find(&url.URL{Path: "/b"})
	require.NoError(t, err)
	assert.Nil(t, found)
}

func TestRewriteCannotReachAnotherHost(t *testing.T) {
	routes := newTable([]Route{{Path: "/a", Upstream: parsed(t, "http://api:8000"), Rewrite: "/"}}, func(Route) *upstream { return nil })
	for _, target := range []string{"/a//evil.example", "/a//evil.example/x"} {
		_, _, err := routes.find(&url.URL{Path: target})
		assert.ErrorIs(t, err, errPath, target)
	}
}

func mustUnescape(t *testing.T, text string) string {
	t.Helper()
	plain, err := url.PathUnescape(text)
	require.NoError(t, err)
	return plain
}

// FuzzRoutesAgree checks that a strict and a tolerant server would read each path as a
// path of the route that the gateway chose, and that the path for the upstream stays the
// same.
func FuzzRoutesAgree(f *testing.F) {
	for _, seed := range []string{
		"/", "/api", "/api/", "/apix", "/api/auth", "/api/auth/token", "/api/authority", "/api/u1/tasks", "/api/livez",
		"/api%2fauth", "/api/%2e%2e/auth", "/api/..%2fauth", "//host/api/", "/api//auth", "/\\api", "/api/auth\\..\\u1", "/%61pi/auth",
		"/api/a%20b%2Fc/tasks/", "/api/%252e%252e/x", "/api/auth;x/y", "/api/..;/auth", "/%5capi", "/api/\x00", "/é", "/%ff", "/app/x//y", "/app//x", "/a b", "/%", "/api/auth%23", "/[x]|",
	} {
		f.Add(seed)
	}
	origin := &url.URL{Scheme: "http", Host: "up:1"}
	routes := newTable(append(todoRoutes(origin, origin), Route{Path: "/app/", Rewrite: "/", Upstream: origin}), func(Route) *upstream { return nil })
	f.Fuzz(func(t *testing.T, target string) {
		parsed, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		chosen, asked, err := routes.find(parsed)
		if err != nil {
			return
		}
		escaped := parsed.EscapedPath()
		if escaped == "" {
			escaped = "/"
		}
		plain, err := url.PathUnescape(escaped)
		if err != nil {
			t.Fatalf("%q was accepted and cannot be decoded", target)
		}
		for _, reading := range []string{
			escaped, plain, clean(escaped), clean(plain), clean(strings.ReplaceAll(plain, `\`, "/")), bare(plain),
		} {
			if found := routes.match(reading); found != chosen {
				t.Fatalf("%q: the gateway chooses %v, a server that reads %q chooses %v", target, nameOf(chosen), reading, nameOf(found))
			}
		}
		if chosen == nil {
			return
		}
		out := &http.Request{Method: "GET", URL: targetOf(origin, asked, ""), Host: "up:1", Header: http.Header{}}
		sent := out.URL.RequestURI()
		if sent != asked {
			t.Fatalf("%q: the route says %q, the upstream is asked for %q", target, asked, sent)
		}
		if chosen.Rewrite == "" && sent != escaped {
			t.Fatalf("%q: the upstream is asked for %q", target, sent)
		}
		if strings.HasPrefix(sent, "//") || strings.ContainsAny(sent, "\\\r\n\x00 ") {
			t.Fatalf("%q: the upstream is asked for %q", target, sent)
		}
	})
}

// clean resolves escapes and dot segments, and keeps a slash at the end.
func clean(reading string) string {
	cleaned := path.Clean(reading)
	if strings.HasSuffix(reading, "/") && cleaned != "/" {
		cleaned += "/"
	}
	return cleaned
}

func bare(reading string) string {
	segments := strings.Split(reading, "/")
	for i := range segments {
		segments[i], _, _ = strings.Cut(segments[i], ";")
	}
	return clean(strings.Join(segments, "/"))
}

func nameOf(r *route) string {
	if r == nil {
		return "nobody"
	}
	return r.Path
}
