// Package proxy is the reverse proxy of the gateway: an http.Handler that chooses the
// upstream of each request, enforces limits, and removes forged headers. It does not read
// settings (see package settings), and does not terminate TLS.
package proxy
