package release

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
)

// counting is a storage driver that counts the requests that read records.
type counting struct {
	driver.Driver
	reads int
}

func (c *counting) Get(key string) (*helmrelease.Release, error) {
	c.reads++
	return c.Driver.Get(key)
}

func (c *counting) List(filter func(*helmrelease.Release) bool) ([]*helmrelease.Release, error) {
	c.reads++
	return c.Driver.List(filter)
}

func (c *counting) Query(labels map[string]string) ([]*helmrelease.Release, error) {
	c.reads++
	return c.Driver.Query(labels)
}

func TestRecordsAreReadOnceAndAgainAfterHelmChangedThem(t *testing.T) {
	ctx := context.Background()
	var records *counting
	c := newCluster(t, func(o *Options) { records = &counting{Driver: o.Driver}; o.Driver = records })
	// reads counts the requests of one deploy, with the steps of the pipeline.
	reads := func(spec Spec) int {
		c.newManager()
		records.reads = 0
		require.NoError(t, c.manager.Own(ctx, testRelease, "todo-chatbot"))
		_, err := c.manager.Refusals(ctx, spec)
		require.NoError(t, err)
		_, _, err = c.deploy(ctx, spec)
		require.NoError(t, err)
		_, err = c.manager.Identities(ctx, testRelease)
		require.NoError(t, err)
		return records.reads
	}
	const ours, ofHelmsInstall, ofHelmsUpgrade = 2, 2, 2
	assert.Equal(t, ours+ofHelmsInstall, reads(testSpec()), "installation")
	assert.Equal(t, 1, reads(testSpec()), "unchanged")
	changed := testSpec()
	changed.Values["image"] = "localhost:5000/backend@sha256:ccc"
	c.live(nil)
	c.newManager()
	assert.Equal(t, ours+ofHelmsUpgrade, reads(changed), "upgrade")
}

func TestRecordsAreReadAgainAfterAFailedWrite(t *testing.T) {
	records := &counting{}
	c := newCluster(t, func(o *Options) {
		records.Driver = &failing{Driver: o.Driver, updateErr: errors.New("quota of secrets is used up")}
		o.Driver = records
	})
	c.record(1, helmrelease.StatusPendingInstall, nil)
	last, err := c.manager.last(t.Context(), testRelease)
	require.NoError(t, err)
	require.Error(t, c.manager.mark(t.Context(), last, helmrelease.StatusFailed, "because"))
	last, err = c.manager.last(t.Context(), testRelease)
	require.NoError(t, err)
	assert.Equal(t, helmrelease.StatusPendingInstall, last.Info.Status)
	assert.Equal(t, 2, records.reads)
}
