// Package ext is where builds of Traefik add to its configuration. Upstream's
// own is as empty as this one, and is not a part of the module that Go serves.
package ext

// HTTP adds nothing to the HTTP configuration.
type HTTP struct{}

// Router adds nothing to a router.
type Router struct{}
