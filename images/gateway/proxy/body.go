package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// bufferedBody is the part of a body that is read before the request to the upstream, in
// bytes. Most bodies are shorter, so a slow client does not occupy the upstream.
const bufferedBody = 64 << 10

// roomTimeout limits the time that a body waits for memory.
const roomTimeout = time.Second

var (
	errTooLarge = errors.New("the body is too large")
	errTooSlow  = errors.New("the body took too long")
	errNoRoom   = errors.New("no memory for another body")
)

// body is the body of a client's request. It has the beginning in memory, and the rest as
// a stream if the body is longer than bufferedBody.
type body struct {
	start []byte
	rest  *rest // nil when start is the whole body
	room  int64 // bytes reserved for start
}

// rest is the part of a body that is sent to the upstream while it arrives.
type rest struct {
	from    io.Reader
	left    int64 // bytes that the route still allows
	touched atomic.Bool
	failed  atomic.Pointer[error]
	done    func() // called once, at the end
}

// Read implements io.Reader. It fails beyond the limit of the route.
func (r *rest) Read(into []byte) (int, error) {
	r.touched.Store(true)
	count, err := r.from.Read(into)
	if r.left -= int64(count); r.left < 0 {
		err = errTooLarge
	}
	if err == nil {
		return count, nil
	}
	if err == io.EOF {
		r.done()
		return count, io.EOF
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = errTooSlow
	}
	r.failed.Store(&err)
	return 0, err
}

// reader returns the body from its beginning, or false when a part was read already.
func (b *body) reader() (io.ReadCloser, bool) {
	if b.rest == nil {
		if len(b.start) == 0 {
			return http.NoBody, true
		}
		return io.NopCloser(bytes.NewReader(b.start)), true
	}
	if b.rest.touched.Load() {
		return nil, false
	}
	return io.NopCloser(io.MultiReader(bytes.NewReader(b.start), b.rest)), true
}

// failure returns the error of reading the rest, or nil.
func (b *body) failure() error {
	if b == nil || b.rest == nil {
		return nil
	}
	if err := b.rest.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// bodies reads request bodies within a common limit of memory.
type bodies struct {
	room        *semaphore.Weighted
	connections *connections
}

// read returns the beginning of a body. Meanwhile its connection can be closed, when
// another client needs the connection or the memory. The caller calls release.
func (b *bodies) read(a *answer, request *http.Request, limits Route) (*body, error) {
	if request.ContentLength > limits.MaxBody {
		return nil, errTooLarge
	}
	if request.Body == nil || request.Body == http.NoBody || request.ContentLength == 0 {
		return &body{}, nil
	}
	if err := a.control.SetReadDeadline(time.Now().Add(limits.BodyTimeout)); err != nil {
		return nil, err
	}
	from := connectionOf(request.Context())
	if from != nil {
		b.connections.move(from, b.connections.reading)
		defer b.connections.move(from, nil)
	}
	read := &body{}
	complete, err := b.fill(request, from, read, min(limits.MaxBody, bufferedBody))
	switch {
	case err != nil:
		b.release(read)
		return nil, err
	case complete:
		_ = a.control.SetReadDeadline(time.Time{})
	case limits.MaxBody <= bufferedBody:
		b.release(read)
		return nil, errTooLarge
	default:
		read.rest = &rest{
			from: request.Body, left: limits.MaxBody - int64(len(read.start)),
			done: func() { _ = a.control.SetReadDeadline(time.Time{}) },
		}
	}
	return read, nil
}

// fill reads until the end of the body or one byte beyond limit. It reserves memory as
// bytes arrive, not for the announced length.
func (b *bodies) fill(request *http.Request, from *connection, into *body, limit int64) (complete bool, err error) {
	const first = 2 << 10
	for {
		if len(into.start) == cap(into.start) {
			size := min(max(2*int64(cap(into.start)), first), limit+1)
			if !b.reserve(request.Context(), from, size-into.room) {
				return false, errNoRoom
			}
			grown := make([]byte, len(into.start), size)
			copy(grown, into.start)
			into.start, into.room = grown, size
		}
		count, err := request.Body.Read(into.start[len(into.start):cap(into.start)])
		into.start = into.start[:len(into.start)+count]
		switch {
		case int64(len(into.start)) > limit:
			return false, nil
		case err == io.EOF:
			return true, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return false, errTooSlow
		case err != nil:
			return false, err
		}
	}
}

func (b *bodies) reserve(ctx context.Context, from *connection, size int64) bool {
	if b.room.TryAcquire(size) {
		return true
	}
	b.connections.endOldestReader(from)
	within, cancel := context.WithTimeout(ctx, roomTimeout)
	defer cancel()
	return b.room.Acquire(within, size) == nil
}

func (b *bodies) release(read *body) {
	if read != nil && read.room > 0 {
		b.room.Release(read.room)
		read.room = 0
	}
}
