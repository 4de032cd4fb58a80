// Package lego stands in for lego, with which Traefik asks an authority for
// certificates (ACME). That needs the internet and the SDKs of 200 DNS providers,
// some of which cannot be had from every module proxy, and which take longer to
// compile than all the rest. Here is what Traefik's sources name of it, and no
// more: a Traefik that is told to ask for certificates says that it cannot.
package lego

import "errors"

// ErrNone is what every use of it ends in.
var ErrNone = errors.New("this Traefik was built without ACME: use certificates of your own")
