package release

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func (c *cluster) deployment() *appsv1.Deployment {
	d, err := c.client.AppsV1().Deployments(testNamespace).Get(context.Background(), "todo-backend", metav1.GetOptions{})
	require.NoError(c.t, err)
	return d
}

func TestDetermineReportsTheFirstDifference(t *testing.T) {
	tests := map[string]struct {
		spec      func(*Spec)
		cluster   func(*cluster)
		condition Condition
		reason    string
	}{
		"nothing": {condition: InSync, reason: "chart, values and cluster match"},
		"a value": {
			spec:      func(s *Spec) { s.Values["image"] = "localhost:5000/backend@sha256:ccc" },
			condition: OutOfSync, reason: "values changed: image",
		},
		"a nested value added": {
			spec:      func(s *Spec) { s.Values["backend"] = map[string]any{"image": map[string]any{"digest": "x"}} },
			condition: OutOfSync, reason: "values changed: backend",
		},
		"a null added": {
			spec:      func(s *Spec) { s.Values["resources"] = nil },
			condition: OutOfSync, reason: "values changed: resources",
		},
		"a template": {
			spec: func(s *Spec) {
				s.Chart.Templates[0] = &chart.File{Name: "templates/deployment.yaml", Data: []byte("#")}
			},
			condition: OutOfSync, reason: "chart changed: templates/deployment.yaml",
		},
		"a template of a subchart": {
			spec: func(s *Spec) {
				s.Chart.Dependencies()[0].Templates[0] = &chart.File{Name: "templates/statefulset.yaml"}
			},
			condition: OutOfSync, reason: "chart changed: charts/postgresql/templates/statefulset.yaml",
		},
		"a removed template": {
			spec:      func(s *Spec) { s.Chart.Templates = s.Chart.Templates[:1] },
			condition: OutOfSync, reason: "chart changed: templates/service.yaml (removed)",
		},
		"the metadata": {
			spec:      func(s *Spec) { s.Chart.Metadata.Version = "0.2.0" },
			condition: OutOfSync, reason: "chart changed: Chart.yaml",
		},
		"the chart's values": {
			spec:      func(s *Spec) { s.Chart.Values["replicas"] = 2 },
			condition: OutOfSync, reason: "chart changed: values.yaml",
		},
		"the schema": {
			spec:      func(s *Spec) { s.Chart.Schema = []byte(`{}`) },
			condition: OutOfSync, reason: "chart changed: values.schema.json",
		},
		"a file": {
			spec:      func(s *Spec) { s.Chart.Files = nil },
			condition: OutOfSync, reason: "chart changed: README.md (removed)",
		},
		"an object deleted by hand": {
			cluster:   func(c *cluster) { c.remove(&corev1.Service{}, "todo-backend") },
			condition: OutOfSync, reason: "missing in the cluster: service/todo-backend",
		},
		"a deployment scaled to 0 by hand": {
			cluster: func(c *cluster) {
				d := c.deployment()
				d.Spec.Replicas = new(int32)
				c.put(d)
				c.ready()
			},
			condition: OutOfSync, reason: "deployment/todo-backend has 0 of 1 replicas",
		},
		"an image set by hand": {
			cluster: func(c *cluster) {
				d := c.deployment()
				d.Spec.Template.Spec.Containers[0].Image = "other"
				c.put(d)
			},
			condition: OutOfSync,
			reason:    `deployment/todo-backend runs image "other" in container "backend", the release has "localhost:5000/backend@sha256:aaa"`,
		},
		"a pod that is not ready": {
			cluster: func(c *cluster) {
				d := c.deployment()
				d.Status.AvailableReplicas = 0
				c.put(d)
			},
			condition: OutOfSync, reason: "deployment/todo-backend has 0 of 1 replicas ready",
		},
		"a generation that the controller has not seen": {
			cluster: func(c *cluster) {
				d := c.deployment()
				d.Generation = 7
				c.put(d)
			},
			condition: OutOfSync, reason: "deployment/todo-backend still runs pods of an older revision",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			c.mustDeploy(testSpec())
			if test.cluster != nil {
				test.cluster(c)
			}
			spec := testSpec()
			if test.spec != nil {
				test.spec(&spec)
			}
			state, err := c.manager.Determine(context.Background(), spec)
			require.NoError(t, err)
			assert.Equal(t, test.condition, state.Condition)
			assert.Equal(t, test.reason, state.Reason)
			assert.Equal(t, 1, state.Revision)
		})
	}
}

