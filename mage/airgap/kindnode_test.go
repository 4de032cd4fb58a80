package airgap

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const cgroupScript = "kind/bin/create-kubelet-cgroups-v1.sh"

// embeddedNodeFiles returns the embedded files of the node by path.
func embeddedNodeFiles(t *testing.T) map[string]string {
	t.Helper()
	files, err := filesOf(embeddedNode, nodeFolder)
	require.NoError(t, err)
	found := map[string]string{}
	for _, f := range files {
		found[f.Path] = string(f.Body)
	}
	return found
}

func TestNodeCreatesKubeletCgroupsInEveryHierarchy(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the node's files are shell scripts")
	}
	root := t.TempDir()
	file := func(path, text string) {
		path = filepath.Join(root, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	file("proc/self/mounts", `overlay / overlay rw 0 0
tmpfs /sys/fs/cgroup tmpfs ro 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0
cgroup /sys/fs/cgroup/hugetlb cgroup rw,hugetlb 0 0
cgroup /sys/fs/cgroup/net_cls,net_prio cgroup rw,net_cls 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct/kubelet.slice cgroup rw,cpu,cpuacct 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
cgroup /elsewhere cgroup rw,memory 0 0
`)
	file("sys/fs/cgroup/cpuset/cpuset.cpus", "0-1\n")
	file("sys/fs/cgroup/cpuset/kubelet/cpuset.cpus", "") // the kernel creates it with the folder
	file(cgroupScript, embeddedNodeFiles(t)[cgroupScript])
	out, err := exec.Command("sh", filepath.Join(root, cgroupScript), root).CombinedOutput()
	require.NoError(t, err, "%s", out)

	var made []string
	for _, pattern := range []string{"sys/fs/cgroup/*/kubelet*", "sys/fs/cgroup/*/*/kubelet*", "elsewhere/*"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		for _, path := range found {
			made = append(made, strings.TrimPrefix(filepath.ToSlash(path), filepath.ToSlash(root)+"/sys/fs/cgroup/"))
		}
	}
	slices.Sort(made)
	assert.Equal(t, []string{
		"cpu,cpuacct/kubelet", "cpu,cpuacct/kubelet.slice", "cpuset/kubelet", "cpuset/kubelet.slice",
		"hugetlb/kubelet", "hugetlb/kubelet.slice", "net_cls,net_prio/kubelet", "net_cls,net_prio/kubelet.slice",
	}, made)
	cpus, err := os.ReadFile(filepath.Join(root, "sys/fs/cgroup/cpuset/kubelet/cpuset.cpus"))
	require.NoError(t, err)
	assert.Equal(t, "0-1\n", string(cpus))
}

func TestNodeCreatesKubeletCgroupsBeforeEachStartOfKubelet(t *testing.T) {
	files := embeddedNodeFiles(t)
	unit := files["etc/systemd/system/kubelet.service.d/12-cgroups.conf"]
	assert.Contains(t, unit, "ExecStartPre=/bin/sh /"+cgroupScript)
	assert.Contains(t, files, cgroupScript)
}
