package proxy

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// compressedFrom is the length from which compressing is worth its time, in bytes.
	compressedFrom = 1 << 10
	// compressors bounds the answers that are compressed at once. Each takes about
	// 1.2 MB; beyond it, answers go out as they are.
	compressors = 8
	// Within lingerTime a client may send lingerBytes of a refused body, so that it
	// reads the answer instead of a reset connection.
	lingerTime  = time.Second
	lingerBytes = 4 << 20
)

// answer writes to a client. The time for writing begins again with each piece.
type answer struct {
	http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	zip     *gzip.Writer
	pool    chan *gzip.Writer
	started bool
}

func (a *answer) renew() { _ = a.control.SetWriteDeadline(time.Now().Add(a.timeout)) }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if status >= 200 {
		a.started = true
	}
	a.renew()
	a.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (a *answer) Write(piece []byte) (int, error) {
	a.renew()
	a.started = true
	if a.zip != nil {
		return a.zip.Write(piece)
	}
	return a.ResponseWriter.Write(piece)
}

// FlushError is what http.ResponseController calls.
func (a *answer) FlushError() error {
	a.renew()
	if a.zip != nil {
		if err := a.zip.Flush(); err != nil {
			return err
		}
	}
	return a.control.Flush()
}

// Unwrap lets http.ResponseController take over the connection of a WebSocket.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// finish ends a complete answer.
func (a *answer) finish() error {
	a.renew()
	if a.zip == nil {
		return nil
	}
	return a.zip.Close()
}

// release gives the compressor back. An answer that was cut off is not finished:
// it must not look complete.
func (a *answer) release() {
	if a.zip != nil {
		a.zip.Reset(io.Discard)
		a.pool <- a.zip
		a.zip = nil
	}
}

// compress has an answer compressed when that is worth it, and its header say so.
func (a *answer) compress(request *http.Request, accepts string, response *http.Response) {
	header := response.Header
	if request.Method == http.MethodHead || response.StatusCode != http.StatusOK ||
		mediaType(header) != "application/json" || response.ContentLength < compressedFrom ||
		header.Get("Content-Encoding") != "" || strings.Contains(header.Get("Cache-Control"), "no-transform") {
		return
	}
	addVary(header)
	if !acceptsGzip(accepts) {
		return
	}
	select {
	case a.zip = <-a.pool:
	default:
		return
	}
	if a.zip == nil {
		a.zip, _ = gzip.NewWriterLevel(a.ResponseWriter, gzip.BestSpeed) // the level is valid
	} else {
		a.zip.Reset(a.ResponseWriter)
	}
	header.Del("Content-Length")
	header.Set("Content-Encoding", "gzip")
	if tag := header.Get("Etag"); strings.HasPrefix(tag, `"`) {
		header.Set("Etag", "W/"+tag)
	}
}

func addVary(header http.Header) {
	vary := strings.Join(header["Vary"], ", ")
	if vary == "*" || strings.Contains(strings.ToLower(vary), "accept-encoding") {
		return
	}
	if vary != "" {
		vary += ", "
	}
	header.Set("Vary", vary+"accept-encoding")
}

func acceptsGzip(accepts string) bool {
	for entry := range strings.SplitSeq(accepts, ",") {
		name, parameters, _ := strings.Cut(entry, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		value, found := strings.CutPrefix(strings.TrimSpace(parameters), "q=")
		quality, err := strconv.ParseFloat(value, 64)
		return !found || err == nil && quality > 0
	}
	return false
}

// refusal is an answer of the gateway's own.
type refusal struct {
	status int
	code   string
	detail string
	// retryAfter is in seconds; 0 leaves the header out.
	retryAfter int
	allow      string
}

// write sends the refusal in the shape that the route's own errors have.
func (r refusal) write(a *answer, request *http.Request, x *exchange) {
	header := a.Header()
	clear(header)
	x.last = x.last || hasBody(request)
	x.common(header)
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", dataPolicy)
	if r.retryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(r.retryAfter))
	}
	if r.allow != "" {
		header.Set("Allow", r.allow)
	}
	text := r.text(header, request, x)
	header.Set("Content-Length", strconv.Itoa(len(text)))
	a.WriteHeader(r.status)
	if request.Method != http.MethodHead {
		_, _ = a.Write(text)
	}
	_ = a.FlushError()
	linger(a, request)
}

func (r refusal) text(header http.Header, request *http.Request, x *exchange) []byte {
	var shape any = struct {
		Detail string `json:"detail"`
	}{r.detail}
	switch {
	case x.route != nil && x.route.AccountErrors:
		shape = struct {
			Message string `json:"message"`
			Code    string `json:"code"`
		}{r.detail, r.code}
	case strings.Contains(request.Header.Get("Accept"), "text/html"):
		header.Set("Content-Type", "text/plain; charset=utf-8")
		return []byte(r.detail + "\n")
	}
	header.Set("Content-Type", "application/json")
	text, _ := json.Marshal(shape) // two strings
	return text
}

func hasBody(request *http.Request) bool {
	return request.Body != nil && request.Body != http.NoBody && request.ContentLength != 0
}

// linger reads on for a moment where a body was refused.
func linger(a *answer, request *http.Request) {
	if !hasBody(request) || request.Header.Get("Expect") != "" {
		return
	}
	if a.control.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.CopyN(io.Discard, request.Body, lingerBytes)
	}
}
