package proxy

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// Lines per second that are logged, and how many at once: a flood must not fill
// the disk.
const (
	logRate  = 10
	logBurst = 50
)

// maxLogged bounds each text of a client in a line, in bytes.
const maxLogged = 200

// Log writes at most 10 lines a second and counts those that it leaves out.
type Log struct {
	to         *slog.Logger
	limit      *rate.Limiter
	suppressed atomic.Int64
}

// NewLog returns a Log that writes to a handler which escapes what it is given.
func NewLog(to *slog.Logger) *Log {
	return &Log{to: to, limit: rate.NewLimiter(logRate, logBurst)}
}

func (l *Log) line(level slog.Level, message string, attributes ...slog.Attr) {
	if !l.limit.Allow() {
		l.suppressed.Add(1)
		return
	}
	if count := l.suppressed.Swap(0); count > 0 {
		attributes = append(attributes, slog.Int64("suppressed_lines", count))
	}
	l.to.LogAttrs(context.Background(), level, message, attributes...)
}

// Write makes a Log the place for what net/http says: panics, mostly.
func (l *Log) Write(text []byte) (int, error) {
	l.line(slog.LevelError, "http server", slog.String("cause", bounded(strings.TrimSpace(string(text)), 4_000)))
	return len(text), nil
}

func bounded(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}

// Level logs errors of upstreams; refusals are the client's doing.
func levelOf(status int) slog.Level {
	if status >= 500 {
		return slog.LevelError
	}
	return slog.LevelWarn
}
