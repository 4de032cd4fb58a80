package outside

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Reason is why a registry did not serve an image.
type Reason string

// The reasons. Unreachable stands for all causes that may go away by waiting or
// by another network; the others are answers.
const (
	Unreachable  Reason = "unreachable"
	Unauthorized Reason = "unauthorized" // 401: no login, or a wrong one
	Forbidden    Reason = "forbidden"    // 403: the login may not read it, or a proxy refuses
	NotFound     Reason = "not found"
	RateLimited  Reason = "rate limited"
	Untrusted    Reason = "untrusted certificate"
	UnknownHost  Reason = "unknown host"
	TimedOut     Reason = "timed out"
)

// Refusal says why a registry did not serve an image, and what to do.
type Refusal struct {
	Ref    name.Reference
	Reason Reason
	Reset  string // with RateLimited: when the limit ends, where the registry says so
	Err    error
}

func (r *Refusal) Error() string {
	host := r.Ref.Context().RegistryStr()
	var what, fix string
	switch r.Reason {
	case Unauthorized:
		what, fix = "the registry requires a login", fmt.Sprintf("`docker login %s`", host)
	case Forbidden:
		what, fix = "access is forbidden", fmt.Sprintf("`docker login %s` with an account that may read it, or ask who runs the registry or the proxy", host)
	case NotFound:
		what, fix = "the registry does not have it", "check its name and tag"
	case RateLimited:
		what, fix = "the registry's rate limit is reached", fmt.Sprintf("`docker login %s` raises the limit; or set a mirror in pipeline.mirrors; or wait", host)
		if r.Reset != "" {
			fix += " until " + r.Reset
		}
	case Untrusted:
		what, fix = "its certificate is not trusted", "name a file with the authority's certificate in SSL_CERT_FILE"
	case UnknownHost:
		what, fix = "its host name is unknown", "check the name and the network"
	case TimedOut:
		what, fix = "it does not answer in time", "check the network, and the proxy in HTTPS_PROXY"
	default:
		what, fix = "it is not reachable", "check the network, and the proxy in HTTPS_PROXY"
	}
	return fmt.Sprintf("image %q: %s; %s: %v", r.Ref, what, fix, r.Err)
}

func (r *Refusal) Unwrap() error { return r.Err }

// Final reports whether waiting does not change the answer.
func (r *Refusal) Final() bool {
	switch r.Reason {
	case Unauthorized, Forbidden, NotFound, Untrusted:
		return true
	}
	return false
}

// Explain classifies the error of a request for an image. nil stays nil.
func Explain(ref name.Reference, err error) error {
	if err == nil {
		return nil
	}
	reason, reset := classify(err)
	return &Refusal{Ref: ref, Reason: reason, Reset: reset, Err: err}
}

func classify(err error) (Reason, string) {
	if answer, ok := errors.AsType[*transport.Error](err); ok {
		if reason, ok := reasonOf(answer); ok {
			return reason, reset(answer)
		}
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return Untrusted, ""
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return Untrusted, ""
	}
	if resolution, ok := errors.AsType[*net.DNSError](err); ok && resolution.IsNotFound {
		return UnknownHost, ""
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return TimedOut, ""
	}
	return Unreachable, ""
}

// reasonOf reads an answer. A registry names the reason in its body too, and
// some give 401 for a repository that does not exist.
func reasonOf(answer *transport.Error) (Reason, bool) {
	for _, diagnostic := range answer.Errors {
		switch diagnostic.Code {
		case transport.TooManyRequestsErrorCode:
			return RateLimited, true
		case transport.ManifestUnknownErrorCode, transport.NameUnknownErrorCode:
			return NotFound, true
		}
	}
	switch answer.StatusCode {
	case http.StatusUnauthorized:
		return Unauthorized, true
	case http.StatusForbidden, http.StatusProxyAuthRequired:
		return Forbidden, true
	case http.StatusNotFound:
		return NotFound, true
	case http.StatusTooManyRequests:
		return RateLimited, true
	}
	return "", false
}

// limited carries the header with the end of a rate limit from a response to the
// error that go-containerregistry makes of it, which keeps the request alone.
type limited struct{ reset string }

type limitedKey struct{}

// limitReader is a transport that notes the end of rate limits.
type limitReader struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (l limitReader) RoundTrip(request *http.Request) (*http.Response, error) {
	note := &limited{}
	request = request.WithContext(context.WithValue(request.Context(), limitedKey{}, note))
	response, err := l.next.RoundTrip(request)
	if err == nil && response.StatusCode == http.StatusTooManyRequests {
		note.reset = resetOf(response.Header)
		response.Request = request
	}
	return response, err
}

// resetOf reads when a rate limit ends: RFC 9110's Retry-After, or the
// RateLimit-Reset of registries that have one.
func resetOf(header http.Header) string {
	for _, name := range []string{"Retry-After", "RateLimit-Reset"} {
		value := strings.TrimSpace(header.Get(name))
		if value != "" && strings.Trim(value, "0123456789") == "" {
			value += " s have passed"
		}
		if value != "" {
			return value
		}
	}
	return ""
}

func reset(answer *transport.Error) string {
	if answer.Request == nil {
		return ""
	}
	if note, ok := answer.Request.Context().Value(limitedKey{}).(*limited); ok {
		return note.reset
	}
	return ""
}
