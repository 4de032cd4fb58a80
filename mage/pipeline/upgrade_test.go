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

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/diagnose"
	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/release"
)

// hookedHelm is a Helm client with the hooks of a test.
type hookedHelm struct {
	*kubefake.FailingKubeClient
	hook func() error
}

func (h *hookedHelm) WatchUntilReady(helmkube.ResourceList, time.Duration) error { return h.hook() }

// newUpgrade returns a deploy of a chart that consists of a hook, on a cluster in memory
// without an application.
func newUpgrade(t *testing.T) (*deploy, *hookedHelm) {
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
	return &deploy{
		p: p, target: target{cluster: &cluster.Cluster{Name: "none"}, releases: manager, network: noNetwork{}},
		spec: release.Spec{Name: env.Release, Chart: hooked, Values: map[string]any{"change": 1}},
	}, helm
}

// noNetwork does not reach the application.
type noNetwork struct{}

func (noNetwork) Address(context.Context, int) (string, bool) { return "", false }

func (noNetwork) Forward(context.Context, int) (string, func(), error) {
	return "", nil, errors.New("no pod is ready")
}

func (d *deploy) statuses(t *testing.T) []string {
	t.Helper()
	history, err := d.target.releases.History(context.Background(), d.spec.Name)
	require.NoError(t, err)
	var out []string
	for _, revision := range history {
		out = append(out, revision.Status)
	}
	return out
}

func (d *deploy) evidence(part ...string) string {
	return filepath.Join(append([]string{d.p.env.Root, "build", "evidence", "dev"}, part...)...)
}

func TestFailedUpgradeKeepsEvidenceAndIsRolledBack(t *testing.T) {
	broken := errors.New("no room for a backup")
	for name, test := range map[string]struct {
		prepare  func(*deploy, *hookedHelm)
		says     string
		statuses []string
		rollback bool // the rollback fails and has its own evidence
	}{
		"the application is checked again": {
			says: "; rolled back to revision 1, whose pods are ready; the checks could not run: ", statuses: []string{"superseded", "failed", "deployed"},
		},
		"the failed revision is kept": {
			prepare: func(d *deploy, _ *hookedHelm) { d.opts.KeepFailed = true },
			says:    "; the failed revision stays: ", statuses: []string{"deployed", "failed"},
		},
		"a failed rollback is reported too": {
			prepare: func(_ *deploy, h *hookedHelm) { h.UpdateError = errors.New("etcd is down") },
			says:    "; the rollback to revision 1 failed too: ", statuses: []string{"deployed", "failed", "failed"}, rollback: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, helm := newUpgrade(t)
			err := d.upgradeRelease(context.Background())
			require.NoError(t, err)
			helm.hook = func() error { return broken }
			if test.prepare != nil {
				test.prepare(d, helm)
			}
			d.spec.Values = map[string]any{"change": 2}
			err = d.upgradeRelease(context.Background())
			require.ErrorContains(t, err, broken.Error()+test.says)
			assert.Equal(t, ExitBroken, ExitCode(err))
			assert.Equal(t, test.statuses, d.statuses(t))
			assert.Equal(t, name == "the application is checked again", d.result.RolledBack == 1)
			assert.FileExists(t, d.evidence("cause.txt"))
			if test.rollback {
				assert.FileExists(t, d.evidence("rollback", "cause.txt"))
			} else {
				assert.NoDirExists(t, d.evidence("rollback"))
			}
		})
	}
}

func TestFailedInstallationStaysAndNextDeployRepairsIt(t *testing.T) {
	d, helm := newUpgrade(t)
	helm.hook = func() error { return errors.New("broken") }
	err := d.upgradeRelease(context.Background())
	require.ErrorContains(t, err, "; no revision served before, so there is nothing to roll back to: `mage release:status -env=dev`")
	assert.Equal(t, []string{"failed"}, d.statuses(t))
	assert.FileExists(t, d.evidence("cause.txt"))

	helm.hook = func() error { return nil }
	err = d.upgradeRelease(context.Background())
	require.NoError(t, err)
	assert.Equal(t, 2, d.result.Release.Revision)
}

func TestInterruptedUpgradeIsNotRolledBack(t *testing.T) {
	d, helm := newUpgrade(t)
	err := d.upgradeRelease(context.Background())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	helm.hook = func() error {
		cancel()
		return errors.New("cut off")
	}
	d.spec.Values = map[string]any{"change": 2}
	err = d.upgradeRelease(ctx)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, []string{"deployed", "failed"}, d.statuses(t))
	assert.NoDirExists(t, d.evidence(), "an interrupt is not a failure")

	helm.hook = func() error { return nil }
	err = d.upgradeRelease(context.Background())
	require.NoError(t, err)
	assert.Equal(t, 3, d.result.Release.Revision, "the next deploy continues it")
}

func TestRecoveryFollowsCauseOfFailure(t *testing.T) {
	cause := &diagnose.Failure{Causes: []diagnose.Cause{{Kind: diagnose.KindInit, Object: "deployment/todo-backend", Message: "broke"}}}
	broken := errors.New("the cluster does not answer any more")
	const (
		first = "deployment/todo-backend: broke"
		look  = "`mage release:status -env=qa` and `mage logs -env=qa` show the present state"
	)
	for name, c := range map[string]struct {
		done recovery
		want string
	}{
		"rolled back":                {recovery{Target: 3}, first + "; rolled back to revision 3, which serves"},
		"nothing was changed":        {recovery{}, first},
		"a first installation":       {recovery{NoTarget: "nothing to go back to"}, first + "; nothing to go back to: " + look + ", `mage deploy:to qa` tries again, `mage clean -env=qa` removes it, and a cluster that the pipeline made with all its data"},
		"kept":                       {recovery{Target: 3, Kept: true}, first + "; the failed revision stays: " + look + ", `mage release:rollback -env=qa -revision=3` goes back to the revision that served"},
		"the rollback failed":        {recovery{Target: 3, Failed: broken}, first + "; the rollback to revision 3 failed too: " + broken.Error() + ": " + look + ", `mage deploy:to qa` continues from there"},
		"rolled back, red":           {recovery{Target: 3, FailedChecks: []string{"backend: live"}}, first + "; rolled back to revision 3, whose pods are ready but which fails its checks: backend: live"},
		"rolled back, unreachable":   {recovery{Target: 3, Unchecked: broken}, first + "; rolled back to revision 3, whose pods are ready; the checks could not run: " + broken.Error()},
		"the records cannot be read": {recovery{Unknown: broken}, first + "; nothing was rolled back, because the revision that served before could not be found out: " + broken.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.done.explain(cause, "qa")
			assert.EqualError(t, err, c.want)
			var failure *diagnose.Failure
			assert.ErrorAs(t, err, &failure)
			assert.Equal(t, ExitBroken, ExitCode(err))
		})
	}
}
