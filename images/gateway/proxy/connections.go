package proxy

import (
	"container/list"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// connections limits the connections of clients. Above the limit, it closes the oldest
// connection that waits for a request, or else for the rest of a body. So new clients
// have priority over clients that send slowly on purpose.
type connections struct {
	max, perAddress int
	unbounded       func(netip.Addr) bool // for trusted proxies, which send the requests of many people

	mu      sync.Mutex
	open    map[*connection]struct{}
	count   map[netip.Addr]int
	waiting *list.List // without a request, the oldest first
	reading *list.List // with an incomplete body, the oldest first
}

func newConnections(limits Limits, unbounded func(netip.Addr) bool) *connections {
	return &connections{
		max: limits.Connections, perAddress: limits.ConnectionsPerAddress, unbounded: unbounded,
		open: map[*connection]struct{}{}, count: map[netip.Addr]int{},
		waiting: list.New(), reading: list.New(),
	}
}

// connection is a connection of a client. It is counted until it is closed.
type connection struct {
	*net.TCPConn
	owner   *connections
	address netip.Addr
	place   *list.Element
	queue   *list.List
}

func (c *connection) Close() error {
	c.owner.forget(c)
	return c.TCPConn.Close()
}

// listener accepts connections within the limits.
type listener struct {
	net.Listener
	connections *connections
}

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tcp, ok := accepted.(*net.TCPConn)
		if !ok {
			return accepted, nil
		}
		address := socketAddress(accepted.RemoteAddr().String())
		if made := l.connections.admit(tcp, address); made != nil {
			return made, nil
		}
		_ = tcp.SetLinger(0) // the kernel keeps no state of a refused connection
		_ = tcp.Close()
	}
}

// admit returns nil when a limit is reached and no other connection can be closed.
func (c *connections) admit(tcp *net.TCPConn, address netip.Addr) *connection {
	made := &connection{TCPConn: tcp, owner: c, address: group(address)}
	c.mu.Lock()
	var victim *connection
	switch {
	case !c.unbounded(address) && c.count[made.address] >= c.perAddress:
		victim = c.oldest(func(other *connection) bool { return other.address == made.address })
	case len(c.open) >= c.max:
		victim = c.oldest(func(*connection) bool { return true })
	default:
		c.add(made)
		c.mu.Unlock()
		return made
	}
	if victim != nil {
		c.remove(victim)
		c.add(made)
	}
	c.mu.Unlock()
	if victim == nil {
		return nil
	}
	_ = victim.TCPConn.Close()
	return made
}

func (c *connections) oldest(suits func(*connection) bool) *connection {
	for _, queue := range []*list.List{c.waiting, c.reading} {
		for place := queue.Front(); place != nil; place = place.Next() {
			if candidate, ok := place.Value.(*connection); ok && suits(candidate) {
				return candidate
			}
		}
	}
	return nil
}

func (c *connections) add(one *connection) {
	c.open[one] = struct{}{}
	c.count[one.address]++
	one.queue, one.place = c.waiting, c.waiting.PushBack(one)
}

// remove is idempotent.
func (c *connections) remove(one *connection) {
	if _, known := c.open[one]; !known {
		return
	}
	delete(c.open, one)
	if c.count[one.address]--; c.count[one.address] <= 0 {
		delete(c.count, one.address)
	}
	c.leave(one)
}

func (c *connections) leave(one *connection) {
	if one.queue != nil {
		one.queue.Remove(one.place)
		one.queue, one.place = nil, nil
	}
}

func (c *connections) forget(one *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(one)
}

// move puts a connection into a queue, or removes it from its queue (nil) while it is busy.
func (c *connections) move(one *connection, queue *list.List) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.open[one]; !known || one.queue == queue {
		return
	}
	c.leave(one)
	if queue != nil {
		one.queue, one.place = queue, queue.PushBack(one)
	}
}

// endOldestReader closes the connection with the oldest incomplete body.
func (c *connections) endOldestReader(except *connection) {
	c.mu.Lock()
	var victim *connection
	for place := c.reading.Front(); place != nil && victim == nil; place = place.Next() {
		if candidate, ok := place.Value.(*connection); ok && candidate != except {
			victim = candidate
		}
	}
	if victim != nil {
		c.remove(victim)
	}
	c.mu.Unlock()
	if victim != nil {
		_ = victim.TCPConn.Close()
	}
}

// state receives the states of a connection from net/http.
func (c *connections) state(conn net.Conn, state http.ConnState) {
	one, ok := conn.(*connection)
	if !ok {
		return
	}
	switch state {
	case http.StateActive:
		c.move(one, nil)
	case http.StateIdle:
		c.move(one, c.waiting)
	case http.StateNew, http.StateHijacked:
	case http.StateClosed:
		c.forget(one)
	}
}

func (c *connections) total() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}
