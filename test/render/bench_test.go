package render_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/chart"
)

// BenchmarkCheck measures the gate for one environment.
func BenchmarkCheck(b *testing.B) {
	data, err := os.ReadFile(valuesDir + "/staging.yaml")
	require.NoError(b, err)
	for b.Loop() {
		layer, err := chart.ParseLayer("values/staging.yaml", data)
		require.NoError(b, err)
		_, err = chart.Check(chartDir, chart.Compose(layer, images()),
			chart.Options{Release: "todo", Namespace: "todo-staging", KubeVersion: kubeVersion})
		require.NoError(b, err)
	}
}
