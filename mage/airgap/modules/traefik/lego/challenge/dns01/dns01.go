// Package dns01 stands in for lego's of this name.
package dns01

import (
	"strings"
	"time"
)

// UnFqdn takes the dot from the end of a name.
func UnFqdn(name string) string { return strings.TrimSuffix(name, ".") }

// Options are a Client's.
type Options struct{ RecursiveNameservers []string }

// Client asks nobody.
type Client struct{}

// NewClient takes no notice of the options.
func NewClient(*Options) *Client { return nil }

// SetDefaultClient does nothing.
func SetDefaultClient(*Client) {}

// Option does nothing.
type Option struct{}

// CondOptions returns an option without effect.
func CondOptions(bool, ...Option) (none Option) { return none }

// PropagationWait returns an option without effect.
func PropagationWait(time.Duration, bool) (none Option) { return none }

// DisableAuthoritativeNssPropagationRequirement returns an option without effect.
func DisableAuthoritativeNssPropagationRequirement() (none Option) { return none }

// DisableRecursiveNSsPropagationRequirement returns an option without effect.
func DisableRecursiveNSsPropagationRequirement() (none Option) { return none }
