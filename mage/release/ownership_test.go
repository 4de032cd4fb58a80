package release

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/chart"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

func TestOwnChecksTheChartAndTheRecordedDigests(t *testing.T) {
	ours, err := storedChart(testChart())
	require.NoError(t, err)
	byHelm := testChart()
	other := &chart.Chart{Metadata: &chart.Metadata{Name: "nginx", Version: "1.2.3", APIVersion: "v2"}}
	for name, c := range map[string]struct {
		charts []*chart.Chart
		last   helmrelease.Status
		why    string
	}{
		"none":                           {nil, "", ""},
		"own":                            {[]*chart.Chart{ours}, helmrelease.StatusDeployed, ""},
		"own, failed":                    {[]*chart.Chart{ours}, helmrelease.StatusFailed, ""},
		"own, pending":                   {[]*chart.Chart{ours}, helmrelease.StatusPendingInstall, ""},
		"own, last upgraded by helm":     {[]*chart.Chart{ours, byHelm}, helmrelease.StatusDeployed, ""},
		"another chart":                  {[]*chart.Chart{other}, helmrelease.StatusDeployed, `revision 1 is of chart "nginx"`},
		"own, replaced by another chart": {[]*chart.Chart{ours, other}, helmrelease.StatusDeployed, `revision 2 is of chart "nginx"`},
		"same chart, installed by helm":  {[]*chart.Chart{byHelm}, helmrelease.StatusDeployed, `its chart is "todo-chatbot", and another tool installed it`},
		"another chart, uninstalled":     {[]*chart.Chart{other}, helmrelease.StatusUninstalled, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(t)
			for i, used := range c.charts {
				status := helmrelease.StatusSuperseded
				if i == len(c.charts)-1 {
					status = c.last
				}
				cluster.record(i+1, status, &helmrelease.Release{Chart: used})
			}
			err := cluster.manager.Own(context.Background(), testRelease, "todo-chatbot")
			if c.why == "" {
				require.NoError(t, err)
				return
			}
			foreign, ok := errors.AsType[*Foreign](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, c.why, foreign.Why)
		})
	}
}

func TestReleaseOfADeployIsOwn(t *testing.T) {
	c := newCluster(t)
	c.mustDeploy(testSpec())
	require.NoError(t, c.manager.Own(context.Background(), testRelease, "todo-chatbot"))
}
