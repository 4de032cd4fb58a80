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

// CondOptions is no option.
func CondOptions(bool, ...Option) (none Option) { return none }

// PropagationWait is no option.
func PropagationWait(time.Duration, bool) (none Option) { return none }

// DisableAuthoritativeNssPropagationRequirement is no option.
func DisableAuthoritativeNssPropagationRequirement() (none Option) { return none }

// DisableRecursiveNSsPropagationRequirement is no option.
func DisableRecursiveNSsPropagationRequirement() (none Option) { return none }
