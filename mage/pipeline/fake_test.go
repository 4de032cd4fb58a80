package pipeline

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	registryserver "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/stretchr/testify/require"
	kubefake "helm.sh/helm/v3/pkg/kube/fake"
	"helm.sh/helm/v3/pkg/storage/driver"
	"k8s.io/apimachinery/pkg/api/meta"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	metadatafake "k8s.io/client-go/metadata/fake"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/image"
	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
	"todo-chatbot/mage/release"
	"todo-chatbot/mage/smoke"
)

// fixedServices is a factory of given services; nil means that there is no engine.
type fixedServices struct{ services *services }

func (f fixedServices) start(context.Context) (*services, error) { return f.services, nil }
func (f fixedServices) find(context.Context) (*services, error)  { return f.services, nil }
func (f fixedServices) daemon() EngineProcess                    { return stoppedDaemon{} }

// stoppedDaemon is an engine that the pipeline did not start.
type stoppedDaemon struct{}

func (stoppedDaemon) Noted() string                                { return "" }
func (stoppedDaemon) Stop(context.Context) (string, string, error) { return "", "", nil }

// world is a project with two images and a chart of one hook, and its services in memory.
// at, if set, is called with the name of each step that a service reaches.
type world struct {
	*Pipeline
	t        *testing.T
	at       func(step string)
	log      *bytes.Buffer
	cluster  *cluster.Cluster // nil if there is none
	deleted  bool
	server   *httptest.Server
	built    []string
	buildErr error
	ensure   func(ctx context.Context) error // nil means that the cluster is made at once
	helm     *hookedHelm
	releases *release.Manager
	client   *fake.Clientset
	failed   bool // the smoke checks fail

	mu      sync.Mutex
	images  map[string]v1.Image
	digests map[string]v1.Hash
}

const worldValues = `pipeline:
  namespace: todo-dev
  release: todo
  url: {port: 8080}
  cluster: {provider: kind, name: todo}
  timeout: 1m
frontend: {service: {nodePort: 30080}}
`

func newWorld(t *testing.T) *world {
	t.Helper()
	root := t.TempDir()
	for path, text := range map[string]string{
		"values/dev.yaml":               worldValues,
		"helm/todo-chatbot/Chart.yaml":  "apiVersion: v2\nname: todo-chatbot\ndescription: A chart with a hook.\nicon: https://example.test/icon.svg\nversion: 1.0.0\nappVersion: 1.0.0\n",
		"helm/todo-chatbot/values.yaml": "backend: {image: {registry: '', repository: '', tag: '', digest: ''}}\nfrontend: {service: {nodePort: 0}, image: {registry: '', repository: '', tag: '', digest: ''}}\n",
		"helm/todo-chatbot/templates/hook.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: hook\n  annotations: {helm.sh/hook: 'pre-install,pre-upgrade'}\n" +
			"data: {backend: {{ .Values.backend.image.digest | quote }}}\n",
		"images/backend/Dockerfile":  "FROM scratch\nCOPY app.txt /\n",
		"images/backend/app.txt":     "backend",
		"images/frontend/Dockerfile": "FROM scratch\nCOPY app.txt /\n",
		"images/frontend/app.txt":    "frontend",
	} {
		write(t, filepath.Join(root, path), text)
	}
	w := &world{t: t, at: func(string) {}, log: &bytes.Buffer{}, client: fake.NewClientset(), images: map[string]v1.Image{}, digests: map[string]v1.Hash{}}
	w.Pipeline = load(t, root, "dev", nil)
	w.opts.Progress = progress.New(w.log, progress.Options{})
	w.startRegistry()
	w.helm = &hookedHelm{FailingKubeClient: &kubefake.FailingKubeClient{
		PrintingKubeClient: kubefake.PrintingKubeClient{Out: io.Discard, LogOutput: io.Discard},
	}}
	w.helm.hook = func() error { w.at("upgrade"); return nil }
	records := driver.NewMemory()
	records.SetNamespace(w.env.Namespace)
	var err error
	w.releases, err = release.New(&kube.Clients{
		Clientset: w.client, Mapper: meta.NewDefaultRESTMapper(nil),
		Dynamic:  dynamicfake.NewSimpleDynamicClient(scheme.Scheme),
		Metadata: metadatafake.NewSimpleMetadataClient(metadatafake.NewTestScheme()),
	}, w.env.Namespace, release.Options{Driver: records, Helm: w.helm, Progress: w.opts.Progress})
	require.NoError(t, err)
	w.Pipeline.services = fixedServices{w.newServices()}
	return w
}

