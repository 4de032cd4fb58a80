package pipeline

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/chart"
	kubefake "helm.sh/helm/v3/pkg/kube/fake"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	metadatafake "k8s.io/client-go/metadata/fake"

	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
	"todo-chatbot/mage/release"
)

// existing is a cluster in memory that was there before the pipeline.
type existing struct {
	*Pipeline
	records *driver.Memory
	client  *fake.Clientset
	manager *release.Manager
	notes   *bytes.Buffer
}

func newExisting(t *testing.T) *existing {
	t.Helper()
	e := &existing{Pipeline: load(t, projectRoot, "dev", nil), records: driver.NewMemory(), client: fake.NewClientset(), notes: &bytes.Buffer{}}
	e.opts.Progress = progress.New(e.notes, progress.Options{})
	e.records.SetNamespace(e.env.Namespace)
	var err error
	clients := &kube.Clients{
		Clientset: e.client, Mapper: meta.NewDefaultRESTMapper(nil),
		Metadata: metadatafake.NewSimpleMetadataClient(metadatafake.NewTestScheme()),
		Dynamic:  dynamicfake.NewSimpleDynamicClient(scheme.Scheme),
	}
	e.manager, err = release.New(clients, e.env.Namespace, release.Options{
		Driver: e.records, Helm: &kubefake.PrintingKubeClient{Out: io.Discard, LogOutput: io.Discard},
	})
	require.NoError(t, err)
	return e
}

// installed puts a release of the environment's name in, as another tool does;
// with inputs, as the pipeline does.
func (e *existing) installed(t *testing.T, chartName string, inputs bool) {
	t.Helper()
	c := &chart.Chart{Metadata: &chart.Metadata{Name: chartName, Version: "1.2.3", APIVersion: "v2"}}
	if inputs {
		c.Files = append(c.Files, &chart.File{Name: "release-inputs.json", Data: []byte("{}")})
	}
	r := &helmrelease.Release{Name: e.env.Release, Namespace: e.env.Namespace, Version: 1, Chart: c, Info: &helmrelease.Info{}}
	r.SetStatus(helmrelease.StatusDeployed, "installed")
	require.NoError(t, storage.Init(e.records).Create(r))
}

// data puts in what holds a release's data.
func (e *existing) data(t *testing.T) {
	t.Helper()
	_, err := e.client.CoreV1().PersistentVolumeClaims(e.env.Namespace).Create(t.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: "data-todo-postgresql-0", Labels: map[string]string{"app.kubernetes.io/instance": e.env.Release}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = release.EnsureCredentials(t.Context(), e.client, e.env.Namespace, e.credentialsSecret(), credentialKeys, nil)
	require.NoError(t, err)
	e.client.ClearActions()
}

func (e *existing) changes() (verbs []string) {
	for _, action := range e.client.Actions() {
		switch action.GetVerb() {
		case "get", "list", "watch":
		default:
			verbs = append(verbs, action.GetVerb()+" "+action.GetResource().Resource)
		}
	}
	return verbs
}

func (e *existing) revisions(t *testing.T) int {
	t.Helper()
	history, err := e.manager.History(t.Context(), e.env.Release)
	if err != nil {
		require.ErrorIs(t, err, release.ErrNotFound)
	}
	return len(history)
}

func TestADeployRefusesAReleaseOfSomebodyElsesBeforeItChangesAnything(t *testing.T) {
	for name, chart := range map[string]string{"of another chart": "nginx", "of the same chart, by helm": chartName} {
		t.Run(name, func(t *testing.T) {
			e := newExisting(t)
			e.installed(t, chart, false)
			err := e.claim(t.Context(), e.manager, e.client, false)
			require.Error(t, err)
			assert.Equal(t, ExitUsage, ExitCode(err))
			assert.ErrorContains(t, err, "was not made by this pipeline")
			assert.ErrorContains(t, err, "`mage deploy:to dev -adopt` takes it over")
			assert.Empty(t, e.changes())

			require.NoError(t, e.claim(t.Context(), e.manager, e.client, true))
			assert.Equal(t, []string{"create namespaces"}, e.changes())
		})
	}
	for name, put := range map[string]func(*existing){"its own": func(e *existing) { e.installed(t, chartName, true) }, "none": func(*existing) {}} {
		t.Run(name, func(t *testing.T) {
			e := newExisting(t)
			put(e)
			require.NoError(t, e.claim(t.Context(), e.manager, e.client, false))
		})
	}
}

func TestADeployIntoANamespaceOfSomebodyElsesSaysHowItWouldBeLabelled(t *testing.T) {
	e := newExisting(t)
	_, err := e.client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: e.env.Namespace}}, metav1.CreateOptions{})
	require.NoError(t, err)
	e.client.ClearActions()
	require.NoError(t, e.claim(t.Context(), e.manager, e.client, false))
	assert.Empty(t, e.changes())
	assert.Contains(t, e.notes.String(), "`kubectl label namespace todo-dev pod-security.kubernetes.io/enforce=restricted pod-security.kubernetes.io/enforce-version=latest`")
}

