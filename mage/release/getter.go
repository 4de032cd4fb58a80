package release

import (
	"context"
	"io"
	"net/http"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	helmkube "helm.sh/helm/v3/pkg/kube"
	"helm.sh/helm/v3/pkg/storage"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"todo-chatbot/mage/kube"
)

// getter gives Helm the clients of one action.
type getter struct {
	clients   *kube.Clients
	namespace string
}

func (g getter) ToRESTConfig() (*rest.Config, error) { return rest.CopyConfig(g.clients.Config), nil }

func (g getter) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return g.clients.Discovery, nil
}

func (g getter) ToRESTMapper() (meta.RESTMapper, error) { return g.clients.Mapper, nil }

// ToRawKubeConfigLoader gives the default namespace only. It reads no file.
func (g getter) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	return clientcmd.NewDefaultClientConfig(clientcmdapi.Config{}, &clientcmd.ConfigOverrides{
		Context: clientcmdapi.Context{Namespace: g.namespace},
	})
}

// configuration is the environment of one Helm action. Its requests to the
// cluster end with ctx, which most Helm actions do not take. Its requests to the
// records do not, so that Helm can still record how the action ended.
func (m *Manager) configuration(ctx context.Context, log action.DebugLog) (*action.Configuration, error) {
	records := storage.Init(m.records.driver)
	records.Log = log
	cfg := &action.Configuration{
		Releases:       records,
		Log:            log,
		HookOutputFunc: func(_, _, _ string) io.Writer { return io.Discard },
	}
	if m.helm != nil {
		cfg.KubeClient = m.helm
		cfg.Capabilities = chartutil.DefaultCapabilities
		return cfg, nil
	}
	config := rest.CopyConfig(m.clients.Config)
	config.WarningHandler = warnings{log}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return bound{ctx, next} })
	clients, err := kube.Connect(config)
	if err != nil {
		return nil, err
	}
	client := helmkube.New(getter{clients, m.namespace})
	client.Log = log
	client.Namespace = m.namespace
	cfg.KubeClient = hookClient{client, ctx, m}
	cfg.RESTClientGetter = getter{clients, m.namespace}
	return cfg, nil
}

// bound ends requests, and the bodies of their responses, with the context of one
// action.
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