func (w *world) newServices() *services {
	return &services{
		supply: worldSupply{offlineSupply(w.t), w}, provider: worldProvider{w}, store: worldStore{w},
		registry: newWire(w.Pipeline).registry,
		builder:  func(context.Context) (Builder, error) { return worldBuilder{w}, nil },
		open: func(c *cluster.Cluster) (target, error) {
			w.at("open")
			return target{cluster: c, kubernetes: w.client, releases: w.releases, network: worldNetwork{}, checker: worldChecker{w}}, nil
		},
		close: func() {},
	}
}

// startRegistry starts an empty registry in the place of the present one.
func (w *world) startRegistry() {
	inner := registryserver.New(registryserver.Logger(log.New(io.Discard, "", 0)))
	w.server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			w.at("push")
		}
		inner.ServeHTTP(out, r)
	}))
	w.t.Cleanup(w.server.Close)
}

// startedCluster returns a running cluster with the present registry.
func (w *world) startedCluster() *cluster.Cluster {
	push := strings.TrimPrefix(w.server.URL, "http://")
	return &cluster.Cluster{Provider: "kind", Name: "todo", Registry: cluster.Registry{Push: push, Pull: "localhost:5000"}}
}

type worldSupply struct {
	Supply
	w *world
}

func (s worldSupply) Obtainable(ctx context.Context, refs ...string) error {
	s.w.at("prerequisites")
	return s.Supply.Obtainable(ctx, refs...)
}

type worldProvider struct{ w *world }

func (p worldProvider) Find(ctx context.Context) (*cluster.Cluster, error) {
	p.w.at("find")
	return p.w.cluster, ctx.Err()
}

func (p worldProvider) Status(context.Context) (cluster.Status, error) {
	if p.w.cluster == nil {
		return cluster.Status{Name: "todo", State: cluster.Absent}, nil
	}
	return cluster.Status{Name: "todo", State: cluster.Running}, nil
}

func (p worldProvider) Ensure(ctx context.Context) (*cluster.Cluster, error) {
	p.w.at("cluster")
	if p.w.ensure != nil {
		if err := p.w.ensure(ctx); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.w.cluster = p.w.startedCluster()
	return p.w.cluster, nil
}

func (p worldProvider) Ours(context.Context) (bool, error) { return true, nil }

func (p worldProvider) Delete(context.Context) ([]string, error) {
	if p.w.cluster == nil {
		return nil, nil
	}
	p.w.cluster, p.w.deleted = nil, true
	return []string{`cluster "todo"`}, nil
}

type worldBuilder struct{ w *world }

func (b worldBuilder) Build(ctx context.Context, src *image.Input, _ *progress.Step) (v1.Image, error) {
	b.w.at("build")
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	if err := errors.Join(ctx.Err(), b.w.buildErr); err != nil {
		return nil, err
	}
	b.w.built = append(b.w.built, src.Name)
	img, err := random.Image(100, 1)
	b.w.images[src.Name] = img
	return img, err
}

// worldStore keeps images and digests in maps.
type worldStore struct{ w *world }

func (s worldStore) Find(src image.Source, key image.Key) (v1.Image, bool) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	img, ok := s.w.images[src.Name+key.Tag()]
	return img, ok
}

func (s worldStore) Keep(src image.Source, key image.Key) error {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.w.images[src.Name+key.Tag()] = s.w.images[src.Name]
	return nil
}

func (s worldStore) Digest(src image.Source, key image.Key) (v1.Hash, bool) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	digest, ok := s.w.digests[src.Name+key.Tag()]
	return digest, ok
}

func (s worldStore) Record(src image.Source, key image.Key, digest v1.Hash) error {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.w.digests[src.Name+key.Tag()] = digest
	return nil
}

type worldNetwork struct{}

func (worldNetwork) Address(context.Context, int) (string, bool) { return "127.0.0.1:8080", true }

func (worldNetwork) Forward(context.Context, int) (string, func(), error) {
	return "", nil, errors.New("unexpected port-forward")
}

type worldChecker struct{ w *world }

func (c worldChecker) Check(ctx context.Context, _ string, _ smoke.Images) smoke.Verdict {
	c.w.at("check")
	if c.w.failed || ctx.Err() != nil {
		return smoke.Verdict{Results: []smoke.Result{{Name: "livez", Outcome: smoke.Failed, Err: errors.New("status 500")}}}
	}
	return smoke.Verdict{Results: []smoke.Result{{Name: "livez", Outcome: smoke.Passed}}}
}
