package doctor

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/outside"
)

func TestNetworkFinding(t *testing.T) {
	for name, c := range map[string]struct {
		network Network
		level   Level
		says    string
	}{
		"direct":           {Network{}, OK, "direct"},
		"faulty":           {Network{Err: errors.New("HTTPS_PROXY is faulty")}, Fail, "HTTPS_PROXY is faulty"},
		"proxy, mirrors":   {Network{Proxy: true, Mirrored: []string{"index.docker.io"}}, OK, "through a proxy; mirrors of index.docker.io"},
		"proxy on machine": {Network{Proxy: true, ProxyOnHost: true}, Warn, "loopback"},
	} {
		f := healthy()
		f.Network = &c.network
		row := f.networkFinding()
		assert.Equal(t, c.level, row.Level, name)
		assert.Contains(t, row.Found, c.says, name)
	}
}

func TestNetworkOfAnAccess(t *testing.T) {
	access, err := outside.Read(outside.Options{
		Getenv: func(name string) string {
			return map[string]string{"HTTPS_PROXY": "http://me:geheim@127.0.0.1:3128"}[name]
		},
		Mirrors: map[string]string{"quay.io": "harbor.example.com/quay"},
	})
	require.NoError(t, err)
	got := NewNetwork(access, nil)
	assert.True(t, got.Proxy)
	assert.True(t, got.ProxyOnHost)
	assert.Equal(t, []string{"quay.io"}, got.Mirrored)
	f := healthy()
	f.Network = got
	for _, row := range f.Findings() {
		assert.NotContains(t, row.Found+row.Fix, "geheim")
	}
	assert.Error(t, NewNetwork(nil, errors.New("faulty")).Err)
}
