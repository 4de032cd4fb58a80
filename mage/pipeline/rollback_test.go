package pipeline

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRollbackRefusesRevisionBelowOne(t *testing.T) {
	p := load(t, projectRoot, "dev", nil)
	for _, revision := range []int{0, -1} {
		_, err := p.Rollback(t.Context(), RollbackOptions{Revision: &revision})
		assert.Equal(t, ExitUsage, ExitCode(err))
		assert.ErrorContains(t, err, "`mage release:history -env=dev` lists the revisions")
	}
}
