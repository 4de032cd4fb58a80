package integration

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
)

// browserFlow and contract run tests of the deployed application that are targets
// of their own.
func (f *fixture) browserFlow(t *testing.T) {
	result := f.mage(t, "test:e2e")
	assert.Zero(t, result.Code, result.Stdout)
	pictures, err := filepath.Glob(filepath.Join(f.Dir, "build", "e2e", "*.png"))
	assert.NoError(t, err)
	assert.NotEmpty(t, pictures)
}

func (f *fixture) contract(t *testing.T) {
	result := f.mage(t, "test:contract")
	assert.Zero(t, result.Code, result.Stdout)
	assert.FileExists(t, filepath.Join(f.Dir, "build", "contract.xml"))
}
