package targets

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/diagnose"
	"todo-chatbot/mage/pipeline"
	"todo-chatbot/mage/release"
	"todo-chatbot/mage/smoke"
)

func digestOf(t *testing.T, repository, digit string) name.Digest {
	t.Helper()
	digest, err := name.NewDigest("localhost:5000/" + repository + "@sha256:" + strings.Repeat(digit, 64))
	require.NoError(t, err)
	return digest
}

func TestPrintDeploymentWritesOneFactPerLineInFixedOrder(t *testing.T) {
	images := []pipeline.Built{{Name: "backend", Digest: digestOf(t, "todo-chatbot/backend", "a")}, {Name: "frontend", Digest: digestOf(t, "todo-chatbot/frontend", "b")}}
	imageLines := "image backend localhost:5000/todo-chatbot/backend@sha256:" + strings.Repeat("a", 64) + "\n" +
		"image frontend localhost:5000/todo-chatbot/frontend@sha256:" + strings.Repeat("b", 64) + "\n"
	passed := smoke.Verdict{Results: []smoke.Result{{Name: "livez", Outcome: smoke.Passed}}}
	failed := smoke.Verdict{Results: []smoke.Result{{Name: "livez", Outcome: smoke.Failed}}}
	for name, c := range map[string]struct {
		done pipeline.Deployment
		want string
	}{
		"nothing done": {pipeline.Deployment{}, ""},
		"images only":  {pipeline.Deployment{Images: images}, imageLines},
		"all passed": {pipeline.Deployment{Images: images, Release: release.Observation{Revision: 3}, Changed: true, URL: "http://127.0.0.1:8080", Verdict: passed, Complete: true},
			imageLines + "revision 3 new\nurl http://127.0.0.1:8080\nverdict passed\n"},
		"unchanged, checks failed": {pipeline.Deployment{Release: release.Observation{Revision: 3}, URL: "http://127.0.0.1:8080", Verdict: failed, Complete: true},
			"revision 3 unchanged\nurl http://127.0.0.1:8080\nverdict failed\n"},
		"no published port": {pipeline.Deployment{Release: release.Observation{Revision: 1}, Changed: true, Verdict: passed, Complete: true},
			"revision 1 new\nurl none: the cluster publishes no port; `mage open` opens a port-forward\nverdict passed\n"},
		"not verified": {pipeline.Deployment{Release: release.Observation{Revision: 1}, Changed: true}, "revision 1 new\n"},
		"rolled back":  {pipeline.Deployment{Release: release.Observation{Revision: 5}, Changed: true, RolledBack: 3}, "revision 5 rolled back to 3\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			printDeployment(&out, c.done)
			assert.Equal(t, c.want, out.String())
		})
	}
}

func TestPrintClusterStatusSortsPorts(t *testing.T) {
	var out bytes.Buffer
	printClusterStatus(&out, cluster.Status{Provider: "kind", Name: "todo", State: cluster.Absent, Ports: map[int]int{30081: 8081, 30080: 8080}, NotReady: []string{"node"}})
	assert.Equal(t, fmt.Sprintf("cluster kind/todo %s\nport 127.0.0.1:8080 is published for node port 30080\nport 127.0.0.1:8081 is published for node port 30081\nnot-ready node\n", cluster.Absent), out.String())
}

func TestPrintInspectionIndentsPodsBelowTheirWorkload(t *testing.T) {
	var out bytes.Buffer
	printInspection(&out, release.Inspection{
		Observation: release.Observation{Revision: 4, Status: "failed", Description: "crash", Workloads: []release.Workload{
			{Kind: "Deployment", Name: "todo-backend", Ready: 1, Wanted: 1, Restarts: 3, Images: []string{"localhost:5000/backend@sha256:aaa"}},
			{Kind: "Deployment", Name: "todo-frontend", Ready: 0, Wanted: 1},
		}},
		Pods: []diagnose.Pod{
			{Name: "todo-backend-1", Workload: "deployment/todo-backend", State: "running", Ready: 1, Wanted: 1, OfOlderRevision: true},
			{Name: "todo-backend-2", Workload: "deployment/todo-backend", State: `running: container "backend" waits: CrashLoopBackOff`, Wanted: 1, Restarts: 3},
		},
		Services: []diagnose.Service{{Name: "todo-backend", Endpoints: []string{"10.244.0.7:8000", "10.244.0.9:8000"}}, {Name: "todo-frontend"}},
		Warnings: []string{"2026-11-23T05:00:00Z Warning BackOff pod/todo-backend-2 (4 times): Back-off"},
	})
	assert.Equal(t, `revision 4 failed: crash
Deployment/todo-backend ready 1 of 1, restarts 3
  image localhost:5000/backend@sha256:aaa
  pod todo-backend-1 ready 1 of 1, restarts 0, of an older revision: running
  pod todo-backend-2 ready 0 of 1, restarts 3: running: container "backend" waits: CrashLoopBackOff
Deployment/todo-frontend ready 0 of 1, restarts 0
Service/todo-backend endpoints 10.244.0.7:8000 10.244.0.9:8000
Service/todo-frontend endpoints none ready
event 2026-11-23T05:00:00Z Warning BackOff pod/todo-backend-2 (4 times): Back-off
`, out.String())
}

func TestPrintHistoryWritesOneRevisionPerLine(t *testing.T) {
	var out bytes.Buffer
	printHistory(&out, []release.Revision{
		{Number: 1, Status: "superseded", Updated: time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC), Description: "seen ready"},
		{Number: 2, Status: "failed", Updated: time.Date(2026, 11, 23, 5, 1, 0, 0, time.UTC), Description: "two\nlines"},
	})
	assert.Equal(t, "1 superseded 2026-11-23T05:00:00Z seen ready\n2 failed 2026-11-23T05:01:00Z two lines\n", out.String())
}

func TestPrintCleanedSaysNothingToRemoveOnlyWithoutError(t *testing.T) {
	for name, c := range map[string]struct {
		done pipeline.Cleaned
		err  error
		want string
	}{
		"nothing":             {pipeline.Cleaned{}, nil, "nothing to remove\n"},
		"nothing and error":   {pipeline.Cleaned{}, errors.New("the engine does not answer"), ""},
		"removed and kept":    {pipeline.Cleaned{Removed: []string{"a"}, Kept: []string{"b"}}, nil, "removed a\nkept b\n"},
		"removed, then error": {pipeline.Cleaned{Removed: []string{"a"}}, errors.New("broken"), "removed a\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			printCleaned(&out, c.done, c.err)
			assert.Equal(t, c.want, out.String())
		})
	}
}

func TestColouredMarksAddedAndRemovedLines(t *testing.T) {
	assert.Equal(t, "\x1b[1m--- a\x1b[0m\n\x1b[36m@@ -1 +1 @@\x1b[0m\n same\n\x1b[31m-old\x1b[0m\n\x1b[32m+new\x1b[0m\n",
		coloured("--- a\n@@ -1 +1 @@\n same\n-old\n+new\n"))
}
