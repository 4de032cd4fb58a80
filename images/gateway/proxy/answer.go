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
	// compressedFrom is the minimum length of a response that is compressed, in bytes.
	compressedFrom = 1 << 10
	// compressors limits the responses that are compressed at the same time. Each needs
	// about 1.2 MB. Further responses are sent uncompressed.
	compressors = 8
	// A client may send lingerBytes more of a refused body within lingerTime. Otherwise
	// the connection would be reset before the client reads the response.
	lingerTime  = time.Second
	lingerBytes = 4 << 20
)

// answer writes a response to a client. Each write extends the write deadline.
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

// FlushError implements the flush of http.ResponseController.
func (a *answer) FlushError() error {
	a.renew()
	if a.zip != nil {
		if err := a.zip.Flush(); err != nil {
			return err
		}
	}
	return a.control.Flush()
}

// Unwrap lets http.ResponseController hijack the connection of a WebSocket.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// finish ends a complete response.
func (a *answer) finish() error {
	a.renew()
	if a.zip == nil {
		return nil
	}
	return a.zip.Close()
}

// release returns the compressor to the pool. It does not end the compressed data,
// because an aborted response must not look complete.
func (a *answer) release() {
	if a.zip != nil {
		a.zip.Reset(io.Discard)
		a.pool <- a.zip
		a.zip = nil
	}
}

// compress prepares the compression of a response, if the client accepts it and it saves time.
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

// refusal is an error response of the gateway.
type refusal struct {
	status int
	code   string
	detail string
	// retryAfter is in seconds; 0 omits the header.
	retryAfter int
	allow      string
}

// write sends the refusal in the error format of the route.
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

// linger reads a part of a refused body; see lingerTime.
func linger(a *answer, request *http.Request) {
	if !hasBody(request) || request.Header.Get("Expect") != "" {
		return
	}
	if a.control.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.CopyN(io.Discard, request.Body, lingerBytes)
	}
}
