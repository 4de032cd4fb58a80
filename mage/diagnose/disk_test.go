package diagnose

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"

	"todo-chatbot/mage/diagnose/diagnosetest"
	"todo-chatbot/mage/host"
	"todo-chatbot/mage/kube"
)

const nodeFull = ": a disk of the node is full: " + host.FreeSpace

func TestFullDiskOfTheNodeIsTheCause(t *testing.T) {
	evicted := func(message string) func(*broken) {
		return func(b *broken) {
			b.pod.Status = corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", Message: message}
		}
	}
	for name, test := range map[string]struct {
		status  corev1.ContainerStatus
		change  func(*broken)
		kind    Kind
		message string
	}{
		"evicted pod": {
			change: evicted("The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi, available: 812Mi. "), kind: KindDisk,
			message: "pod failed: Evicted: The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi, available: 812Mi." + nodeFull,
		},
		"refused pod": {
			change: evicted("Pod was rejected: The node had condition: [DiskPressure]. "), kind: KindDisk,
			message: "pod failed: Evicted: Pod was rejected: The node had condition: [DiskPressure]." + nodeFull,
		},
		"pod that exceeded its own limit": {
			change: evicted("Pod ephemeral local storage usage exceeds the total limit of containers 1Gi."), kind: KindEvicted,
			message: "pod failed: Evicted: Pod ephemeral local storage usage exceeds the total limit of containers 1Gi.",
		},
		"unschedulable pod": {
			change: func(b *broken) {
				b.unscheduled("1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }.")
			}, kind: KindDisk,
			message: "its pod cannot be scheduled: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }." + nodeFull,
		},
		"image that does not fit": {
			status: diagnosetest.Waiting("ErrImagePull", "failed to extract layer: write /usr/lib/x: no space left on device"), kind: KindDisk,
			message: `container "backend" cannot pull image "localhost:5000/backend@sha256:aaa": failed to extract layer: write /usr/lib/x: no space left on device` + nodeFull,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBroken(test.status)
			if test.change != nil {
				test.change(b)
			}
			found := b.diagnosis()
			require.Len(t, found, 1)
			assert.Equal(t, test.kind, found[0].Kind)
			assert.Equal(t, "deployment/todo-backend: "+test.message, found[0].String())
		})
	}
}

func TestFullDiskInALogIsTheFirstCause(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/namespaces/todo-dev/pods/todo-postgresql-0/log" {
			_, _ = w.Write([]byte("starting\nPANIC:  could not write to file \"pg_wal/xlogtemp.29\": No space left on device\nshutting down\n"))
		}
	}))
	defer server.Close()
	clients, err := kube.Connect(&rest.Config{Host: server.URL})
	require.NoError(t, err)
	w := NewWatcher(clients.Clientset, testNamespace)
	w.found = []finding{
		{Cause: Cause{Kind: KindInit, Object: "deployment/todo-backend", Pod: "todo-backend-1", Container: "migrate", Message: "exits with code 1"}},
		{Cause: Cause{Kind: KindCrash, Object: "statefulset/todo-postgresql", Pod: "todo-postgresql-0", Container: "postgresql", Message: "exits with code 1"}},
	}
	f := w.Failure(context.Background())
	assert.Equal(t, `statefulset/todo-postgresql: container "postgresql" exits with code 1: PANIC: could not write to file "pg_wal/xlogtemp.29": No space left on device`+
		nodeFull+" (and 1 more)", f.Error())
	assert.Len(t, f.Causes[0].Logs, 3, "the cause keeps its log")
}

func TestSaveNamesTheDiskThatIsFull(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a device that is always full")
	}
	dir := t.TempDir()
	require.NoError(t, os.Symlink("/dev/full", filepath.Join(dir, "pods.txt")))
	written, err := Evidence{Release: "todo-dev/todo", Pods: []string{"todo-backend-1"}}.Save(dir)
	require.ErrorContains(t, err, `write evidence to "`+dir+`": `)
	assert.ErrorContains(t, err, "the disk of this machine is full ("+dir+", ")
	assert.Equal(t, []string{filepath.Join(dir, "events.txt")}, written)
}
