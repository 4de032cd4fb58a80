package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/progress"
)

const (
	missingCgroup = `I1201 04:00:01.000001     812 server.go:531] "Kubelet version" kubeletVersion="v1.36.3"
E1201 04:00:01.300001     812 run.go:72] "command failed" err="failed to run Kubelet: invalid configuration: cgroup [\"kubelet\"] has some missing paths: /sys/fs/cgroup/hugetlb/kubelet.slice"
`
	waitingKubelet = `E1201 04:00:01.300001     812 pod_workers.go:1324] "Error syncing pod, skipping" err="failed to \"StartContainer\" for \"etcd\" with CrashLoopBackOff" pod="kube-system/etcd-todo-control-plane"
E1201 04:00:02.300001     812 event.go:368] "Unable to write event (may retry after sleeping)" err="Post \"https://172.18.0.2:6443/api/v1/events\": dial tcp 172.18.0.2:6443: connect: connection refused"
`
	brokenEtcd = `==> /var/log/pods/kube-system_etcd-todo-control-plane_1f/etcd/0.log <==
2026-12-01T04:00:00.1Z stderr F {"level":"fatal","ts":"2026-12-01T04:00:00.1Z","msg":"discovery failed","error":"wal: max entry size limit exceeded"}
2026-12-01T04:00:00.2Z stderr F exit

==> /var/log/pods/kube-system_kube-apiserver-todo-control-plane_2e/kube-apiserver/1.log <==
2026-12-01T04:00:03.1Z stderr F E1201 04:00:03.100001       1 run.go:72] "command failed" err="problem initializing API group: context deadline exceeded"

==> /var/log/pods/kube-system_coredns-1_3d/coredns/0.log <==
2026-12-01T04:00:03.1Z stdout F panic: not a part of the control plane
`
)

func TestCauseOfNodeIsFirstFailureInOrderOfDependence(t *testing.T) {
	for name, c := range map[string]struct{ journal, logs, want string }{
		"kubelet ended":          {missingCgroup, brokenEtcd, `the kubelet ended: failed to run Kubelet: invalid configuration: cgroup ["kubelet"] has some missing paths: /sys/fs/cgroup/hugetlb/kubelet.slice`},
		"etcd ended":             {waitingKubelet, brokenEtcd, "etcd ended: discovery failed: wal: max entry size limit exceeded"},
		"API server ended":       {waitingKubelet, brokenEtcd[strings.Index(brokenEtcd, "==> /var/log/pods/kube-system_kube-api"):], "kube-apiserver ended: problem initializing API group: context deadline exceeded"},
		"wrong flag":             {"", "==> /p/kube-scheduler/0.log <==\n2026-12-01T04:00:00.1Z stderr F Error: unknown flag: --port\n", "kube-scheduler ended: unknown flag: --port"},
		"klog fatal":             {"F1201 04:00:01.300001     812 main.go:7] no memory\n", "", "the kubelet ended: no memory"},
		"kubelet reports errors": {waitingKubelet, "", `the last error of the kubelet: Error syncing pod, skipping: failed to "StartContainer" for "etcd" with CrashLoopBackOff`},
		"nothing known":          {"-- No entries --\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, causeOf(c.journal, c.logs)) })
	}
}

func TestFailedCreationNamesCauseOfNodeBeforeKubeadm(t *testing.T) {
	var out strings.Builder
	w := newWorld(t, func(o *KindOptions) { o.Progress = progress.New(&out, progress.Options{}) })
	w.initExit, w.journal = 1, missingCgroup
	w.initSays = strings.Repeat("client rate limiter Wait returned an error: context deadline exceeded\n", 30)
	_, err := w.kind.Ensure(t.Context())
	require.ErrorContains(t, err, `create the node: the kubelet ended: failed to run Kubelet: invalid configuration: cgroup ["kubelet"] has some missing paths: /sys/fs/cgroup/hugetlb/kubelet.slice (`)
	assert.NotContains(t, err.Error(), "rate limiter")
	assert.Contains(t, out.String()[strings.LastIndex(out.String(), "rate limiter"):], "has some missing paths", "the end of the log is the kubelet's")
	assert.Empty(t, w.containers, "no incomplete node remains")
}

func TestDamagedClusterNamesCauseOfNode(t *testing.T) {
	w := newWorld(t, nil)
	w.kind.bound, w.journal = 500*time.Millisecond, missingCgroup
	w.settle("running").ports["6443/tcp"][0]["HostPort"] = "1"
	_, err := w.kind.Ensure(t.Context())
	damaged := &Damaged{}
	require.ErrorAs(t, err, &damaged)
	assert.Contains(t, damaged.Why, `the kubelet ended: failed to run Kubelet: invalid configuration: cgroup ["kubelet"] has some missing paths`)
	assert.Contains(t, damaged.Why, "its API server does not answer")
}
