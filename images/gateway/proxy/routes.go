package proxy

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strings"
)

// errPath means that servers could read the path in different ways.
var errPath = errors.New("the path is ambiguous")

// table has the routes in order of priority.
type table []*route

// route is a Route with its state at run time.
type route struct {
	Route
	upstream *upstream
	busy     chan struct{} // nil without MaxInFlight
}

func newTable(routes []Route, upstreams func(Route) *upstream) table {
	made := make(table, 0, len(routes))
	for _, each := range routes {
		one := &route{Route: each, upstream: upstreams(each)}
		if each.MaxInFlight > 0 {
			one.busy = make(chan struct{}, each.MaxInFlight)
		}
		made = append(made, one)
	}
	slices.SortStableFunc(made, func(a, b *route) int {
		if byLength := cmp.Compare(len(b.Path), len(a.Path)); byLength != 0 {
			return byLength
		}
		return cmp.Compare(rank(a), rank(b))
	})
	return made
}

func rank(r *route) int {
	if r.Exact {
		return 0
	}
	return 1
}

func (r *route) matches(path string) bool {
	switch {
	case r.Exact:
		return path == r.Path
	case strings.HasSuffix(r.Path, "/"):
		return strings.HasPrefix(path, r.Path)
	default:
		below, ok := strings.CutPrefix(path, r.Path)
		return ok && (below == "" || below[0] == '/')
	}
}

func (t table) match(path string) *route {
	for _, candidate := range t {
		if candidate.matches(path) {
			return candidate
		}
	}
	return nil
}

// find returns the route of a request and the escaped path for its upstream. The route is
// nil when no route matches. Upstreams read escapes, repeated slashes and dot segments in
// different ways. If these readings lead to different routes, find returns errPath.
func (t table) find(target *url.URL) (*route, string, error) {
	escaped := target.EscapedPath()
	if escaped == "" && target.Host != "" {
		escaped = "/" // "GET http://host HTTP/1.1"
	}
	if target.Opaque != "" || !strings.HasPrefix(escaped, "/") || strings.HasPrefix(escaped, "//") {
		return nil, "", errPath
	}
	decoded, err := url.PathUnescape(escaped)
	if err != nil || strings.ContainsFunc(decoded, forbidden) {
		return nil, "", errPath
	}
	// Servers that support path parameters read "..;x" as "..".
	bare := withoutParameters(decoded)
	for segment := range strings.SplitSeq(bare, "/") {
		if segment == "." || segment == ".." {
			return nil, "", errPath
		}
	}
	chosen := t.match(escaped)
	for _, reading := range []string{decoded, bare, collapse(escaped), collapse(decoded), collapse(bare)} {
		if t.match(reading) != chosen {
			return nil, "", errPath
		}
	}
	if chosen == nil {
		return nil, "", nil
	}
	asked := chosen.rewrite(escaped)
	if !strings.HasPrefix(asked, "/") || strings.HasPrefix(asked, "//") {
		return nil, "", errPath
	}
	return chosen, asked, nil
}

// rewrite returns the path for the upstream. Path and Rewrite have only characters that
// need no escape (see settings).
func (r *route) rewrite(path string) string {
	if r.Rewrite == "" {
		return path
	}
	below := strings.TrimPrefix(path, r.Path)
	if below != "" && below[0] != '/' && !strings.HasSuffix(r.Rewrite, "/") {
		below = "/" + below
	}
	if strings.HasPrefix(below, "/") {
		return strings.TrimSuffix(r.Rewrite, "/") + below
	}
	return r.Rewrite + below
}

// forbidden reports characters that some servers read as a slash or as the end of a path.
func forbidden(c rune) bool {
	return c == '\\' || c < 0x20 || c == 0x7f || c == '\ufffd'
}

// collapse replaces repeated slashes by one.
func collapse(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}

// withoutParameters removes ";name=value" from each segment.
func withoutParameters(path string) string {
	if !strings.Contains(path, ";") {
		return path
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i], _, _ = strings.Cut(segment, ";")
	}
	return strings.Join(segments, "/")
}
