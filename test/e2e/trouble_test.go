package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestProblemsAreDetected opens a page with every kind of problem. A watch or an axe
// that finds nothing there would find nothing in the application either.
func TestProblemsAreDetected(t *testing.T) {
	if testing.Short() {
		t.Skip("drives a browser: not under -short")
	}
	if _, err := chromium(); err != nil {
		t.Skip(err)
	}
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	defer elsewhere.Close()
	bad := http.NewServeMux()
	bad.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Bad</title><main><h1>Bad</h1><button></button></main>
			<script>
				console.error("said", 1);
				fetch("/broken");
				fetch("/missing");
				fetch("%s/");
				fetch("http://example.com/");
				setTimeout(() => { throw new Error("thrown"); });
			</script>`, elsewhere.URL)
	})
	bad.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	server := httptest.NewServer(bad)
	defer server.Close()
	axe, noAxe := findAxe(t)
	p := newPage(t, startBrowser(t), server.URL, "nobody", &album{folder: t.TempDir(), axe: axe, faults: faults{}})
	p.open("/")
	var seen []string
	p.until("all problems are detected", func() error {
		seen = append(seen, p.watch.take()...)
		for _, want := range []string{
			"console: said 1",
			"answer 502 for GET /broken",
			"console: Failed to load resource: the server responded with a status of 404 (Not Found) /missing",
			"another origin is asked: GET " + elsewhere.URL + "/",
			"another origin is asked: GET http://example.com/",
			"no answer for GET http://example.com/: net::ERR_NAME_NOT_RESOLVED",
			"exception: Error: thrown",
		} {
			if !strings.Contains(strings.Join(seen, "\n"), want) {
				return fmt.Errorf("%q is not among %q", want, seen)
			}
		}
		return nil
	})
	t.Run("by axe", func(t *testing.T) {
		if noAxe != nil {
			t.Skip(noAxe)
		}
		p.in(t).inspect("bad")
		serious, _ := p.album.faults.report()
		if !strings.Contains(strings.Join(serious, "\n"), "critical: button-name") {
			t.Errorf("a button without a name is not among %q", serious)
		}
	})
}
