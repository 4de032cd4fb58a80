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

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
	"todo-chatbot/mage/release"
)

// existing is a cluster in memory that the pipeline did not make.
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

// target returns the release on the cluster, whose name is "theirs".
func (e *existing) target() target {
	return target{cluster: &cluster.Cluster{Name: "theirs"}, kubernetes: e.client, releases: e.manager}
}

// install puts in a release of the environment's name, as another tool does. With files
// of package release it is a release of the pipeline.
func (e *existing) install(t *testing.T, chartName string, files ...*chart.File) {
	t.Helper()
	c := &chart.Chart{Metadata: &chart.Metadata{Name: chartName, Version: "1.2.3", APIVersion: "v2"}, Files: files}
	r := &helmrelease.Release{Name: e.env.Release, Namespace: e.env.Namespace, Version: 1, Chart: c, Info: &helmrelease.Info{}}
	r.SetStatus(helmrelease.StatusDeployed, "installed")
	require.NoError(t, storage.Init(e.records).Create(r))
}

// ownFiles mark a release as the pipeline's.
func ownFiles() *chart.File { return &chart.File{Name: "release-inputs.json", Data: []byte("{}")} }

// addData puts in a volume claim and credentials of the release.
func (e *existing) addData(t *testing.T) {
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

func TestDeployRefusesForeignReleaseBeforeItChangesAnything(t *testing.T) {
	for name, chart := range map[string]string{"of another chart": "nginx", "of the same chart, by helm": chartName} {
		t.Run(name, func(t *testing.T) {
			e := newExisting(t)
			e.install(t, chart)
			err := e.prepareNamespace(t.Context(), e.target(), DeployOptions{})
			require.Error(t, err)
			assert.Equal(t, ExitUsage, ExitCode(err))
			assert.ErrorContains(t, err, "was not made by this pipeline")
			assert.ErrorContains(t, err, "`mage deploy:to dev -adopt` takes the release over")
			assert.Empty(t, e.changes())

			require.NoError(t, e.prepareNamespace(t.Context(), e.target(), DeployOptions{Adopt: true}))
			assert.Equal(t, []string{"create namespaces"}, e.changes())
		})
	}
	for name, put := range map[string]func(*existing){"its own": func(e *existing) { e.install(t, chartName, ownFiles()) }, "none": func(*existing) {}} {
		t.Run(name, func(t *testing.T) {
			e := newExisting(t)
			put(e)
			require.NoError(t, e.prepareNamespace(t.Context(), e.target(), DeployOptions{}))
		})
	}
}

func TestDeployNotesMissingLabelsOfForeignNamespace(t *testing.T) {
	e := newExisting(t)
	_, err := e.client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: e.env.Namespace}}, metav1.CreateOptions{})
	require.NoError(t, err)
	e.client.ClearActions()
	require.NoError(t, e.prepareNamespace(t.Context(), e.target(), DeployOptions{}))
	assert.Empty(t, e.changes())
	assert.Contains(t, e.notes.String(), "`kubectl label namespace todo-dev pod-security.kubernetes.io/enforce=restricted pod-security.kubernetes.io/enforce-version=latest`")
}

func TestAdoptTakesOverSecret(t *testing.T) {
	e := newExisting(t)
	_, err := e.client.CoreV1().Secrets(e.env.Namespace).Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: e.credentialsSecret()}, Data: map[string][]byte{databasePassword: []byte("theirs")},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	ensure := func() error {
		_, err := release.EnsureCredentials(t.Context(), e.client, e.env.Namespace, e.credentialsSecret(), credentialKeys, nil)
		return withExitCode(err)
	}
	err = ensure()
	require.ErrorContains(t, err, "does not write to it")
	assert.Equal(t, ExitUsage, ExitCode(err))
	require.NoError(t, e.prepareNamespace(t.Context(), e.target(), DeployOptions{Adopt: true}))
	require.NoError(t, ensure())
	secret, err := e.client.CoreV1().Secrets(e.env.Namespace).Get(t.Context(), e.credentialsSecret(), metav1.GetOptions{})
	require.NoError(t, err)
	assert.Equal(t, "theirs", string(secret.Data[databasePassword]), "existing values stay")
}

func TestCleanUninstallsOwnReleaseAfterConfirmation(t *testing.T) {
	e := newExisting(t)
	e.install(t, chartName, ownFiles())
	e.addData(t)
	c := &cleaning{p: e.Pipeline}

	err := c.uninstall(t.Context(), e.target())
	require.ErrorContains(t, err, `Remove release todo-dev/todo from cluster "theirs" and keep the cluster and the release's volumes and credentials? `)
	assert.ErrorContains(t, err, "give -yes to confirm")
	assert.Equal(t, ExitUsage, ExitCode(err))
	e.opts.ConfirmLoss = func(string) bool { return false }
	require.ErrorContains(t, c.uninstall(t.Context(), e.target()), "the user did not confirm")
	assert.Equal(t, 1, e.revisions(t))
	assert.Equal(t, Cleaned{}, c.done)

	e.opts.ConfirmLoss = func(string) bool { return true }
	require.NoError(t, c.uninstall(t.Context(), e.target()))
	assert.Zero(t, e.revisions(t))
	kept := "data of release todo-dev/todo: volumes and credentials outlive it: `kubectl delete -n todo-dev pvc/data-todo-postgresql-0 secret/todo-credentials` removes them for good"
	assert.Equal(t, Cleaned{Removed: []string{"release todo-dev/todo"}, Kept: []string{kept}}, c.done)

	c.done, e.opts.ConfirmLoss = Cleaned{}, nil
	require.NoError(t, c.uninstall(t.Context(), e.target()), "a second time it does not ask")
	assert.Equal(t, Cleaned{Kept: []string{kept}}, c.done)
}

func TestCleanKeepsForeignRelease(t *testing.T) {
	e := newExisting(t)
	e.install(t, "nginx")
	e.opts.ConfirmLoss = func(string) bool { return true }
	c := &cleaning{p: e.Pipeline}
	require.NoError(t, c.uninstall(t.Context(), e.target()))
	assert.Equal(t, 1, e.revisions(t))
	assert.Equal(t, Cleaned{Kept: []string{`release todo-dev/todo: the pipeline did not make it: revision 1 is of chart "nginx"`}}, c.done)
}
