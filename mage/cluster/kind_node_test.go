package cluster

import (
	"errors"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

func TestDecide(t *testing.T) {
	whole := known{Exists: true, Ours: true, Status: container.StateRunning, AdminConf: true}
	with := func(change func(*known)) known {
		k := whole
		change(&k)
		return k
	}
	for name, c := range map[string]struct {
		known known
		want  action
		why   string
	}{
		"nothing there is created":                       {known{}, create, ""},
		"a container of someone else is refused":         {known{Exists: true, Status: container.StateRunning, AdminConf: true}, refuse, "does not publish port 5000"},
		"a running node is used":                         {whole, use, ""},
		"a restarting node is waited for":                {with(func(k *known) { k.Status = container.StateRestarting }), use, ""},
		"a stopped node is started":                      {with(func(k *known) { k.Status = container.StateExited }), start, "its container is exited"},
		"a paused node is started":                       {with(func(k *known) { k.Status = container.StatePaused }), start, "its container is paused"},
		"a node that never ran kubeadm is remade":        {with(func(k *known) { k.AdminConf = false }), remake, "interrupted before Kubernetes ran"},
		"a stopped node that never ran kubeadm is too":   {with(func(k *known) { k.AdminConf, k.Status = false, container.StateExited }), remake, "interrupted before Kubernetes ran"},
		"a dead container is remade":                     {with(func(k *known) { k.Status = container.StateDead }), remake, "its container is dead"},
		"a silent API server is remade":                  {with(func(k *known) { k.Asked, k.Silent = true, errors.New("connection refused") }), remake, "does not answer: connection refused"},
		"an answer without the storage class is remade":  {with(func(k *known) { k.Asked = true }), remake, `before storage class "standard"`},
		"a complete node with a silent API is kept":      {with(func(k *known) { k.Complete, k.Asked, k.Silent = true, true, errors.New("connection refused") }), giveUp, "does not answer: connection refused"},
		"a complete node without admin.conf is kept":     {with(func(k *known) { k.Complete, k.AdminConf = true, false }), giveUp, "no /etc/kubernetes/admin.conf any more"},
		"so it is while it is stopped":                   {with(func(k *known) { k.Complete, k.AdminConf, k.Status = true, false, container.StateExited }), giveUp, "any more"},
		"a complete node that is stopped is started":     {with(func(k *known) { k.Complete, k.Status = true, container.StateExited }), start, "its container is exited"},
		"a complete node may change its storage class":   {with(func(k *known) { k.Complete, k.Asked = true, true }), use, ""},
		"a complete node that is being removed is gone":  {with(func(k *known) { k.Complete, k.Status = true, container.StateRemoving }), remake, "its container is removing"},
		"an answer with the storage class is what it is": {with(func(k *known) { k.Asked, k.Storage = true, true }), use, ""},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, decide(c.known))
			if c.why == "" && c.want != remake {
				return
			}
			assert.Contains(t, c.known.why(), c.why)
		})
	}
}

func TestKindConfigBindsEverythingToLoopback(t *testing.T) {
	cfg := kindConfig(KindOptions{Name: "todo", Ports: map[int]int{8081: 30081, 8080: 30080}, Restricted: true, DisableDefaultCNI: true})

	assert.Equal(t, "127.0.0.1", cfg.Networking.APIServerAddress)
	assert.True(t, cfg.Networking.DisableDefaultCNI)
	require.Len(t, cfg.Nodes, 1)
	var got [][2]int32
	for _, p := range cfg.Nodes[0].ExtraPortMappings {
		assert.Equal(t, "127.0.0.1", p.ListenAddress)
		got = append(got, [2]int32{p.HostPort, p.ContainerPort})
	}
	assert.Equal(t, [][2]int32{{0, 5000}, {8080, 30080}, {8081, 30081}}, got)

	require.Len(t, cfg.KubeadmConfigPatches, 2)
	var kubelet map[string]any
	for _, patch := range cfg.KubeadmConfigPatches {
		require.NoError(t, yaml.Unmarshal([]byte(patch), &kubelet))
	}
	assert.Equal(t, false, kubelet["serializeImagePulls"])
	assert.Equal(t, false, kubelet["failCgroupV1"])
	assert.Equal(t, map[string]any{"KubeletInUserNamespace": true}, kubelet["featureGates"])

	ordinary := kindConfig(KindOptions{Name: "todo"}).KubeadmConfigPatches
	require.Len(t, ordinary, 1)
	assert.NotContains(t, ordinary[0], "failCgroupV1", "an ordinary host needs no other kubelet")
}

func TestNewKindReportsEveryProblemAtOnce(t *testing.T) {
	_, err := NewKind(nil, KindOptions{Name: "To do", Ports: map[int]int{0: 30080, 8080: 80, 8081: 80}})
	require.Error(t, err)
	for _, part := range []string{`cluster name "To do"`, "kubeconfig is missing", "images of the node and of the image registry are missing", "host port 0", "node port 80 for host port 8080", "two host ports, 8080 and 8081"} {
		assert.Contains(t, err.Error(), part)
	}
}
