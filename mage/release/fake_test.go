package release

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/chart"
	helmkube "helm.sh/helm/v3/pkg/kube"
	kubefake "helm.sh/helm/v3/pkg/kube/fake"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/meta/testrestmapper"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/resource"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	metadatafake "k8s.io/client-go/metadata/fake"
	restfake "k8s.io/client-go/rest/fake"
	"k8s.io/utils/ptr"

	"todo-chatbot/mage/diagnose/diagnosetest"
	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
)

const (
	testNamespace = "todo-dev"
	testRelease   = "todo"
	minute        = time.Minute
)

// cluster is an in-memory cluster: client-go's fake clientset, Helm's memory
// driver and a Helm client that applies manifests to the clientset.
type cluster struct {
	t        *testing.T
	client   *fake.Clientset
	dynamic  *dynamicfake.FakeDynamicClient
	metadata *metadatafake.FakeMetadataClient
	mapper   meta.RESTMapper
	records  *driver.Memory
	manager  *Manager

	newManager func() // replaces manager, as the next run of the pipeline does

	kube struct {
		kubefake.PrintingKubeClient
		applies int
		err     error
		block   chan struct{} // an apply waits for it

		interrupt context.CancelFunc // is called during an apply, which then fails
		hook      func() error       // runs in the place of a hook's Job
	}
	controllers func() // runs after an apply in the place of the cluster's controllers
}

func newCluster(t *testing.T, change ...func(*Options)) *cluster {
	c := &cluster{t: t, client: fake.NewClientset(), dynamic: dynamicfake.NewSimpleDynamicClient(scheme.Scheme), records: driver.NewMemory()}
	metaScheme := metadatafake.NewTestScheme()
	require.NoError(t, metav1.AddMetaToScheme(metaScheme))
	c.metadata = metadatafake.NewSimpleMetadataClient(metaScheme)
	c.mapper = testrestmapper.TestOnlyStaticRESTMapper(scheme.Scheme)
	c.records.SetNamespace(testNamespace)
	c.kube.Out, c.kube.LogOutput = io.Discard, io.Discard
	c.controllers = c.ready
	opts := Options{
		Progress: progress.New(io.Discard, progress.Options{}), Timeout: 2 * minute,
		Driver: c.records, Helm: c,
	}
	for _, f := range change {
		f(&opts)
	}
	clients := &kube.Clients{Clientset: c.client, Dynamic: c.dynamic, Metadata: c.metadata, Mapper: c.mapper}
	c.newManager = func() {
		manager, err := New(clients, testNamespace, opts)
		require.NoError(t, err)
		c.manager = manager
	}
	c.newManager()
	return c
}

// testChart has a Deployment, a Service, a ConfigMap and a StatefulSet in a subchart.
func testChart() *chart.Chart {
	c := &chart.Chart{
		Metadata: &chart.Metadata{Name: "todo-chatbot", Version: "0.1.0", APIVersion: "v2"},
		Values:   map[string]any{"replicas": 1, "image": "localhost:5000/backend@sha256:aaa"},
		Schema:   []byte(`{"type":"object"}`),
		Templates: []*chart.File{
			{Name: "templates/deployment.yaml", Data: []byte(`apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}-backend"}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: backend}}
  template:
    metadata: {labels: {app: backend}}
    spec:
      containers: [{name: backend, image: "{{ .Values.image }}"}]
`)},
			{Name: "templates/service.yaml", Data: []byte(`apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}-backend"}
spec: {ports: [{port: 8000}]}
`)},
		},
		Files: []*chart.File{{Name: "README.md", Data: []byte("about")}},
	}
	c.AddDependency(&chart.Chart{
		Metadata: &chart.Metadata{Name: "postgresql", Version: "0.1.0", APIVersion: "v2"},
		Templates: []*chart.File{{Name: "templates/statefulset.yaml", Data: []byte(`apiVersion: apps/v1
kind: StatefulSet
metadata: {name: "{{ .Release.Name }}-postgresql"}
spec:
  selector: {matchLabels: {app: postgresql}}
  template:
    metadata: {labels: {app: postgresql}}
    spec:
      containers: [{name: postgresql, image: "localhost:5000/postgresql@sha256:bbb"}]
  volumeClaimTemplates: [{metadata: {name: data}}]
`)}},
	})
	return c
}

func testSpec() Spec {
	return Spec{Name: testRelease, Chart: testChart(), Values: map[string]any{"image": "localhost:5000/backend@sha256:aaa"}}
}

