package engine

import (
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"
)

// place is what is known of where this process and an engine run.
type place struct {
	address   string // of the engine, as in DOCKER_HOST
	name      string // of the engine's machine
	hostname  string // of this machine or container
	container bool   // this process runs in a container
}

// here describes this process, for an engine at an address on a machine of a name.
func here(address, name string) place {
	p := place{address: address, name: name}
	p.hostname, _ = os.Hostname() // without one, the names differ only if the engine has one
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			p.container = true
		}
	}
	return p
}

// elsewhere says why the engine's loopback addresses are not those of this process;
// "" if they are. Ports of a cluster are published on them.
func (p place) elsewhere() string {
	address, err := url.Parse(p.address)
	if err != nil {
		return ""
	}
	switch address.Scheme {
	case "tcp", "http", "https":
		if host := address.Hostname(); !isLoopback(host) {
			return fmt.Sprintf("it runs on another machine (%s)", host)
		}
	case "unix":
		if p.container && p.hostname != p.name {
			return fmt.Sprintf("its socket comes from the machine %q, and this process runs in a container with a network of its own", p.name)
		}
	}
	return ""
}

func isLoopback(host string) bool {
	if host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

// refuseSSH refuses addresses that the docker command reaches by a program of its
// own.
func refuseSSH(address string) error {
	if !strings.HasPrefix(address, "ssh://") {
		return nil
	}
	return fmt.Errorf("container engine at %s: the pipeline does not connect by ssh: run it on that machine, or forward the socket "+
		"(`ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST`) and set DOCKER_HOST=unix:///tmp/docker.sock with TODO_PROVIDER=kubecontext", address)
}
