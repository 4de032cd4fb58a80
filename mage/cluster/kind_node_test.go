package cluster

import (
	"errors"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

func TestDecideChoosesNextAction(t *testing.T) {
	running := known{Exists: true, Ours: true, Status: container.StateRunning, AdminConf: true}
	with := func(change func(*known)) known {
		k := running
		change(&k)
		return k
	}
	for name, c := range map[string]struct {
		known known
		want  action
		why   string
	}{
		"absent: create":                                 {known{}, create, ""},
		"container of another program: refuse":           {known{Exists: true, Status: container.StateRunning, AdminConf: true}, refuse, "does not publish port 5000"},
		"running: use":                                   {running, use, ""},
		"restarting: use":                                {with(func(k *known) { k.Status = container.StateRestarting }), use, ""},
		"stopped: start":                                 {with(func(k *known) { k.Status = container.StateExited }), start, "its container is exited"},
		"paused: start":                                  {with(func(k *known) { k.Status = container.StatePaused }), start, "its container is paused"},
		"running, before kubeadm: recreate":              {with(func(k *known) { k.AdminConf = false }), recreate, "interrupted before Kubernetes ran"},
		"stopped, before kubeadm: recreate":              {with(func(k *known) { k.AdminConf, k.Status = false, container.StateExited }), recreate, "interrupted before Kubernetes ran"},
		"dead: recreate":                                 {with(func(k *known) { k.Status = container.StateDead }), recreate, "its container is dead"},
		"API server silent: recreate":                    {with(func(k *known) { k.Asked, k.Silent = true, errors.New("connection refused") }), recreate, "does not answer: connection refused"},
		"storage class missing: recreate":                {with(func(k *known) { k.Asked = true }), recreate, `before storage class "standard"`},
		"complete, API server silent: give up":           {with(func(k *known) { k.Complete, k.Asked, k.Silent = true, true, errors.New("connection refused") }), giveUp, "does not answer: connection refused"},
		"complete, admin.conf missing: give up":          {with(func(k *known) { k.Complete, k.AdminConf = true, false }), giveUp, "file /etc/kubernetes/admin.conf is missing"},
		"complete, stopped, admin.conf missing: give up": {with(func(k *known) { k.Complete, k.AdminConf, k.Status = true, false, container.StateExited }), giveUp, "is missing"},
		"complete, stopped: start":                       {with(func(k *known) { k.Complete, k.Status = true, container.StateExited }), start, "its container is exited"},
		"complete, storage class missing: use":           {with(func(k *known) { k.Complete, k.Asked = true, true }), use, ""},
		"complete, being removed: recreate":              {with(func(k *known) { k.Complete, k.Status = true, container.StateRemoving }), recreate, "its container is removing"},
		"storage class exists: use":                      {with(func(k *known) { k.Asked, k.Storage = true, true }), use, ""},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, decide(c.known))
			if c.why == "" && c.want != recreate {
				return
			}
			assert.Contains(t, c.known.why(), c.why)
		})
	}
}

func TestKindConfigBindsAllPortsToLoopback(t *testing.T) {
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
	assert.NotContains(t, ordinary[0], "failCgroupV1", "only a restricted host needs these settings")
}

func TestNewKindReportsEveryProblemAtOnce(t *testing.T) {
	_, err := NewKind(nil, KindOptions{Name: "To do", Ports: map[int]int{0: 30080, 8080: 80, 8081: 80}})
	require.Error(t, err)
	for _, part := range []string{`cluster name "To do"`, "kubeconfig is missing", "images of the node and of the image registry are missing", "host port 0", "node port 80 for host port 8080", "two host ports, 8080 and 8081"} {
		assert.Contains(t, err.Error(), part)
	}
}
