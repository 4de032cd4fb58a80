// Package http01 stands in for lego's of this name.
package http01

import "time"

// PathPrefix is where an authority asks (RFC 8555, section 8.3).
const PathPrefix = "/.well-known/acme-challenge/"

// Option does nothing.
type Option struct{}

// SetDelay returns an option without effect.
func SetDelay(time.Duration) (none Option) { return none }
