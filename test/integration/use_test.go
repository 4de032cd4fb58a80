package integration

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
)

// browser and contract are tests of the deployed application that people also
// run by themselves.
func (l *life) browser(t *testing.T) {
	result := l.mage(t, "test:e2e")
	assert.Zero(t, result.Code, result.Stdout)
	pictures, err := filepath.Glob(filepath.Join(l.Dir, "build", "e2e", "*.png"))
	assert.NoError(t, err)
	assert.NotEmpty(t, pictures)
}

func (l *life) contract(t *testing.T) {
	result := l.mage(t, "test:contract")
	assert.Zero(t, result.Code, result.Stdout)
	assert.FileExists(t, filepath.Join(l.Dir, "build", "contract.xml"))
}
