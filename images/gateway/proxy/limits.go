package proxy

import (
	"container/list"
	"net/netip"
	"sync"

	"golang.org/x/time/rate"
)

// maxAddresses limits the addresses that rates remembers, at about 300 bytes each. Above
// it, the address with the oldest request is removed.
const maxAddresses = 8_192

// rates limits the requests per second of each address.
type rates struct {
	limit rate.Limit
	burst int

	mu     sync.Mutex
	known  map[netip.Addr]*list.Element
	recent *list.List // of *bucket, the most recent first
}

type bucket struct {
	address netip.Addr
	limiter *rate.Limiter
}

func newRates(limits Limits) *rates {
	return &rates{
		limit: rate.Limit(limits.Rate), burst: limits.Burst,
		known: map[netip.Addr]*list.Element{}, recent: list.New(),
	}
}

func (r *rates) allow(address netip.Addr) bool {
	key := group(address)
	r.mu.Lock()
	defer r.mu.Unlock()
	if place, ok := r.known[key]; ok {
		r.recent.MoveToFront(place)
		if found, ok := place.Value.(*bucket); ok {
			return found.limiter.Allow()
		}
	}
	if len(r.known) >= maxAddresses {
		if oldest, ok := r.recent.Remove(r.recent.Back()).(*bucket); ok {
			delete(r.known, oldest.address)
		}
	}
	made := &bucket{address: key, limiter: rate.NewLimiter(r.limit, r.burst)}
	r.known[key] = r.recent.PushFront(made)
	return made.limiter.Allow()
}

// flights limits the concurrent requests to upstreams.
type flights struct {
	max, perAddress int

	mu    sync.Mutex
	total int
	count map[netip.Addr]int
}

func newFlights(limits Limits) *flights {
	return &flights{max: limits.InFlight, perAddress: limits.InFlightPerAddress, count: map[netip.Addr]int{}}
}

// begin returns the function that ends the request, or the status that refuses it.
func (f *flights) begin(address netip.Addr) (end func(), status int) {
	key := group(address)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count[key] >= f.perAddress {
		return nil, 429
	}
	if f.total >= f.max {
		return nil, 503
	}
	f.total++
	f.count[key]++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.total--
		if f.count[key]--; f.count[key] <= 0 {
			delete(f.count, key)
		}
	}, 0
}
