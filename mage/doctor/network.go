package doctor

import (
	"strings"

	"todo-chatbot/mage/outside"
)

// Network describes how this machine reaches image registries.
type Network struct {
	Err         error    // faulty settings
	Proxy       bool     // requests go through a proxy
	ProxyOnHost bool     // which listens on a loopback address of this machine
	Mirrored    []string // registries that have a mirror
}

// NewNetwork describes an access, or the error of reading its settings.
func NewNetwork(access *outside.Access, err error) *Network {
	if err != nil {
		return &Network{Err: err}
	}
	return &Network{
		Proxy: access.Proxy.Set(), ProxyOnHost: access.Proxy.OnLoopback(), Mirrored: access.Mirrored(),
	}
}

// networkFinding repeats no address: that of a proxy may hold a password.
func (f Facts) networkFinding() Finding {
	row := Finding{Level: OK, Name: "network", Found: "direct"}
	if f.Network.Err != nil {
		row.Level, row.Found, row.Fix = Fail, f.Network.Err.Error(), "correct or unset the setting"
		return row
	}
	if f.Network.Proxy {
		row.Found = "through a proxy"
	}
	if len(f.Network.Mirrored) > 0 {
		row.Found += "; mirrors of " + strings.Join(f.Network.Mirrored, ", ")
	}
	if f.Network.ProxyOnHost && f.Provider == "kind" {
		row.Level, row.Found = Warn, row.Found+" on a loopback address, which the cluster's node does not reach"
		row.Fix = "a deploy does not need it in the node; for pods, set HTTPS_PROXY to an address of this machine that containers reach"
	}
	return row
}