// deploy calls Determine and Apply, as the pipeline does.
func (c *cluster) deploy(ctx context.Context, spec Spec) (State, Observation, error) {
	state, err := c.manager.Determine(ctx, spec)
	require.NoError(c.t, err)
	obs, err := c.manager.Apply(ctx, spec, state)
	return state, obs, err
}

// mustDeploy is deploy without an error.
func (c *cluster) mustDeploy(spec Spec) {
	_, _, err := c.deploy(context.Background(), spec)
	require.NoError(c.t, err)
}

// record stores a revision that another run left.
func (c *cluster) record(version int, status helmrelease.Status, like *helmrelease.Release) {
	r := &helmrelease.Release{Name: testRelease, Namespace: testNamespace, Version: version, Info: &helmrelease.Info{}}
	if like != nil {
		r.Chart, r.Config, r.Manifest = like.Chart, like.Config, like.Manifest
	} else {
		r.Chart = testChart()
	}
	r.SetStatus(status, "as left")
	require.NoError(c.t, storage.Init(c.records).Create(r))
	c.manager.records.forget(testRelease)
}

// stored are the records as the storage has them.
func (c *cluster) stored() []*helmrelease.Release {
	stored, err := storage.Init(c.records).History(testRelease)
	require.NoError(c.t, err)
	releaseutil.SortByRevision(stored)
	return stored
}

func (c *cluster) statuses() []string {
	var out []string
	for _, r := range c.stored() {
		out = append(out, r.Info.Status.String())
	}
	return out
}

// ready sets the status of all workloads to ready.
func (c *cluster) ready() {
	ctx := context.Background()
	deployments, err := c.client.AppsV1().Deployments(testNamespace).List(ctx, metav1.ListOptions{})
	require.NoError(c.t, err)
	for _, d := range deployments.Items {
		n := ptr.Deref(d.Spec.Replicas, 1)
		d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n}
		c.put(&d)
	}
	sets, err := c.client.AppsV1().StatefulSets(testNamespace).List(ctx, metav1.ListOptions{})
	require.NoError(c.t, err)
	for _, s := range sets.Items {
		n := ptr.Deref(s.Spec.Replicas, 1)
		s.Status = appsv1.StatefulSetStatus{ObservedGeneration: s.Generation, Replicas: n, ReadyReplicas: n, CurrentRevision: "r1", UpdateRevision: "r1"}
		c.put(&s)
	}
}

// put creates or replaces an object.
func (c *cluster) put(obj runtime.Object) {
	gvks, _, err := scheme.Scheme.ObjectKinds(obj)
	require.NoError(c.t, err)
	mapping, err := c.mapper.RESTMapping(gvks[0].GroupKind(), gvks[0].Version)
	require.NoError(c.t, err)
	accessor, err := meta.Accessor(obj)
	require.NoError(c.t, err)
	accessor.SetNamespace(testNamespace)
	if accessor.GetUID() == "" {
		accessor.SetUID(types.UID(gvks[0].Kind + "-" + accessor.GetName()))
	}
	tracker := c.client.Tracker()
	if err := tracker.Create(mapping.Resource, obj, testNamespace); err == nil {
		partial := &metav1.PartialObjectMetadata{
			TypeMeta:   metav1.TypeMeta{APIVersion: gvks[0].GroupVersion().String(), Kind: gvks[0].Kind},
			ObjectMeta: metav1.ObjectMeta{Name: accessor.GetName(), Namespace: testNamespace},
		}
		require.NoError(c.t, c.metadata.Tracker().Create(mapping.Resource, partial, testNamespace))
		return
	}
	require.NoError(c.t, tracker.Update(mapping.Resource, obj, testNamespace))
}

// remove deletes an object.
func (c *cluster) remove(obj runtime.Object, name string) {
	gvks, _, err := scheme.Scheme.ObjectKinds(obj)
	require.NoError(c.t, err)
	mapping, err := c.mapper.RESTMapping(gvks[0].GroupKind(), gvks[0].Version)
	require.NoError(c.t, err)
	require.NoError(c.t, c.client.Tracker().Delete(mapping.Resource, testNamespace, name))
	require.NoError(c.t, c.metadata.Tracker().Delete(mapping.Resource, testNamespace, name))
}

