// Package kube holds facts of Kubernetes' API that several packages go by. It
// talks to no cluster.
package kube

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Final tells whether an error of an API server is an answer that waiting does
// not change: this user may not, the question is wrong, or there is no trust.
// An API server that is away, or is still coming up, gives other errors.
//
// While a cluster of one's own is being made, its administrator is refused for
// some seconds too: there Untrusted is what may be gone by.
func Final(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsInvalid(err) ||
		apierrors.IsMethodNotSupported(err) || Untrusted(err)
}

// Untrusted tells whether a connection ended because the certificate of the
// other side is not believed, or because the login that the kubeconfig names
// for this side failed.
func Untrusted(err error) bool {
	if err == nil {
		return false
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return true
	}
	return strings.Contains(err.Error(), "getting credentials: ") // client-go gives no type to a failed login program
}
