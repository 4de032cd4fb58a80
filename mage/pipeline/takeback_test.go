package pipeline

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/chart"
	helmkube "helm.sh/helm/v3/pkg/kube"
	kubefake "helm.sh/helm/v3/pkg/kube/fake"
	"helm.sh/helm/v3/pkg/storage/driver"
	"k8s.io/apimachinery/pkg/api/meta"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	metadatafake "k8s.io/client-go/metadata/fake"
	"k8s.io/client-go/rest"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/release"
)

// hookedHelm is a Helm client whose hooks go as a test wants.
type hookedHelm struct {
	*kubefake.FailingKubeClient
	hook func() error
}

func (h *hookedHelm) WatchUntilReady(helmkube.ResourceList, time.Duration) error { return h.hook() }

// rolling is a rollout of a chart that has nothing but a hook, on a cluster in
// memory at which no application answers.
func rolling(t *testing.T) (*rollout, *hookedHelm) {
	t.Helper()
	helm := &hookedHelm{hook: func() error { return nil }, FailingKubeClient: &kubefake.FailingKubeClient{
		PrintingKubeClient: kubefake.PrintingKubeClient{Out: io.Discard, LogOutput: io.Discard},
	}}
	p := load(t, projectRoot, "dev", nil)
	env := *p.env
	env.Root = t.TempDir()
	p = New(&env, p.opts)
	records := driver.NewMemory()
	records.SetNamespace(env.Namespace)
	clients := &kube.Clients{
		Clientset: fake.NewClientset(), Mapper: meta.NewDefaultRESTMapper(nil),
		Dynamic:  dynamicfake.NewSimpleDynamicClient(scheme.Scheme),
		Metadata: metadatafake.NewSimpleMetadataClient(metadatafake.NewTestScheme()),
	}
	manager, err := release.New(clients, env.Namespace, release.Options{Driver: records, Helm: helm})
	require.NoError(t, err)
	hooked := &chart.Chart{
		Metadata: &chart.Metadata{Name: "hooked", Version: "1.0.0", APIVersion: "v2"},
		Templates: []*chart.File{{Name: "templates/job.yaml", Data: []byte(
			"apiVersion: batch/v1\nkind: Job\nmetadata: {name: backup, annotations: {helm.sh/hook: 'pre-install,pre-upgrade'}}\n")}},
	}
	unreachable, err := kube.Connect(&rest.Config{Host: "http://127.0.0.1:9"})
	require.NoError(t, err)
	return &rollout{
		p: p, manager: manager, cluster: &cluster.Cluster{Name: "none", Clients: unreachable},
		spec: release.Spec{Name: env.Release, Chart: hooked, Values: map[string]any{"change": 1}},
	}, helm
}

func (r *rollout) statuses(t *testing.T) []string {
	t.Helper()
	history, err := r.manager.History(context.Background(), r.spec.Name)
	require.NoError(t, err)
	var out []string
	for _, revision := range history {
		out = append(out, revision.Status)
	}
	return out
}

func (r *rollout) evidence(part ...string) string {
	return filepath.Join(append([]string{r.p.env.Root, "build", "evidence", "dev"}, part...)...)
}

func TestAFailedUpgradeGoesBackAfterItsEvidenceIsKept(t *testing.T) {
	broken := errors.New("no room for a backup")
	for name, test := range map[string]struct {
		prepare  func(*rollout, *hookedHelm)
		says     string
		statuses []string
		rollback bool // has evidence of its own
	}{
		"and what served is asked again": {
			says: "; rolled back to revision 1, whose pods are ready; whether it serves could not be asked: ", statuses: []string{"superseded", "failed", "deployed"},
		},
		"unless it is to be kept": {
			prepare: func(r *rollout, _ *hookedHelm) { r.keepFailed = true },
			says:    "; left as it is: ", statuses: []string{"deployed", "failed"},
		},
		"and a rollback that fails is told beside it": {
			prepare: func(_ *rollout, h *hookedHelm) { h.UpdateError = errors.New("etcd is away") },
			says:    "; and the rollback to revision 1 failed too: ", statuses: []string{"deployed", "failed", "failed"}, rollback: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, helm := rolling(t)
			_, err := r.apply(context.Background(), false)
			require.NoError(t, err)
			helm.hook = func() error { return broken }
			if test.prepare != nil {
				test.prepare(r, helm)
			}
			r.spec.Values = map[string]any{"change": 2}
			done, err := r.apply(context.Background(), false)
			require.ErrorContains(t, err, broken.Error()+test.says)
			assert.Equal(t, ExitBroken, ExitCode(err))
			assert.Equal(t, test.statuses, r.statuses(t))
			assert.Equal(t, name == "and what served is asked again", done.RolledBack == 1)
			assert.FileExists(t, r.evidence("cause.txt"))
			if test.rollback {
				assert.FileExists(t, r.evidence("rollback", "cause.txt"))
			} else {
				assert.NoDirExists(t, r.evidence("rollback"))
			}
		})
	}
}

func TestAFailedFirstInstallationStaysAndTheNextDeployMendsIt(t *testing.T) {
	r, helm := rolling(t)
	helm.hook = func() error { return errors.New("broken") }
	_, err := r.apply(context.Background(), false)
	require.ErrorContains(t, err, "; no revision served before, so there is nothing to roll back to: `mage release:status -env=dev`")
	assert.Equal(t, []string{"failed"}, r.statuses(t))
	assert.FileExists(t, r.evidence("cause.txt"))

	helm.hook = func() error { return nil }
	done, err := r.apply(context.Background(), false)
	require.NoError(t, err)
	assert.Equal(t, 2, done.Release.Revision)
}

func TestADeployThatIsStoppedIsNotRolledBack(t *testing.T) {
	r, helm := rolling(t)
	_, err := r.apply(context.Background(), false)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	helm.hook = func() error {
		cancel()
		return errors.New("cut off")
	}
	r.spec.Values = map[string]any{"change": 2}
	_, err = r.apply(ctx, false)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, []string{"deployed", "failed"}, r.statuses(t))
	assert.NoDirExists(t, r.evidence(), "nothing failed")

	helm.hook = func() error { return nil }
	done, err := r.apply(context.Background(), false)
	require.NoError(t, err)
	assert.Equal(t, 3, done.Release.Revision, "the next one takes it up")
}
