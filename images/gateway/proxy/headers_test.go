package proxy

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMissingSecurityHeadersAreAdded(t *testing.T) {
	upstream := serving(t, func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Server", "uvicorn")
		header.Set("X-Powered-By", "Next.js")
		header.Set("X-Gateway-Image", "forged")
		header.Set("Connection", "keep-alive, X-Hop")
		header.Set("X-Hop", "1")
		header.Set("Content-Type", "application/json; charset=utf-8")
		if r.URL.Path == "/page" {
			header.Set("Content-Type", "text/html")
			header.Set("Content-Security-Policy", "default-src 'self'")
			header.Set("X-Frame-Options", "SAMEORIGIN")
		}
		fmt.Fprint(w, "{}")
	})
	config := testConfig(todoRoutes(upstream, upstream)...)
	config.PublicURL = parsed(t, "https://todo.example")
	gateway := run(t, config)
	response, _ := gateway.ask(t, "GET", "/api/u1/tasks", "")
	header := response.Header
	for _, name := range []string{"Server", "X-Powered-By", "X-Gateway-Image", "X-Hop", "Strict-Transport-Security"} {
		assert.Empty(t, header.Values(name), name)
	}
	assert.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
	assert.Equal(t, "DENY", header.Get("X-Frame-Options"))
	assert.Equal(t, "same-origin", header.Get("Referrer-Policy"))
	assert.NotEmpty(t, header.Get("Permissions-Policy"))
	assert.Equal(t, "default-src 'none'; frame-ancestors 'none'", header.Get("Content-Security-Policy"))
	assert.Equal(t, "no-store", header.Get("Cache-Control"))

	response, _ = gateway.ask(t, "GET", "/page", "", "Host", "todo.example")
	assert.Equal(t, "max-age=31536000", response.Header.Get("Strict-Transport-Security"))
	assert.Equal(t, []string{"default-src 'self'"}, response.Header.Values("Content-Security-Policy"))
	assert.Equal(t, []string{"SAMEORIGIN"}, response.Header.Values("X-Frame-Options"))
	assert.Empty(t, response.Header.Get("Cache-Control"), "Cache-Control of pages is set by Next.js")

	for _, path := range []string{"/livez", "/api/livez", "/api/readyz"} {
		response, _ = gateway.ask(t, "GET", path, "")
		assert.Equal(t, "sha256:abc", response.Header.Get("X-Gateway-Image"), path)
	}
}

func TestRefusalsHaveSecurityHeaders(t *testing.T) {
	upstream := serving(t, echo)
	config := testConfig(todoRoutes(upstream, upstream)...)
	config.PublicURL = parsed(t, "https://todo.example")
	gateway := run(t, config)
	response, text := gateway.ask(t, "GET", "/api/%2e%2e/x", "", "Host", "todo.example", "Accept", "text/html")
	assert.Equal(t, 400, response.StatusCode)
	assert.Equal(t, "The path of the request is not valid.\n", text)
	assert.Equal(t, "max-age=31536000", response.Header.Get("Strict-Transport-Security"))
	assert.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
	assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
}

func TestLongJSONIsCompressedForClientsThatAcceptIt(t *testing.T) {
	long := `"` + strings.Repeat("todo ", 1_000) + `"`
	upstream := serving(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Empty(t, r.Header.Get("Accept-Encoding"))
		body := long
		if r.URL.Path == "/api/short" {
			body = "[]"
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Etag", `"1"`)
		w.Header().Set("Vary", "authorization")
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		fmt.Fprint(w, body)
	})
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	for range 3 * compressors { // each compressor is used several times
		response, text := gateway.ask(t, "GET", "/api/long", "", "Accept-Encoding", "br, gzip;q=0.5")
		require.Equal(t, "gzip", response.Header.Get("Content-Encoding"))
		assert.Equal(t, "authorization, accept-encoding", response.Header.Get("Vary"))
		assert.Equal(t, `W/"1"`, response.Header.Get("Etag"))
		plain, err := gzip.NewReader(strings.NewReader(text))
		require.NoError(t, err)
		read, err := io.ReadAll(plain)
		require.NoError(t, err)
		assert.Equal(t, long, string(read))
	}
	for _, test := range [][3]string{{"GET", "/api/short", "gzip"}, {"GET", "/api/long", "identity"}, {"GET", "/api/long", "gzip;q=0"}, {"GET", "/api/long", "xgzip"}} {
		response, _ := gateway.ask(t, test[0], test[1], "", "Accept-Encoding", test[2])
		assert.Empty(t, response.Header.Get("Content-Encoding"), "%v", test)
	}
	response, _ := gateway.ask(t, "HEAD", "/api/long", "", "Accept-Encoding", "gzip")
	assert.Equal(t, int64(len(long)), response.ContentLength)
	assert.Len(t, gateway.zips, compressors, "a compressor was not returned")
}

func TestResponsesAreNotCompressedWhenAllCompressorsAreBusy(t *testing.T) {
	upstream := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "2000")
		fmt.Fprint(w, strings.Repeat("1", 2_000))
	})
	gateway := run(t, testConfig(todoRoutes(upstream, upstream)...))
	for range compressors {
		<-gateway.zips
	}
	response, text := gateway.ask(t, "GET", "/api/long", "", "Accept-Encoding", "gzip")
	assert.Empty(t, response.Header.Get("Content-Encoding"))
	assert.Len(t, text, 2_000)
}

func TestRedirectsDoNotContainUpstreamAddress(t *testing.T) {
	upstream := parsed(t, "http://api:8000")
	plain := &route{Route: Route{Path: "/api/", Upstream: upstream}}
	moved := &route{Route: Route{Path: "/app", Upstream: upstream, Rewrite: "/"}}
	for _, test := range []struct {
		route          *route
		location, want string
	}{
		{plain, "http://api:8000/api/u1/tasks?a=b", "/api/u1/tasks?a=b"},
		{plain, "http://api:8000", "/"},
		{plain, "http://API:8000?x", "/?x"},
		{plain, "http://api:80001/x", "http://api:80001/x"},
		{plain, "http://api:8000.evil.example/x", "http://api:8000.evil.example/x"},
		{plain, "http://api:8000//evil.example", "http://api:8000//evil.example"},
		{plain, "/login", "/login"},
		{moved, "http://api:8000/login", "/app/login"},
	} {
		assert.Equal(t, test.want, test.route.outside(test.location), test.location)
	}
}
