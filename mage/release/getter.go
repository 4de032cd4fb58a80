package release

import (
	"context"
	"io"
	"net/http"
	"sync"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/kube"
	"helm.sh/helm/v3/pkg/storage"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// getter answers Helm's questions for clients from a rest.Config alone. What it
// discovers is kept in memory for as long as it lives.
type getter struct {
	config    *rest.Config
	namespace string

	once      sync.Once
	discovery discovery.CachedDiscoveryInterface
	mapper    meta.RESTMapper
	err       error
}

func newGetter(config *rest.Config, namespace string) *getter {
	return &getter{config: config, namespace: namespace}
}

func (g *getter) ToRESTConfig() (*rest.Config, error) { return rest.CopyConfig(g.config), nil }

func (g *getter) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	g.once.Do(func() {
		client, err := discovery.NewDiscoveryClientForConfig(g.config)
		if err != nil {
			g.err = err
			return
		}
		g.discovery = memory.NewMemCacheClient(client)
		g.mapper = restmapper.NewDeferredDiscoveryRESTMapper(g.discovery)
	})
	return g.discovery, g.err
}

func (g *getter) ToRESTMapper() (meta.RESTMapper, error) {
	_, err := g.ToDiscoveryClient()
	return g.mapper, err
}

// ToRawKubeConfigLoader serves only the default namespace: no file is read.
func (g *getter) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	return clientcmd.NewDefaultClientConfig(clientcmdapi.Config{}, &clientcmd.ConfigOverrides{
		Context: clientcmdapi.Context{Namespace: g.namespace},
	})
}

// configuration is what one Helm action works with. Its requests to the
// cluster end with ctx, which most Helm actions do not take; the records do not,
// so that Helm can still write how the action ended.
func (m *Manager) configuration(ctx context.Context, log action.DebugLog) *action.Configuration {
	records := storage.Init(m.records)
	records.Log = log
	cfg := &action.Configuration{
		Releases:       records,
		Log:            log,
		HookOutputFunc: func(_, _, _ string) io.Writer { return io.Discard },
	}
	if m.kube != nil {
		cfg.KubeClient = m.kube
		cfg.Capabilities = chartutil.DefaultCapabilities
		return cfg
	}
	config := rest.CopyConfig(m.config)
	config.WarningHandler = warnings{log}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return bound{ctx, next} })
	clients := newGetter(config, m.namespace)
	client := kube.New(clients)
	client.Log = log
	client.Namespace = m.namespace
	cfg.KubeClient = hookClient{client, ctx, m}
	cfg.RESTClientGetter = clients
	return cfg
}

// bound ends every request, and the body of its answer, with a context. It
// lives as long as one action.
type bound struct {
	ctx  context.Context
	next http.RoundTripper
}

func (b bound) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := b.ctx.Err(); err != nil {
		return nil, context.Cause(b.ctx)
	}
	ctx, cancel := context.WithCancel(req.Context())
	stop := context.AfterFunc(b.ctx, cancel)
	end := func() { stop(); cancel() }
	resp, err := b.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		end()
		return nil, err
	}
	resp.Body = &boundBody{resp.Body, end}
	return resp, nil
}

type boundBody struct {
	io.ReadCloser
	end func()
}

func (b *boundBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}
