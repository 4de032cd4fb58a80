// Package lego stands in for lego's of this name.
package lego

import (
	"crypto/x509"
	"net/http"
	"time"

	none "github.com/go-acme/lego/v5"
	"github.com/go-acme/lego/v5/certificate"
	"github.com/go-acme/lego/v5/challenge"
	"github.com/go-acme/lego/v5/challenge/dns01"
	"github.com/go-acme/lego/v5/challenge/http01"
	"github.com/go-acme/lego/v5/challenge/tlsalpn01"
	"github.com/go-acme/lego/v5/registration"
)

// DirectoryURLLetsEncrypt names no authority.
const DirectoryURLLetsEncrypt = ""

// Config is a Client's.
type Config struct {
	CADirURL, UserAgent string
	HTTPClient          *http.Client
	Certificate         struct{ Timeout time.Duration }
}

// NewConfig takes no notice of the account.
func NewConfig(any) *Config { return &Config{} }

// Client would ask an authority.
type Client struct {
	Challenge    *Challenges
	Registration *registration.Registrar
	Certificate  *certificate.Certifier
}

// NewClient fails.
func NewClient(*Config) (*Client, error) { return nil, none.ErrNone }

// CreateCertPool fails.
func CreateCertPool([]string, bool) (*x509.CertPool, error) { return nil, none.ErrNone }

// Challenges are not answered.
type Challenges struct{}

// SetDNS01Provider fails.
func (*Challenges) SetDNS01Provider(challenge.Provider, ...dns01.Option) error { return none.ErrNone }

// SetHTTP01Provider fails.
func (*Challenges) SetHTTP01Provider(challenge.Provider, ...http01.Option) error { return none.ErrNone }

// SetTLSALPN01Provider fails.
func (*Challenges) SetTLSALPN01Provider(challenge.Provider, ...tlsalpn01.Option) error {
	return none.ErrNone
}