func TestAdoptTakesTheSecretOverToo(t *testing.T) {
	e := newExisting(t)
	_, err := e.client.CoreV1().Secrets(e.env.Namespace).Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: e.credentialsSecret()}, Data: map[string][]byte{databasePassword: []byte("theirs")},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	ensure := func() error {
		_, err := release.EnsureCredentials(t.Context(), e.client, e.env.Namespace, e.credentialsSecret(), credentialKeys, nil)
		return cured(err)
	}
	err = ensure()
	require.ErrorContains(t, err, "does not write to it")
	assert.Equal(t, ExitUsage, ExitCode(err))
	require.NoError(t, e.claim(t.Context(), e.manager, e.client, true))
	require.NoError(t, ensure())
	secret, err := e.client.CoreV1().Secrets(e.env.Namespace).Get(t.Context(), e.credentialsSecret(), metav1.GetOptions{})
	require.NoError(t, err)
	assert.Equal(t, "theirs", string(secret.Data[databasePassword]), "what is there stays")
}

func TestCleanOfAClusterThatStaysRemovesItsOwnReleaseOnceSomebodyAgrees(t *testing.T) {
	e := newExisting(t)
	e.installed(t, chartName, true)
	e.data(t)
	var done Cleaned
	c := &cleaning{p: e.Pipeline, done: &done}

	err := c.uninstall(t.Context(), "theirs", e.manager, e.client)
	require.ErrorContains(t, err, `Remove release todo-dev/todo from cluster "theirs", which stays, as do the release's volumes and credentials? `)
	assert.ErrorContains(t, err, "give -yes if that is meant")
	assert.Equal(t, ExitUsage, ExitCode(err))
	e.opts.Sure = func(string) bool { return false }
	require.ErrorContains(t, c.uninstall(t.Context(), "theirs", e.manager, e.client), "the answer was no")
	assert.Equal(t, 1, e.revisions(t))
	assert.Equal(t, Cleaned{}, done)

	e.opts.Sure = func(string) bool { return true }
	require.NoError(t, c.uninstall(t.Context(), "theirs", e.manager, e.client))
	assert.Zero(t, e.revisions(t))
	kept := "data of release todo-dev/todo: volumes and credentials outlive it: `kubectl delete -n todo-dev pvc/data-todo-postgresql-0 secret/todo-credentials` removes them for good"
	assert.Equal(t, Cleaned{Removed: []string{"release todo-dev/todo"}, Kept: []string{kept}}, done)

	done, e.opts.Sure = Cleaned{}, nil
	require.NoError(t, c.uninstall(t.Context(), "theirs", e.manager, e.client), "a second time there is nothing to ask")
	assert.Equal(t, Cleaned{Kept: []string{kept}}, done)
}

func TestCleanLeavesAReleaseOfSomebodyElses(t *testing.T) {
	e := newExisting(t)
	e.installed(t, "nginx", false)
	e.opts.Sure = func(string) bool { return true }
	var done Cleaned
	require.NoError(t, (&cleaning{p: e.Pipeline, done: &done}).uninstall(t.Context(), "theirs", e.manager, e.client))
	assert.Equal(t, 1, e.revisions(t))
	assert.Equal(t, Cleaned{Kept: []string{`release todo-dev/todo: it was not made by the pipeline: revision 1 is of chart "nginx"`}}, done)
}
