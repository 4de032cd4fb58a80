package kube

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Final tells whether an error is an answer that waiting does not change: the
// user is not permitted, the request is invalid, or the API server or the login
// is not trusted. An API server that is unreachable or still starts gives other
// errors.
//
// A new cluster refuses its administrator for some seconds. Poll.RetryRefusals is
// for that wait.
func Final(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsInvalid(err) ||
		apierrors.IsMethodNotSupported(err) || untrusted(err)
}

// untrusted tells whether a connection failed because this machine does not trust
// the certificate of the API server, or because the login program that the
// kubeconfig names failed.
func untrusted(err error) bool {
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
