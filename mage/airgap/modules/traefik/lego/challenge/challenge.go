// Package challenge stands in for lego's of this name.
package challenge

import "context"

// Provider answers an authority's challenge.
type Provider interface {
	Present(ctx context.Context, domain, token, keyAuth string) error
	CleanUp(ctx context.Context, domain, token, keyAuth string) error
}
