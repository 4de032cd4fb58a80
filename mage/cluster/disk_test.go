package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestKindNamesFullEngineDisk(t *testing.T) {
	w := newWorld(t, nil)
	w.initExit = 1
	w.initSays = "error execution phase certs: write /etc/kubernetes/pki/ca.key: no space left on device\nTo see the stack trace of this error execute with --v=5\n"
	_, err := w.kind.Ensure(t.Context())
	for _, part := range []string{"create the node", "ca.key: no space left on device: the disk of the container engine is full (/data/docker, ", "`mage clean:all`", "`docker system prune`"} {
		assert.ErrorContains(t, err, part)
	}

	w = newWorld(t, nil)
	w.kind.bound = 300 * time.Millisecond
	w.settle("running")
	w.api.remove("/api/v1/namespaces/kube-system/pods/coredns-1")
	w.api.put(t, "/api/v1/nodes/todo-control-plane", map[string]any{
		"metadata": map[string]any{"name": "todo-control-plane"},
		"status": map[string]any{"conditions": []any{
			map[string]string{"type": "Ready", "status": "True"}, map[string]string{"type": "DiskPressure", "status": "True"},
		}},
	})
	_, err = w.kind.Ensure(t.Context())
	for _, part := range []string{"CoreDNS has no pod yet", `node "todo-control-plane" is under disk pressure: the disk of the container engine is full (/data/docker, `} {
		assert.ErrorContains(t, err, part)
	}
}
