package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"todo-chatbot/mage/kube"
	"todo-chatbot/test/person"
)

const (
	kills   = 20
	writers = 4
)

// killed ends every process of PostgreSQL with SIGKILL, 20 times, while people add
// todos. Each todo that was confirmed must still exist.
func (f *fixture) killed(t *testing.T) {
	people := make([]*person.Person, writers)
	for i := range people {
		people[i] = hurried(f.address("dev"))
		require.NoError(t, people[i].SignUp(t.Context()))
	}
	writing, stop := context.WithCancel(t.Context())
	defer stop()
	kept := make([][]string, writers)
	var all sync.WaitGroup
	for i, p := range people {
		all.Go(func() { kept[i] = writes(writing, p) })
	}
	for range kills {
		f.kill(t)
	}
	stop()
	all.Wait()
	confirmed := 0
	for i, p := range people {
		require.NotEmpty(t, kept[i], "no todo was confirmed")
		confirmed += len(kept[i])
		found := titles(t, p)
		for _, title := range kept[i] {
			assert.Contains(t, found, title, "a confirmed todo is lost")
		}
	}
	t.Logf("%d todos were confirmed over %d kills, and all are there", confirmed, kills)
	f.deploy(t)
}

// kill ends PostgreSQL with SIGKILL and waits until it serves again. It also deletes
// the pod, by force: after some crashes in a row the kubelet would wait minutes
// before it starts the container again.
func (f *fixture) kill(t *testing.T) {
	t.Helper()
	pods := f.client(t).CoreV1().Pods(namespace)
	const name = "todo-postgresql-0"
	pod, err := pods.Get(t.Context(), name, metav1.GetOptions{})
	require.NoError(t, err)
	uid := string(pod.UID)
	// The name of a pod's control group contains its UID, in one of two forms.
	script := fmt.Sprintf(`n=0; for p in /proc/[0-9]*; do
if grep -q -e %s -e %s $p/cgroup 2>/dev/null && [ "$(cat $p/comm 2>/dev/null)" = postgres ]; then kill -KILL ${p#/proc/} && n=$((n+1)); fi; done; echo $n`,
		uid, strings.ReplaceAll(uid, "-", "_"))
	out, err := exec.CommandContext(t.Context(), "docker", "exec", f.Cluster+"-control-plane", "sh", "-c", script).CombinedOutput()
	require.NoError(t, err, string(out))
	require.NotEqual(t, "0", strings.TrimSpace(string(out)), "there is no process of PostgreSQL")
	at := int64(0)
	require.NoError(t, pods.Delete(t.Context(), name, metav1.DeleteOptions{GracePeriodSeconds: &at}))
	defer func() {
		if t.Failed() {
			f.mage(t, "release:status")
			f.mage(t, "logs", "-component=postgresql")
		}
	}()
	eventually(t, 2*time.Minute, func(ctx context.Context) error {
		next, err := pods.Get(ctx, name, metav1.GetOptions{})
		if err == nil && (next.UID == pod.UID || !kube.PodReady(next)) {
			err = fmt.Errorf("pod %s is not ready: %+v", name, next.Status)
		}
		return err
	})
	time.Sleep(time.Second) // some todos are confirmed before the next kill
}

// writes adds todos until ctx ends, and returns the titles of the confirmed ones.
func writes(ctx context.Context, p *person.Person) (confirmed []string) {
	for i := 0; ctx.Err() == nil; i++ {
		title := fmt.Sprintf("Todo %d", i)
		// The last request is not cancelled, so that its answer is read.
		_, err := p.Want(context.WithoutCancel(ctx), http.StatusCreated, http.MethodPost, p.API("tasks"), map[string]string{"title": title})
		if err == nil {
			confirmed = append(confirmed, title)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return confirmed
}

// titles reads the whole list in pages.
func titles(t *testing.T, p *person.Person) map[string]bool {
	t.Helper()
	const page = 100
	titles := map[string]bool{}
	for offset := 0; ; offset += page {
		text, err := p.Want(t.Context(), http.StatusOK, http.MethodGet, p.API(fmt.Sprintf("tasks?limit=%d&offset=%d", page, offset)), nil)
		require.NoError(t, err)
		var tasks []struct {
			Title string `json:"title"`
		}
		require.NoError(t, json.Unmarshal(text, &tasks))
		for _, task := range tasks {
			titles[task.Title] = true
		}
		if len(tasks) < page {
			return titles
		}
	}
}
