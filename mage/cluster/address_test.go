package cluster

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// nodeIP is an address of this machine other than 127.0.0.1, on which the tests
// open node ports.
const nodeIP = "127.0.0.2"

// openNodePort opens a node port after a delay, like a new service.
func openNodePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", nodeIP+":0")
	if err != nil {
		t.Skipf("this system has no second loopback address: %v", err)
	}
	address := l.Addr().(*net.TCPAddr)
	require.NoError(t, l.Close())
	opened := make(chan net.Listener, 1)
	time.AfterFunc(400*time.Millisecond, func() {
		l, err := net.ListenTCP("tcp", address)
		assert.NoError(t, err)
		opened <- l
	})
	t.Cleanup(func() {
		if l := <-opened; l != nil {
			_ = l.Close()
		}
	})
	return address.Port
}

func TestUnpublishedPortIsReachedAtMinikubeNodeAddress(t *testing.T) {
	for driver, reached := range map[string]bool{"kvm2": true, "none": true, "docker": runtime.GOOS == "linux", "podman": runtime.GOOS == "linux"} {
		t.Run(driver, func(t *testing.T) {
			f, _ := newFakeMinikube(t)
			f.ip = nodeIP
			f.exists(driver, 2, 4096, "v1.36.3", "Running")
			c, err := newTestMinikube(t, nil).Find(t.Context())
			require.NoError(t, err)
			port := openNodePort(t)
			addr, ok := c.Address(t.Context(), port)
			assert.Equal(t, reached, ok)
			if reached {
				assert.Equal(t, nodeIP+":"+strconv.Itoa(port), addr)
			}
			_, ok = c.Published(port)
			assert.False(t, ok)
		})
	}
}

func TestAddressFailsWhereNodeDoesNotAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	open := l.Addr().(*net.TCPAddr).Port
	for name, c := range map[string]struct {
		node netip.Addr
		port int
	}{
		"closed port": {netip.MustParseAddr("127.0.0.1"), freePort(t)},
		// A connection to 0.0.0.0 reaches this machine, but no network contains it.
		"address on another network": {netip.IPv4Unspecified(), open},
		"no address":                 {netip.Addr{}, open},
	} {
		t.Run(name, func(t *testing.T) {
			addr, ok := (&Cluster{node: c.node}).Address(t.Context(), c.port)
			assert.False(t, ok, addr)
		})
	}
}

func TestPublishedPortIsPreferredToNodeAddress(t *testing.T) {
	c := &Cluster{ports: map[int]int{30080: 8080}, node: netip.MustParseAddr(nodeIP)}
	addr, ok := c.Address(t.Context(), 30080)
	assert.True(t, ok)
	assert.Equal(t, "127.0.0.1:8080", addr)
}

func TestAttachedIsTrueForNetworksOfThisMachineOnly(t *testing.T) {
	var own []net.Addr
	for _, cidr := range []string{"127.0.0.1/8", "192.168.49.1/24", "10.1.2.3/32", "fe80::1/64"} {
		ip, network, err := net.ParseCIDR(cidr)
		require.NoError(t, err)
		own = append(own, &net.IPNet{IP: ip, Mask: network.Mask})
	}
	for addr, want := range map[string]bool{
		"192.168.49.2": true, "192.168.49.1": true, "127.0.0.2": true,
		"192.168.50.2": false, "10.1.2.4": false, "192.0.2.7": false, "2001:db8::7": false,
	} {
		assert.Equal(t, want, attached(netip.MustParseAddr(addr), own), addr)
	}
}

func TestMinikubeEnablesAddonWhileClusterStarts(t *testing.T) {
	f, _ := newFakeMinikube(t)
	f.exists("docker", 2, 4096, "v1.36.3", "Running")
	f.api.remove("/api/v1/namespaces/kube-system/pods/coredns-1")
	var on atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !on.Load() {
			http.Error(w, "no registry yet", http.StatusBadGateway)
		}
	}))
	defer server.Close()
	f.registry = server.Listener.Addr().(*net.TCPAddr).Port
	f.enabled = func() {
		on.Store(true)
		f.api.put(t, "/api/v1/namespaces/kube-system/pods/coredns-1", readyPod("coredns-1", time.Now()))
	}
	c, err := newTestMinikube(t, nil).Ensure(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1:"+strconv.Itoa(f.registry), c.Registry.Push)
}
