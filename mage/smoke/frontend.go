package smoke

import (
	"context"
	"html"
	"net/http"
	"regexp"
	"strings"
)

var (
	title       = regexp.MustCompile(`(?is)<title[^>]*>\s*(.*?)\s*</title>`)
	staticAsset = regexp.MustCompile(`(?i)(?:src|href)="(/_next/static/[^"]+\.(?:js|css)(?:\?[^"]*)?)"`)
)

// skewTries is how often the page and its asset are requested, longPause apart.
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
	// The next check fails if the page refers to no asset.
	if path := staticAsset.FindSubmatch(got.body); path != nil {
		v.assetPath = html.UnescapeString(string(path[1]))
	}
	return html.UnescapeString(string(found[1])), nil
}

// asset requests a static asset of the page. At the end of an update, the page may come
// from one version and the asset from the other, so asset requests the page again.
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
		if !wait(ctx, longPause) {
			return "", err
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
		return got.unexpected("a body that is not empty")
	}
	return nil
}
