package cluster

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	ownClass    = "/apis/storage.k8s.io/v1/storageclasses/standard"
	removeNode  = "DELETE /containers/todo-control-plane"
	writeToNode = "PUT /containers/todo-control-plane/archive"
)

func TestKindRecreatesIncompleteCluster(t *testing.T) {
	for name, spoil := range map[string]func(*world, *box){
		"without admin.conf":                func(_ *world, b *box) { delete(b.files, adminConf) },
		"with an API server that is silent": func(_ *world, b *box) { b.ports["6443/tcp"][0]["HostPort"] = "1" },
		"without the storage class":         func(w *world, _ *box) { w.api.remove(ownClass) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			old := w.settle("running")
			delete(old.files, completeMark)
			spoil(w, old)
			made := make(chan struct{})
			w.kind.opts.NodeImage = func(context.Context) (string, error) {
				w.api.makeReady(t, time.Now().Add(time.Hour)) // the new node reports
				close(made)
				return "node:test", nil
			}
			_, err := w.kind.Ensure(t.Context())
			require.NoError(t, err)
			assert.Contains(t, w.requests, removeNode)
			assert.NotSame(t, old, w.containers["todo-control-plane"])
			<-made
		})
	}
}

func TestKindNeverRecreatesCompleteCluster(t *testing.T) {
	for name, c := range map[string]struct {
		status string
		spoil  func(*box)
		want   []string
	}{
		"API server silent": {"running", func(b *box) { b.ports["6443/tcp"][0]["HostPort"] = "1" },
			[]string{`container "todo-control-plane": its API server does not answer: after 500ms: `, "127.0.0.1:1"}},
		"API server silent after a start": {"exited", func(b *box) { b.ports["6443/tcp"][0]["HostPort"] = "1" },
			[]string{`container "todo-control-plane" (started again): its API server does not answer: after 500ms: `}},
		"admin.conf missing": {"running", func(b *box) { delete(b.files, adminConf) },
			[]string{`container "todo-control-plane": its file /etc/kubernetes/admin.conf is missing`}},
		"admin.conf missing in a stopped node": {"exited", func(b *box) { delete(b.files, adminConf) },
			[]string{`container "todo-control-plane": its file /etc/kubernetes/admin.conf is missing`}},
		"API server not published": {"running", func(b *box) { delete(b.ports, "6443/tcp") },
			[]string{"its API server does not answer: the API server of \"todo-control-plane\" is not published"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.kind.bound = 500 * time.Millisecond
			w.kind.taken = func(context.Context, int) bool { return false }
			node := w.settle(c.status)
			c.spoil(node)

			_, err := w.kind.Ensure(t.Context())
			var damaged *Damaged
			require.ErrorAs(t, err, &damaged)
			for _, part := range append(c.want, "delete its data", "`docker logs todo-control-plane`", "`docker restart todo-control-plane`", "`mage cluster:down`") {
				assert.ErrorContains(t, err, part)
			}
			assert.NotContains(t, w.requests, removeNode)
			assert.Same(t, node, w.containers["todo-control-plane"])

			removed, err := w.kind.Delete(t.Context())
			require.NoError(t, err)
			assert.Contains(t, removed, `container "todo-control-plane" with its volume`, "the fix works")
		})
	}
}

func TestKindUsesCompleteClusterWithAnotherStorageClass(t *testing.T) {
	w := newWorld(t, nil)
	node := w.settle("running")
	w.api.remove(ownClass)
	w.api.put(t, "/apis/storage.k8s.io/v1/storageclasses/fast", map[string]any{
		"metadata": map[string]any{"name": "fast", "annotations": map[string]string{defaultClassKey: "true"}},
	})
	_, err := w.kind.Ensure(t.Context())
	require.NoError(t, err)
	assert.Same(t, node, w.containers["todo-control-plane"])
}

func TestKindMarksClusterCompleteOnceItsRegistryAnswers(t *testing.T) {
	w := newWorld(t, nil)
	w.kind.bound = 500 * time.Millisecond
	_, open := newRegistry(t)
	guarded := w.publish["5000"]
	w.publish["5000"] = strconv.Itoa(open)
	_, err := w.kind.Ensure(t.Context())
	require.ErrorContains(t, err, "accepts pushes without a login")
	node := w.containers["todo-control-plane"]
	assert.NotContains(t, node.files, completeMark)

	node.ports["5000/tcp"][0]["HostPort"] = guarded
	_, err = w.kind.Ensure(t.Context())
	require.NoError(t, err)
	assert.Same(t, node, w.containers["todo-control-plane"])
	assert.Contains(t, string(node.files[completeMark]), "complete since ")
	w.requests = nil
	_, err = w.kind.Ensure(t.Context())
	require.NoError(t, err)
	assert.NotContains(t, w.requests, writeToNode, "marked already")
}
