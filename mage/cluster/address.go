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
	// nodeBound is how long a node's own address may take to answer: the rules
	// of a new service reach the node within a second.
	nodeBound = 2 * time.Second
	nodeTry   = 300 * time.Millisecond
)

// Address returns where this machine reaches a node port for as long as the
// cluster runs: the published port, or else the node's own address if it
// answers there. ok is false where only a Forward leads to it, which ends with
// this process.
//
// A node's address is asked only on a network that this machine is attached to,
// as the drivers' own networks are: to one that is gone, the way could lead out
// of the machine.
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
