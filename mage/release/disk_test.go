package release

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/host"
)

func TestFullDiskOfTheAPIServerIsExplained(t *testing.T) {
	c := newCluster(t)
	c.kube.err = errors.New("etcdserver: write /var/lib/etcd/member/wal/0.tmp: no space left on device")
	_, _, err := c.deploy(context.Background(), testSpec())
	require.ErrorContains(t, err, `install release "todo" in namespace "todo-dev": `)
	assert.ErrorContains(t, err, "the disk of the cluster's node is full")
	assert.ErrorContains(t, err, host.FreeSpace)
}
