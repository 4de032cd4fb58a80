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
	bodyLimit  = 4 << 20 // maximum bytes of an answer
	shownBytes = 200     // bytes of an unexpected answer in an error
	firstPause = 50 * time.Millisecond
	longPause  = 500 * time.Millisecond
)

// client sends requests as one browser does: with cookies, with the application's
// origin, and to no other host.
type client struct {
	base string // scheme://host:port
	http *http.Client
}

func newClient(baseURL string, given *http.Client) (*client, error) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("connect to the application: address %q is not http://HOST:PORT", baseURL)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	// No proxy, because the address is on this computer. Each request uses a new
	// connection, because a kept connection stays with its pod after the Service has
	// switched to other pods.
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

// ask is a request. A body that is not nil is sent as JSON. Without a token there is no
// Authorization header.
type ask struct {
	method, path string
	body         any
	token        string
}

// answer is the response to a request.
type answer struct {
	ask
	status int
	header http.Header
	body   []byte
}

// unexpected returns the error for an answer that differs from the expected one.
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

// hideTokens removes credentials, because reports are stored and shared.
func hideTokens(text string) string {
	return session.ReplaceAllString(jwt.ReplaceAllString(text, "[token]"), "${1}[token]")
}

// want sends a request and requires a status. With a wrong status it returns the answer
// and an error.
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

// decode requires a status and a JSON body that can be decoded into out.
func (c *client) decode(ctx context.Context, a ask, status int, out any) (*answer, error) {
	got, err := c.want(ctx, a, status)
	if err != nil {
		return got, err
	}
	if err := json.Unmarshal(got.body, out); err != nil {
		return got, got.unexpected("JSON of the documented form (%v)", err)
	}
	return got, nil
}

// send sends a request. Until ctx ends, it retries failures that are usual right after
// a deploy: no connection, and for GET also a lost connection and the statuses 502, 503
// and 504. When ctx ends, send returns the last answer or error.
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
		if !wait(ctx, pause) {
			break
		}
	}
	return last, c.explain(a, lastErr)
}

// wait waits for a time, and reports false if ctx ends before.
func wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
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
	req.Header.Set("Origin", c.base) // as a browser does; Better Auth refuses other origins
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

// passing reports whether a failure may pass by itself, so that a retry is safe.
func passing(method string, got *answer, err error) bool {
	if refused(err) {
		return true
	}
	if method != http.MethodGet {
		return false // the server may have processed the request
	}
	if err != nil {
		return cut(err)
	}
	// A pod answers 503 while it has no database. Old pods do so during a rotation of the
	// database's password.
	return got.status == http.StatusBadGateway || got.status == http.StatusServiceUnavailable || got.status == http.StatusGatewayTimeout
}

// refused reports whether there was no connection, so that nothing was sent.
func refused(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// cut reports whether the connection ended before the answer was complete. A published
// port also accepts connections if nothing listens behind it.
func cut(err error) bool {
	for _, known := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, known) {
			return true
		}
	}
	// Errors of Windows, and an error that net/http does not export.
	return strings.Contains(err.Error(), "forcibly closed") || strings.Contains(err.Error(), "server closed idle connection")
}

// explain adds the request and the probable cause to an error of the connection.
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
		err = fmt.Errorf("no connection to %s: check that the release is deployed and its port is published (%w)", host, err)
	case cut(err):
		err = fmt.Errorf("%s closes connections without an answer: no frontend is ready (%w)", host, err)
	}
	return fmt.Errorf("%s %s: %w", a.method, a.path, err)
}
