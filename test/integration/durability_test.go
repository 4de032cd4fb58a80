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

	"todo-chatbot/test/person"
)

const (
	kills   = 20
	writers = 4
)

// killed ends every process of PostgreSQL by SIGKILL, again and again, while
// people write, and then looks for each todo whose making was confirmed.
func (l *life) killed(t *testing.T) {
	people := make([]*person.Person, writers)
	for i := range people {
		people[i] = hurried(l.address("dev"))
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
		l.kill(t)
	}
	stop()
	all.Wait()
	confirmed := 0
	for i, p := range people {
		require.NotEmpty(t, kept[i], "nothing was written, so nothing was proved")
		confirmed += len(kept[i])
		found := titles(t, p)
		for _, title := range kept[i] {
			assert.Contains(t, found, title, "it was confirmed")
		}
	}
	t.Logf("%d todos were confirmed over %d kills, and all are there", confirmed, kills)
	l.deploy(t)
}

// kill ends PostgreSQL without a chance to write anything, and waits until it
// serves again. Its pod is removed too, by force: after some crashes in a row the
// kubelet would wait minutes before it started the container again, and the old pod
// may then still start it while the new one does.
func (l *life) kill(t *testing.T) {
	t.Helper()
	pods := l.client(t).CoreV1().Pods(namespace)
	const name = "todo-postgresql-0"
	pod, err := pods.Get(t.Context(), name, metav1.GetOptions{})
	require.NoError(t, err)
	uid := string(pod.UID)
	// The name of a pod's control group has its UID, in one of two forms.
	script := fmt.Sprintf(`n=0; for p in /proc/[0-9]*; do
if grep -q -e %s -e %s $p/cgroup 2>/dev/null && [ "$(cat $p/comm 2>/dev/null)" = postgres ]; then kill -KILL ${p#/proc/} && n=$((n+1)); fi; done; echo $n`,
		uid, strings.ReplaceAll(uid, "-", "_"))
	out, err := exec.CommandContext(t.Context(), "docker", "exec", l.Cluster+"-control-plane", "sh", "-c", script).CombinedOutput()
	require.NoError(t, err, string(out))
	require.NotEqual(t, "0", strings.TrimSpace(string(out)), "no process of PostgreSQL was found")
	at := int64(0)
	require.NoError(t, pods.Delete(t.Context(), name, metav1.DeleteOptions{GracePeriodSeconds: &at}))
	if !assert.Eventually(t, func() bool {
		next, err := pods.Get(t.Context(), name, metav1.GetOptions{})
		return err == nil && next.UID != pod.UID && len(next.Status.ContainerStatuses) > 0 && next.Status.ContainerStatuses[0].Ready
	}, 2*time.Minute, 200*time.Millisecond, "PostgreSQL serves again") {
		l.mage(t, "release:status") // which says why
		l.mage(t, "logs", "-component=postgresql")
		t.FailNow()
	}
	time.Sleep(time.Second) // for writes to go through before the next
}

// writes adds todos until ctx ends, and returns the titles that were confirmed.
func writes(ctx context.Context, p *person.Person) (confirmed []string) {
	for i := 0; ctx.Err() == nil; i++ {
		title := fmt.Sprintf("Todo %d", i)
		// It is not cut short: an answer that was not read is no answer.
		_, err := p.Want(context.WithoutCancel(ctx), http.StatusCreated, http.MethodPost, p.API("tasks"), map[string]string{"title": title})
		if err == nil {
			confirmed = append(confirmed, title)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return confirmed
}

// titles reads the whole list, page by page.
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
