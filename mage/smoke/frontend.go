package smoke

import (
	"context"
	"html"
	"net/http"
	"regexp"
	"strings"
	"time"
)

var (
	title       = regexp.MustCompile(`(?is)<title[^>]*>\s*(.*?)\s*</title>`)
	staticAsset = regexp.MustCompile(`(?i)(?:src|href)="(/_next/static/[^"]+\.(?:js|css)(?:\?[^"]*)?)"`)
)

// skewTries is how often a page and its asset are asked for, longPause apart.
const skewTries = 5

func (v *visit) frontendLive(ctx context.Context) (string, error) {
	_, detail, err := v.answeredBy(ctx, "/livez", v.images.Frontend)
	return detail, err
}

func (v *visit) page(ctx context.Context) (string, error) {
	got, err := v.want(ctx, ask{method: http.MethodGet, path: "/"}, http.StatusOK)
	if err != nil {
		return "", err
	}
	if kind := got.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/html") {
		return "", got.unexpected("HTML, but the type is %q", kind)
	}
	found := title.FindSubmatch(got.body)
	if found == nil || !strings.Contains(strings.ToLower(string(found[1])), "todo") {
		return "", got.unexpected("a page whose title names the Todo Chatbot")
	}
	// Remembered, not demanded: a page without assets is the next check's to judge.
	if path := staticAsset.FindSubmatch(got.body); path != nil {
		v.assetPath = html.UnescapeString(string(path[1]))
	}
	return html.UnescapeString(string(found[1])), nil
}

// asset fetches what the page refers to. While an update ends, the page may be
// of one version and the pod that answers of the other: the page is asked again.
func (v *visit) asset(ctx context.Context) (string, error) {
	for try := 1; ; try++ {
		if v.assetPath == "" {
			got, err := v.want(ctx, ask{method: http.MethodGet, path: "/"}, http.StatusOK)
			if err != nil {
				return "", err
			}
			return "", got.unexpected("a page that refers to a script or style below /_next/static/")
		}
		got, err := v.want(ctx, ask{method: http.MethodGet, path: v.assetPath}, http.StatusOK)
		if err == nil {
			return "", isAsset(got)
		}
		if got == nil || got.status != http.StatusNotFound || try == skewTries {
			return "", err
		}
		select {
		case <-ctx.Done():
			return "", err
		case <-time.After(longPause):
		}
		if _, pageErr := v.page(ctx); pageErr != nil {
			return "", err
		}
	}
}

func isAsset(got *answer) error {
	kind := got.header.Get("Content-Type")
	if !strings.Contains(kind, "javascript") && !strings.HasPrefix(kind, "text/css") {
		return got.unexpected("a script or style, but the type is %q", kind)
	}
	if caching := got.header.Get("Cache-Control"); !strings.Contains(caching, "immutable") {
		return got.unexpected("Cache-Control with immutable, but it is %q", caching)
	}
	if len(got.body) == 0 {
		return got.unexpected("content")
	}
	return nil
}
