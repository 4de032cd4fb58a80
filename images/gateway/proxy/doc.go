// Package proxy is the gateway itself: an http.Handler that chooses the upstream of
// each request, holds clients to limits and keeps headers honest. It is not for
// reading settings, which the package settings does, nor for TLS, which belongs to
// what stands in front of it.
package proxy
