// Package outside knows how this machine reaches image registries: through
// which proxies, with which certificate authorities, by which mirrors and with
// which logins. The settings are read once. The same answers go to the
// pipeline's own requests, the container engine, the builder, its build steps
// and the cluster's nodes. The package sends no requests itself.
package outside

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// Options are the settings from which Read makes an Access.
type Options struct {
	Getenv func(string) string // required
	// Mirrors are registries that serve the repositories of others, each as
	// HOST[:PORT][/PATH], by the host name of the registry that it serves. The
	// repository library/node of Docker Hub is PATH/library/node there.
	Mirrors map[string]string
	// Insecure are the registries, as HOST[:PORT], that are reached by plain HTTP. It
	// is never assumed for a public name.
	Insecure []string
	// EngineMirrors are the registry-mirrors of the container engine. They serve
	// Docker Hub, after the mirrors of the settings.
	EngineMirrors []string
}

// Access is how this machine reaches image registries. It does not change after
// Read.
type Access struct {
	Proxy Proxy
	// Bundle is a file's worth of PEM certificates that this machine trusts; nil
	// where the operating system gives no file.
	Bundle   []byte
	mirrors  map[string][]mirror // by canonical registry name
	insecure []string            // canonical registry names
	roots    *x509.CertPool
}

// Read reads the settings. It reads the file of certificates and sends no
// requests. All faults are in one error.
func Read(o Options) (*Access, error) {
	a := &Access{Proxy: readProxy(o.Getenv)}
	var problems []error
	problems = append(problems, a.Proxy.check()...)
	bundle, err := caBundle(o.Getenv)
	problems = append(problems, err)
	a.Bundle = bundle
	if bundle != nil {
		a.roots = systemRoots()
		if !a.roots.AppendCertsFromPEM(bundle) {
			problems = append(problems, errors.New("the file of certificates that this machine trusts has no certificate in PEM form"))
		}
	}
	a.insecure, err = readInsecure(o.Insecure)
	problems = append(problems, err)
	a.mirrors, err = a.readMirrors(o.Mirrors, o.EngineMirrors)
	problems = append(problems, err)
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return a, nil
}

// systemRoots returns the certificates of the operating system. Some systems have no
// file of them.
func systemRoots() *x509.CertPool {
	if pool, err := x509.SystemCertPool(); err == nil {
		return pool
	}
	return x509.NewCertPool()
}

// Transport returns a transport with the proxies and certificates of a. Every
// call returns a new one.
func (a *Access) Transport() http.RoundTripper {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	proxy := a.Proxy.config().ProxyFunc()
	transport.Proxy = func(r *http.Request) (*url.URL, error) { return proxy(r.URL) }
	if a.roots != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: a.roots, MinVersion: tls.VersionTLS12}
	}
	return limitReader{transport}
}

// Proxy holds the proxy settings of the environment. NoProxy always has the
// loopback addresses: the cluster's ports are there.
type Proxy struct{ HTTP, HTTPS, NoProxy string }

// loopback are the names that never go through a proxy.
var loopback = []string{"127.0.0.1", "localhost", "::1", ".localhost"}

// readProxy prefers upper case where both spellings are set, as curl's manual
// and Go do.
func readProxy(getenv func(string) string) Proxy {
	either := func(name string) string {
		if value := getenv(name); value != "" {
			return value
		}
		return getenv(strings.ToLower(name))
	}
	p := Proxy{HTTP: either("HTTP_PROXY"), HTTPS: either("HTTPS_PROXY"), NoProxy: either("NO_PROXY")}
	if !p.Set() {
		return Proxy{}
	}
	names := strings.FieldsFunc(p.NoProxy, func(r rune) bool { return r == ',' || r == ' ' })
	for _, name := range loopback {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	p.NoProxy = strings.Join(names, ",")
	return p
}

// Set reports whether there is a proxy.
func (p Proxy) Set() bool { return p.HTTP != "" || p.HTTPS != "" }

func (p Proxy) config() *httpproxy.Config {
	return &httpproxy.Config{HTTPProxy: p.HTTP, HTTPSProxy: p.HTTPS, NoProxy: p.NoProxy}
}

// Environment returns the settings as environment variables in both spellings,
// since programs differ in the one that they read. It is empty without a proxy.
func (p Proxy) Environment() []string {
	var all []string
	for _, v := range p.variables() {
		all = append(all, v[0]+"="+v[1], strings.ToLower(v[0])+"="+v[1])
	}
	return all
}

// BuildArguments returns the settings as the predefined proxy arguments of a
// Dockerfile. BuildKit gives them to the build steps and keeps them out of its
// cache keys and of the image.
func (p Proxy) BuildArguments() map[string]string {
	all := map[string]string{}
	for _, v := range p.variables() {
		all[v[0]], all[strings.ToLower(v[0])] = v[1], v[1]
	}
	return all
}

func (p Proxy) variables() [][2]string {
	var all [][2]string
	for _, v := range [][2]string{{"HTTP_PROXY", p.HTTP}, {"HTTPS_PROXY", p.HTTPS}, {"NO_PROXY", p.NoProxy}} {
		if v[1] != "" {
			all = append(all, v)
		}
	}
	return all
}

// check refuses values that are not addresses. An address may hold a password,
// so no message repeats it.
func (p Proxy) check() []error {
	var problems []error
	for _, v := range [][2]string{{"HTTP_PROXY", p.HTTP}, {"HTTPS_PROXY", p.HTTPS}} {
		if v[1] == "" {
			continue
		}
		text := v[1]
		if !strings.Contains(text, "://") {
			text = "http://" + text // as Go and curl read it
		}
		address, err := url.Parse(text)
		if err != nil || address.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, address.Scheme) {
			problems = append(problems, fmt.Errorf("the environment variable %s does not hold the address of a proxy: want http://HOST:PORT", v[0]))
		}
	}
	return problems
}

// OnLoopback reports whether a proxy listens on a loopback address of this
// machine. Containers with a network of their own, such as a node, cannot reach
// it.
func (p Proxy) OnLoopback() bool {
	for _, text := range []string{p.HTTP, p.HTTPS} {
		if !strings.Contains(text, "://") {
			text = "http://" + text
		}
		if address, err := url.Parse(text); err == nil && isLoopback(address.Hostname()) {
			return true
		}
	}
	return false
}
