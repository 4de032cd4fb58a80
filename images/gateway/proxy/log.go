package proxy

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// logRate and logBurst limit the lines per second and at once. Otherwise many requests
// could fill the disk.
const (
	logRate  = 10
	logBurst = 50
)

// maxLogged limits each text of a client in a line, in bytes.
const maxLogged = 200

// Log writes at most logRate lines per second and counts the suppressed lines.
type Log struct {
	to         *slog.Logger
	limit      *rate.Limiter
	suppressed atomic.Int64
}

// NewLog returns a Log. The handler of the logger must escape control characters.
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

// Write logs a message of net/http, for example a panic.
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

// levelOf returns error for failures of the server, and warn for errors of the client.
func levelOf(status int) slog.Level {
	if status >= 500 {
		return slog.LevelError
	}
	return slog.LevelWarn
}
