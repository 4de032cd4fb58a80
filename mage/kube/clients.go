package kube

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// Clients are the clients of one cluster. They are made once, by Connect, and
// passed along. Tests fill in fakes for the fields that they need.
type Clients struct {
	Config    *rest.Config // for exec and port-forward; treat it as read-only
	Clientset kubernetes.Interface
	Dynamic   dynamic.Interface
	Metadata  metadata.Interface
	Discovery discovery.CachedDiscoveryInterface // answers are kept in memory
	Mapper    meta.RESTMapper                    // asks Discovery
}

// Connect makes the clients of the cluster that cfg describes. It sends no
// request and leaves cfg unchanged. The clients have no rate limit of their own,
// since the API server limits fairly, and they drop the API server's warnings
// unless cfg has a handler for them.
func Connect(cfg *rest.Config) (*Clients, error) {
	own := rest.CopyConfig(cfg)
	own.QPS = -1
	if own.WarningHandler == nil && own.WarningHandlerWithContext == nil {
		own.WarningHandler = rest.NoWarnings{}
	}
	c := &Clients{Config: own}
	clientset, err := kubernetes.NewForConfig(own)
	if err != nil {
		return nil, fmt.Errorf("make clients for API server %q: %w", own.Host, err)
	}
	c.Clientset = clientset
	if c.Dynamic, err = dynamic.NewForConfig(own); err != nil {
		return nil, fmt.Errorf("make a dynamic client for API server %q: %w", own.Host, err)
	}
	if c.Metadata, err = metadata.NewForConfig(own); err != nil {
		return nil, fmt.Errorf("make a metadata client for API server %q: %w", own.Host, err)
	}
	asks, err := discovery.NewDiscoveryClientForConfig(own) // unlike the clientset's, it bounds each request
	if err != nil {
		return nil, fmt.Errorf("make a discovery client for API server %q: %w", own.Host, err)
	}
	c.Discovery = memory.NewMemCacheClient(asks)
	c.Mapper = restmapper.NewDeferredDiscoveryRESTMapper(c.Discovery)
	return c, nil
}
