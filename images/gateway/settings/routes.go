package settings

import (
	"encoding/json"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"todo-chatbot/images/gateway/proxy"
)

const (
	accountBody = 16 << 10
	backendBody = 64 << 10
	pageBody    = 1 << 20 // the limit of Next.js for server actions
	mostBody    = 1 << 30
)

// entry is a route of GATEWAY_ROUTES. The comments give the defaults of absent fields.
type entry struct {
	Path           string `json:"path"`
	Exact          bool   `json:"exact"`
	Upstream       string `json:"upstream"`
	Rewrite        string `json:"rewrite"`
	MaxBody        *int64 `json:"maxBody"`        // bytes; 1 MiB
	BodySeconds    *int   `json:"bodySeconds"`    // 30
	ReadSeconds    *int   `json:"readSeconds"`    // 12
	SilenceSeconds *int   `json:"silenceSeconds"` // 300
	KeepSeconds    *int   `json:"keepSeconds"`    // 4, because Node.js keeps connections for 5 s
	Upgrade        bool   `json:"upgrade"`
	KeepHost       *bool  `json:"keepHost"` // true
	DropCookies    bool   `json:"dropCookies"`
	Gzip           bool   `json:"gzip"`
	NoStore        bool   `json:"noStore"`
	MaxInFlight    int    `json:"maxInFlight"` // 0: no limit
	AccountErrors  bool   `json:"accountErrors"`
}

// routes returns the routes of GATEWAY_ROUTES, or else the routes of the Todo Chatbot.
func (r *reader) routes(frontend, backend *url.URL) []proxy.Route {
	text := r.text("GATEWAY_ROUTES")
	if text != "" {
		return r.parse(text)
	}
	for _, name := range []string{"FRONTEND_URL", "BACKEND_URL"} {
		if r.text(name) == "" {
			r.problem("%s is missing: set it to the address of that component, or set GATEWAY_ROUTES", name)
		}
	}
	if frontend == nil || backend == nil {
		return nil
	}
	return Default(frontend, backend)
}

// Default returns the routes of the Todo Chatbot.
func Default(frontend, backend *url.URL) []proxy.Route {
	page := proxy.Route{
		Path: "/", Upstream: frontend, MaxBody: pageBody, KeepHost: true,
		BodyTimeout: 30 * time.Second,
		// Next.js is in the same pod, so silence means that it is slow, not unreachable.
		ReadTimeout: 60 * time.Second, SilenceTimeout: 300 * time.Second,
		KeepIdle: 4 * time.Second,
	}
	account := page
	account.Path, account.MaxBody, account.AccountErrors = "/api/auth", accountBody, true
	api := proxy.Route{
		Path: "/api/", Upstream: backend, MaxBody: backendBody,
		BodyTimeout: 30 * time.Second,
		// Longer than the backend waits for the database.
		ReadTimeout: 12 * time.Second,
		// While the backend waits for its model, it sends a comment every few seconds.
		SilenceTimeout: 300 * time.Second,
		KeepIdle:       10 * time.Second, // the backend keeps them for 75 s
		DropCookies:    true, Gzip: true, NoStore: true,
	}
	live, ready := api, api
	live.Path, live.Exact, live.Rewrite, live.MaxInFlight = "/api/livez", true, "/livez", 8
	ready.Path, ready.Exact, ready.Rewrite, ready.MaxInFlight = "/api/readyz", true, "/readyz", 8
	return []proxy.Route{page, account, api, live, ready}
}

func (r *reader) parse(text string) []proxy.Route {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var entries []entry
	if err := decoder.Decode(&entries); err != nil {
		r.problem("GATEWAY_ROUTES is not a JSON list of routes: %v", err)
		return nil
	}
	if _, err := decoder.Token(); err != io.EOF {
		r.problem("GATEWAY_ROUTES has something after its list")
	}
	if len(entries) == 0 {
		r.problem("GATEWAY_ROUTES has no route: give at least one, such as {\"path\": \"/\", \"upstream\": \"http://127.0.0.1:3000\"}")
	}
	seen := map[string]bool{}
	var routes []proxy.Route
	for i, one := range entries {
		name := "GATEWAY_ROUTES[" + strconv.Itoa(i) + "]"
		key := one.Path + " " + strconv.FormatBool(one.Exact)
		if seen[key] {
			r.problem("%s.path is %q: another route has it too", name, one.Path)
		}
		seen[key] = true
		routes = append(routes, r.route(name, one))
	}
	return routes
}

func (r *reader) route(name string, e entry) proxy.Route {
	if !plainPath(e.Path) {
		r.problem("%s.path is %q: it must begin with one slash and have only letters, digits and -._~/", name, e.Path)
	}
	if e.Rewrite != "" && !plainPath(e.Rewrite) {
		r.problem("%s.rewrite is %q: it must be a path like %s.path", name, e.Rewrite, name)
	}
	upstream, err := url.Parse(e.Upstream)
	if err != nil || !isOrigin(upstream) {
		r.problem("%s.upstream is %q: it must be a URL without a path, such as http://127.0.0.1:3000", name, e.Upstream)
	} else {
		upstream = &url.URL{Scheme: upstream.Scheme, Host: upstream.Host}
	}
	if e.MaxInFlight < 0 || e.MaxInFlight > 10_000 {
		r.problem("%s.maxInFlight is %d: it must be from 0 to 10000", name, e.MaxInFlight)
		e.MaxInFlight = 0
	}
	maxBody := int64(pageBody)
	if e.MaxBody != nil {
		maxBody = *e.MaxBody
	}
	if maxBody < 0 || maxBody > mostBody {
		r.problem("%s.maxBody is %d: it must be from 0 to %d bytes", name, maxBody, int64(mostBody))
	}
	return proxy.Route{
		Path: e.Path, Exact: e.Exact, Upstream: upstream, Rewrite: e.Rewrite, MaxBody: maxBody,
		BodyTimeout:    r.within(name+".bodySeconds", e.BodySeconds, 30),
		ReadTimeout:    r.within(name+".readSeconds", e.ReadSeconds, 12),
		SilenceTimeout: r.within(name+".silenceSeconds", e.SilenceSeconds, 300),
		KeepIdle:       r.within(name+".keepSeconds", e.KeepSeconds, 4),
		Upgrade:        e.Upgrade, KeepHost: e.KeepHost == nil || *e.KeepHost,
		DropCookies: e.DropCookies, Gzip: e.Gzip, NoStore: e.NoStore,
		MaxInFlight: e.MaxInFlight, AccountErrors: e.AccountErrors,
	}
}

func (r *reader) within(name string, given *int, fallback int) time.Duration {
	value := fallback
	if given != nil {
		value = *given
	}
	if value < 1 || value > 3_600 {
		r.problem("%s is %d: it must be from 1 to 3600", name, value)
	}
	return time.Duration(value) * time.Second
}

// plainPath tells whether a path has only characters that need no escape.
func plainPath(path string) bool {
	if !strings.HasPrefix(path, "/") || strings.Contains(path, "//") {
		return false
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return !strings.ContainsFunc(path, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-._~/", c))
	})
}