func TestDetermineReportsTheStatusOfTheLastRecord(t *testing.T) {
	tests := map[helmrelease.Status]struct {
		condition Condition
		reason    string
	}{
		helmrelease.StatusPendingInstall:  {Pending, "revision 4 was left pending-install by a run that was killed earlier"},
		helmrelease.StatusPendingUpgrade:  {Pending, "revision 4 was left pending-upgrade by a run that was killed earlier"},
		helmrelease.StatusPendingRollback: {Pending, "revision 4 was left pending-rollback by a run that was killed earlier"},
		helmrelease.StatusUninstalling:    {Pending, "revision 4 was left uninstalling by a run that was killed earlier"},
		helmrelease.StatusUninstalled:     {Absent, "revision 4 was uninstalled, and its history was kept"},
		helmrelease.StatusFailed:          {Failed, "revision 4 failed: as left"},
		helmrelease.StatusSuperseded:      {Failed, "revision 4 is superseded, and no revision is deployed"},
		helmrelease.StatusDeployed:        {OutOfSync, "another tool released the chart, and the digests of its files are not recorded"},
	}
	for status, test := range tests {
		t.Run(string(status), func(t *testing.T) {
			c := newCluster(t)
			c.record(4, status, nil)
			state, err := c.manager.Determine(context.Background(), testSpec())
			require.NoError(t, err)
			assert.Equal(t, State{Condition: test.condition, Reason: test.reason, Revision: 4}, state)
		})
	}
	t.Run("no record", func(t *testing.T) {
		state, err := newCluster(t).manager.Determine(context.Background(), testSpec())
		require.NoError(t, err)
		assert.Equal(t, State{Condition: Absent, Reason: `no release "todo" in namespace "todo-dev"`}, state)
	})
}

func TestDetermineComparesTheChartAsLoadedNotAsRendered(t *testing.T) {
	c := newCluster(t)
	c.mustDeploy(testSpec())
	spec := testSpec()
	spec.Chart.Raw = []*chart.File{{Name: "values.yaml", Data: []byte("# a comment\nimage: localhost:5000/backend@sha256:aaa\nreplicas: 1\n")}}
	values, err := chartutil.ToRenderValues(spec.Chart, spec.Values, chartutil.ReleaseOptions{}, nil)
	require.NoError(t, err)
	require.NotEmpty(t, values)
	spec.Chart.Values["merged"] = "by rendering"
	state, err := c.manager.Determine(context.Background(), spec)
	require.NoError(t, err)
	assert.Equal(t, InSync, state.Condition, state.Reason)
}

func TestUpgradeByAnotherToolIsOutOfSync(t *testing.T) {
	c := newCluster(t)
	c.mustDeploy(testSpec())
	cfg, err := c.manager.configuration(context.Background(), func(string, ...any) {})
	require.NoError(t, err)
	_, err = action.NewUpgrade(cfg).Run(testRelease, testChart(), testSpec().Values)
	require.NoError(t, err)
	c.manager.records.forget(testRelease)
	state, err := c.manager.Determine(context.Background(), testSpec())
	require.NoError(t, err)
	assert.Equal(t, OutOfSync, state.Condition)
	assert.Contains(t, state.Reason, "another tool")
}

func TestDetermineReportsEveryProblemOfTheSpec(t *testing.T) {
	_, err := newCluster(t).manager.Determine(context.Background(), Spec{Name: "To Do", Namespace: "other", Timeout: -1})
	for _, part := range []string{`"To Do"`, `"other"`, "no chart", "negative"} {
		assert.ErrorContains(t, err, part)
	}
}

func TestDeployDoesNotChangeTheChartAndValuesOfItsSpec(t *testing.T) {
	c := newCluster(t)
	spec := testSpec()
	before, err := fileDigests(spec.Chart)
	require.NoError(t, err)
	c.mustDeploy(spec)
	after, err := fileDigests(spec.Chart)
	require.NoError(t, err)
	assert.Equal(t, before, after)
	assert.Len(t, spec.Chart.Files, 1)
	assert.Equal(t, testSpec().Values, spec.Values)
}

// failing is a storage driver with a fault.
type failing struct {
	driver.Driver
	queryErr, createErr, updateErr error
}

func (f *failing) Query(labels map[string]string) ([]*helmrelease.Release, error) {
	if f.queryErr != nil {
		return nil, f.queryErr
	}
	return f.Driver.Query(labels)
}

func (f *failing) Create(key string, r *helmrelease.Release) error {
	if f.createErr != nil {
		return f.createErr
	}
	return f.Driver.Create(key, r)
}

func (f *failing) Update(key string, r *helmrelease.Release) error {
	if f.updateErr != nil {
		return f.updateErr
	}
	return f.Driver.Update(key, r)
}

func TestDetermineReportsRecordsThatCannotBeRead(t *testing.T) {
	broken := errors.New("etcd does not answer")
	c := newCluster(t, func(o *Options) { o.Driver = &failing{Driver: o.Driver, queryErr: broken} })
	_, err := c.manager.Determine(context.Background(), testSpec())
	require.ErrorIs(t, err, broken)
	assert.EqualError(t, err, `read the records of release "todo" in namespace "todo-dev": etcd does not answer`)
}
