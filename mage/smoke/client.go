package smoke

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"time"
)

const (
	bodyLimit  = 4 << 20 // bytes read of an answer
	shownBytes = 200     // of an answer that is not as expected
	firstPause = 50 * time.Millisecond
	longPause  = 500 * time.Millisecond
)

// client speaks to the application as one browser does: with cookies, from the
// application's own origin, and to no other host.
type client struct {
	base string // scheme://host:port
	http *http.Client
}

func newClient(baseURL string, given *http.Client) (*client, error) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("address %q of the application is not http://HOST:PORT", baseURL)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	// The address is on this computer, so no proxy setting may come between.
	// Every request has a connection of its own: one that is kept leads to the pod
	// that it began with, even after that pod's Service leads elsewhere.
	browser := http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	if given != nil {
		browser = *given
	}
	browser.Jar = jar
	browser.CheckRedirect = sameHost
	return &client{base: u.Scheme + "://" + u.Host, http: &browser}, nil
}

func sameHost(next *http.Request, via []*http.Request) error {
	if first := via[0].URL; next.URL.Scheme != first.Scheme || next.URL.Host != first.Host {
		return fmt.Errorf("redirect to another address, %q, refused", next.URL.Scheme+"://"+next.URL.Host)
	}
	if len(via) >= 10 {
		return errors.New("more than 10 redirects")
	}
	return nil
}

// ask is one request. Body is sent as JSON unless nil; an empty token sends no
// Authorization header.
type ask struct {
	method, path string
	body         any
	token        string
}

// answer is what came back, and for which request.
type answer struct {
	ask
	status int
	header http.Header
	body   []byte
}

// unexpected is the error for an answer that is not as wanted.
func (a *answer) unexpected(format string, args ...any) error {
	body := a.body[:min(len(a.body), shownBytes)]
	more := ""
	if len(a.body) > shownBytes {
		more = " …"
	}
	return fmt.Errorf("%s %s: want %s, got %d %s with the body %q%s", a.method, a.path, fmt.Sprintf(format, args...),
		a.status, http.StatusText(a.status), hideTokens(string(body)), more)
}

var (
	jwt     = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{4,}(\.[A-Za-z0-9_-]*)*`)
	session = regexp.MustCompile(`("token"\s*:\s*")[^"]*`)
)

// hideTokens keeps credentials out of reports, which are kept and shared.
func hideTokens(text string) string {
	return session.ReplaceAllString(jwt.ReplaceAllString(text, "[token]"), "${1}[token]")
}

// want sends a request and demands a status; the answer is also given with the error.
func (c *client) want(ctx context.Context, a ask, status int) (*answer, error) {
	got, err := c.send(ctx, a)
	if err != nil {
		return nil, err
	}
	if got.status != status {
		return got, got.unexpected("status %d", status)
	}
	return got, nil
}

// decode demands a status and a JSON body that fits out.
func (c *client) decode(ctx context.Context, a ask, status int, out any) (*answer, error) {
	got, err := c.want(ctx, a, status)
	if err != nil {
		return got, err
	}
	if err := json.Unmarshal(got.body, out); err != nil {
		return got, got.unexpected("JSON of the agreed form (%v)", err)
	}
	return got, nil
}

// send repeats, until ctx ends, what may pass right after a deploy: no
// connection, and for GET also a cut one or a complaint that passes (502, 503, 504).
// When ctx ends, what was last seen is returned rather than that it ended.
func (c *client) send(ctx context.Context, a ask) (*answer, error) {
	var last *answer
	var lastErr error
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		got, err := c.once(ctx, a)
		if ctx.Err() != nil && err != nil {
			if last == nil && lastErr == nil {
				lastErr = context.Cause(ctx)
			}
			break
		}
		if !passing(a.method, got, err) {
			return got, c.explain(a, err)
		}
		last, lastErr = got, err
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			break
		}
	}
	return last, c.explain(a, lastErr)
}

func (c *client) once(ctx context.Context, a ask) (*answer, error) {
	var body io.Reader
	if a.body != nil {
		encoded, err := json.Marshal(a.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, a.method, c.base+a.path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Origin", c.base) // as a browser does; Better Auth refuses others
	req.Header.Set("User-Agent", "todo-chatbot-smoke")
	if a.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, bodyLimit))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return &answer{ask: a, status: resp.StatusCode, header: resp.Header, body: content}, nil
}

func passing(method string, got *answer, err error) bool {
	if refused(err) {
		return true
	}
	if method != http.MethodGet {
		return false // it may have been done already
	}
	if err != nil {
		return cut(err)
	}
	// 503 is what a pod says that loses its database, as the old ones do while
	// the database's password is rotated.
	return got.status == http.StatusBadGateway || got.status == http.StatusServiceUnavailable || got.status == http.StatusGatewayTimeout
}

// refused reports that no connection came about, so that nothing was sent.
func refused(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// cut reports a connection that ended before the answer did: a published port
// accepts connections even where nothing listens behind it.
func cut(err error) bool {
	for _, known := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, known) {
			return true
		}
	}
	// Of Windows, and of net/http, which does not export its error.
	return strings.Contains(err.Error(), "forcibly closed") || strings.Contains(err.Error(), "server closed idle connection")
}

// explain turns an error of the connection into a cause that one can act on.
func (c *client) explain(a ask, err error) error {
	if err == nil {
		return nil
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	host := c.base
	if _, after, ok := strings.Cut(c.base, "://"); ok {
		host = after
	}
	switch {
	case refused(err):
		err = fmt.Errorf("no connection to %s: is the release deployed, and its port published? (%w)", host, err)
	case cut(err):
		err = fmt.Errorf("%s accepts connections but closes them unanswered: no ready frontend behind it (%w)", host, err)
	}
	return fmt.Errorf("%s %s: %w", a.method, a.path, err)
}