// backendSet gives the Deployment a ReplicaSet of its current revision.
func (c *cluster) backendSet() *appsv1.ReplicaSet {
	d := c.deployment()
	d.Annotations = map[string]string{"deployment.kubernetes.io/revision": "1"}
	d.Status.AvailableReplicas = 0
	c.put(d)
	controller := true
	rs := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{
		Name: "todo-backend-1", UID: "rs", Annotations: d.Annotations,
		OwnerReferences: []metav1.OwnerReference{{UID: d.UID, Name: d.Name, Controller: &controller}},
	}}
	c.put(rs)
	return rs
}

func (c *cluster) brokenBackend(status corev1.ContainerStatus) {
	c.put(diagnosetest.Pod("todo-backend-1-x", c.backendSet(), status))
}

func (c *cluster) statefulSet() *appsv1.StatefulSet {
	s, err := c.client.AppsV1().StatefulSets(testNamespace).Get(context.Background(), "todo-postgresql", metav1.GetOptions{})
	require.NoError(c.t, err)
	return s
}

func (c *cluster) pods() []corev1.Pod {
	l, err := c.client.CoreV1().Pods(testNamespace).List(context.Background(), metav1.ListOptions{})
	require.NoError(c.t, err)
	return l.Items
}

func (c *cluster) event(uid types.UID, reason, message string) {
	c.put(diagnosetest.Warning(uid, reason, message))
}

// The other methods implement Helm's kube.Interface.

var _ helmkube.Interface = (*cluster)(nil)

func (c *cluster) IsReachable() error                              { return nil }
func (c *cluster) Wait(helmkube.ResourceList, time.Duration) error { panic("Helm must not wait") }
func (c *cluster) WaitWithJobs(helmkube.ResourceList, time.Duration) error {
	panic("Helm must not wait")
}
func (c *cluster) WatchUntilReady(helmkube.ResourceList, time.Duration) error {
	if c.kube.hook == nil {
		panic("Helm must not wait")
	}
	return c.kube.hook()
}

func (c *cluster) WaitAndGetCompletedPodPhase(string, time.Duration) (corev1.PodPhase, error) {
	panic("Helm must not wait")
}

func (c *cluster) Build(r io.Reader, _ bool) (helmkube.ResourceList, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	parsed, err := parseManifest(string(text))
	if err != nil {
		return nil, err
	}
	absent := &restfake.RESTClient{
		NegotiatedSerializer: scheme.Codecs,
		Resp:                 &http.Response{StatusCode: http.StatusNotFound, Body: io.NopCloser(bytes.NewReader(nil))},
	}
	var out helmkube.ResourceList
	for _, obj := range parsed.objects {
		mapping, err := c.mapper.RESTMapping(obj.GroupVersionKind().GroupKind(), obj.GroupVersionKind().Version)
		if err != nil {
			return nil, err
		}
		out.Append(&resource.Info{Client: absent, Mapping: mapping, Namespace: testNamespace, Name: obj.GetName(), Object: obj})
	}
	return out, nil
}

func (c *cluster) Create(resources helmkube.ResourceList) (*helmkube.Result, error) {
	return &helmkube.Result{Created: resources}, c.apply(resources)
}

func (c *cluster) Update(_, target helmkube.ResourceList, _ bool) (*helmkube.Result, error) {
	return &helmkube.Result{Updated: target}, c.apply(target)
}

func (c *cluster) apply(resources helmkube.ResourceList) error {
	if c.kube.block != nil {
		<-c.kube.block
	}
	if c.kube.interrupt != nil {
		c.kube.interrupt()
		return errors.New("could not get information about the resource: context canceled")
	}
	if c.kube.err != nil {
		return c.kube.err
	}
	c.kube.applies++
	for _, info := range resources {
		typed, err := scheme.Scheme.New(info.Mapping.GroupVersionKind)
		if err != nil {
			return err
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(info.Object.(*unstructured.Unstructured).Object, typed); err != nil {
			return err
		}
		accessor, _ := meta.Accessor(typed)
		accessor.SetGeneration(int64(c.kube.applies))
		c.put(typed)
	}
	c.controllers()
	return nil
}

func (c *cluster) Delete(resources helmkube.ResourceList) (*helmkube.Result, []error) {
	for _, info := range resources {
		_ = c.client.Tracker().Delete(info.Mapping.Resource, testNamespace, info.Name)
		_ = c.metadata.Tracker().Delete(info.Mapping.Resource, testNamespace, info.Name)
	}
	return &helmkube.Result{Deleted: resources}, nil
}
