package pipeline

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLogsRefusesUnknownComponentAsUsageError(t *testing.T) {
	p := load(t, projectRoot, "dev", nil)
	require.NoError(t, p.checkComponent(""))
	require.NoError(t, p.checkComponent("backend"))

	err := p.checkComponent("databse")
	assert.EqualError(t, err, `component "databse" is not one of backend, frontend, postgresql`)
	assert.Equal(t, ExitUsage, ExitCode(err))
}
