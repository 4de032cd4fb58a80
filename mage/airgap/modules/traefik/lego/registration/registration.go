// Package registration stands in for lego's of this name.
package registration

import (
	"context"

	"github.com/go-acme/lego/v5"
	"github.com/go-acme/lego/v5/acme"
)

// RegisterOptions go with a registration.
type RegisterOptions struct{ TermsOfServiceAgreed bool }

// RegisterEABOptions go with the registration of an account that is known elsewhere.
type RegisterEABOptions struct {
	TermsOfServiceAgreed bool
	Kid, HmacEncoded     string
}

// Registrar registers nobody.
type Registrar struct{}

// Register fails.
func (*Registrar) Register(context.Context, RegisterOptions) (*acme.ExtendedAccount, error) {
	return nil, lego.ErrNone
}

// RegisterWithExternalAccountBinding fails.
func (*Registrar) RegisterWithExternalAccountBinding(context.Context, RegisterEABOptions) (*acme.ExtendedAccount, error) {
	return nil, lego.ErrNone
}
