// Package log stands in for lego's of this name.
package log

import "log/slog"

// SetDefault does nothing: there is nothing to log.
func SetDefault(*slog.Logger) {}
