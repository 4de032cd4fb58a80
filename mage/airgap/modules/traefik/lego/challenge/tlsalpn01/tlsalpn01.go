// Package tlsalpn01 stands in for lego's of this name.
package tlsalpn01

import (
	"time"

	"github.com/go-acme/lego/v5"
)

// ACMETLS1Protocol is the protocol that an authority asks by (RFC 8737, section 6.2).
const ACMETLS1Protocol = "acme-tls/1"

// ChallengeBlocks fails.
func ChallengeBlocks(_, _ string) (certificate, key []byte, err error) { return nil, nil, lego.ErrNone }

// Option does nothing.
type Option struct{}

// SetDelay returns an option without effect.
func SetDelay(time.Duration) (none Option) { return none }
