package targets

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/doctor"
)

func TestPrintFindingsPutsFixBelowItsFinding(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, printFindings(&out, doctor.Findings{
		{Level: doctor.OK, Name: "go", Found: "go1.26.8"},
		{Level: doctor.Fail, Name: "engine", Found: "none:\n refused", Fix: "start it"},
	}))
	assert.Equal(t, "ok    go      go1.26.8\nfail  engine  none: refused\n              → start it\n", out.String())
}
