package cluster

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

const (
	// nodeBound is the bound of the wait for a node's own address: a new service
	// reaches the node's network rules within a second.
	nodeBound = 2 * time.Second
	nodeTry   = 300 * time.Millisecond
)

// Address returns the address at which this machine reaches a node port while the
// cluster runs: the published port, or else the node's own address if that
// answers. ok is false where only a Forward reaches the port.
//
// It connects to a node's address only on a network of this machine, as the
// networks of Minikube's drivers are. A connection to the address of a network
// that no longer exists could leave this machine.
func (c *Cluster) Address(ctx context.Context, nodePort int) (addr string, ok bool) {
	if addr, ok := c.Published(nodePort); ok {
		return addr, true
	}
	if !c.node.IsValid() {
		return "", false
	}
	own, err := net.InterfaceAddrs()
	if err != nil || !attached(c.node, own) {
		return "", false
	}
	addr = netip.AddrPortFrom(c.node, uint16(nodePort)).String()
	err = poll(nodeBound).Until(ctx, func(ctx context.Context) error {
		conn, err := (&net.Dialer{Timeout: nodeTry}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return fmt.Errorf("reach node port %d: %w", nodePort, err)
		}
		return conn.Close()
	})
	return addr, err == nil
}

// attached tells whether an address is on a network of this machine.
func attached(addr netip.Addr, own []net.Addr) bool {
	return slices.ContainsFunc(own, func(a net.Addr) bool {
		network, ok := a.(*net.IPNet)
		return ok && network.Contains(addr.AsSlice())
	})
}
