package integration

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	devValues    = "values/dev.yaml"
	devBackend   = "  config: {logLevel: debug}\n" // the backend's block of that file
	migrateFile  = "images/backend/app/migrate.py"
	readyFile    = "images/backend/app/core/readiness.py"
	backendChart = "helm/todo-chatbot/charts/backend/templates/deployment.yaml"
	backupScript = "helm/todo-chatbot/charts/postgresql/files/backup.sh"

	// migrateImage is the first image that a pod of the backend needs.
	migrateImage = "        - name: migrate\n          image: {{ include \"todo-chatbot.image\" . }}\n"
	noImage      = "localhost:5000/todo-chatbot/backend:nowhere"
	noDigest     = "localhost:5000/todo-chatbot/backend@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// way is one in which a deploy fails.
type way struct {
	name     string
	file     string
	old, new string             // the edit that makes it fail
	prepare  func(t *testing.T) // what else makes it fail, until the test's end
	env      string             // the environment that is deployed; dev without one
	settings []string           // environment variables of the run
	says     string             // of the cause, as a regular expression
	evidence string             // file below the evidence's folder that shows it
	shows    string
	unbuilt  bool // the failure needs no new image
}

func (l *life) waysToFail() []way {
	return []way{
		{
			name: "an image that is not there",
			file: backendChart, old: migrateImage, new: "        - name: migrate\n          image: " + noImage + "\n",
			says:     `deployment/todo-backend: container "migrate" cannot pull image "` + noImage + `": .*not found`,
			evidence: "events.txt", shows: noImage, unbuilt: true,
		},
		{
			name: "a digest that is not there",
			file: backendChart, old: migrateImage, new: "        - name: migrate\n          image: " + noDigest + "\n",
			says:     `deployment/todo-backend: container "migrate" cannot pull image "` + noDigest + `": .*not found`,
			evidence: "pods.txt", shows: noDigest, unbuilt: true,
		},
		{
			name: "a crash at start",
			file: backendFile, old: "    app = FastAPI(\n", new: "    raise RuntimeError(\"no start on purpose\")\n    app = FastAPI(\n",
			says:     `deployment/todo-backend: container "backend" exits with code 1\b.*RuntimeError: no start on purpose`,
			evidence: "logs/*_backend*.log", shows: "no start on purpose",
		},
		{
			name: "a readiness probe that fails", settings: []string{"TODO_TIMEOUT=40s"},
			file: readyFile, old: "    return all(result == \"ok\" for result in checks.values())\n", new: "    return False\n",
			says:     `deployment/todo-backend: container "backend" runs but is not ready: Readiness probe failed: .*503.* \(not ready within 40s\)`,
			evidence: "events.txt", shows: "Readiness probe failed",
		},
		missingSecret,
		{
			name: "a pod that no node takes",
			file: devValues, old: devBackend, new: devBackend + "  nodeSelector: {nowhere: \"true\"}\n",
			says:     `deployment/todo-backend: no node takes its pod: 0/1 nodes are available`,
			evidence: "diff.txt", shows: "+        nowhere: \"true\"", unbuilt: true,
		},
		{
			name: "a full quota", prepare: l.fullQuota,
			file: devValues, old: devBackend, new: devBackend + "  podAnnotations: {quota: full}\n",
			says:     `deployment/todo-backend: its pods cannot be created: .*exceeded quota: full, requested: pods=1`,
			evidence: "events.txt", shows: "exceeded quota", unbuilt: true,
		},
		{
			name: "a migration that fails",
			file: migrateFile, old: "    started = time.monotonic()\n", new: "    raise RuntimeError(\"no migration on purpose\")\n",
			says:     `deployment/todo-backend: container "migrate" exits with code 1\b.*RuntimeError: no migration on purpose`,
			evidence: "logs/*_migrate*.log", shows: "no migration on purpose",
		},
		{
			name: "a start that takes longer than the deploy may", settings: []string{"TODO_TIMEOUT=40s"},
			file: backendFile, old: "    app = FastAPI(\n", new: "    __import__(\"time\").sleep(600)\n    app = FastAPI(\n",
			says:     `deployment/todo-backend: container "backend" runs but has not started: Startup probe failed: .* \(not ready within 40s\)`,
			evidence: "pods.txt", shows: "backend",
		},
	}
}

var missingSecret = way{
	name: "a secret that is not there",
	file: devValues, old: devBackend, new: "  config: {logLevel: debug, openai: {apiKeySecret: {name: nowhere}}}\n",
	says:     `deployment/todo-backend: container "migrate" cannot be created: secret "nowhere" not found`,
	evidence: "pods.txt", shows: `CreateContainerConfigError: secret "nowhere" not found`, unbuilt: true,
}

// failingHook is of staging, which is backed up before an upgrade.
var failingHook = way{
	name: "a hook that fails", env: "staging",
	file: backupScript, old: "set -eu\n", new: "set -eu\necho no backup on purpose >&2; exit 1\n",
	says:     `pre-upgrade hook job/todo-postgresql-backup: container "backup" exits with code 1: no backup on purpose`,
	evidence: "logs/*_backup*.log", shows: "no backup on purpose", unbuilt: true,
}

// fullQuota lets the namespace of dev have as many pods as it has.
func (l *life) fullQuota(t *testing.T) {
	t.Helper()
	api := l.client(t)
	pods, err := api.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "full"}, Spec: corev1.ResourceQuotaSpec{
		Hard: corev1.ResourceList{corev1.ResourcePods: *resource.NewQuantity(int64(len(pods.Items)), resource.DecimalSI)},
	}}
	_, err = api.CoreV1().ResourceQuotas(namespace).Create(t.Context(), quota, metav1.CreateOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, api.CoreV1().ResourceQuotas(namespace).Delete(context.WithoutCancel(t.Context()), "full", metav1.DeleteOptions{}))
	})
}

// failures deploys what cannot become ready. Every time the cause is named, its
// evidence is kept, and the release goes back to what served and never ceased to.
func (l *life) failures(t *testing.T) {
	for _, w := range l.waysToFail() {
		if !t.Run(w.name, func(t *testing.T) { l.fails(t, w) }) {
			return // the next one would start from who knows what
		}
	}
	l.kept(t)
}

func (l *life) fails(t *testing.T, w way) {
	env := cmp.Or(w.env, "dev")
	served := l.newest(t, env)
	before := l.running(t, env)
	defer l.edit(t, w)()
	if w.prepare != nil {
		w.prepare(t)
	}
	watch := l.watch(t, env)
	result, err := l.MageWith(t.Context(), w.settings, "deploy:"+env)
	require.NoError(t, err)
	asked, failed := watch()

	assert.Equal(t, 1, result.Code)
	assert.Regexp(t, fmt.Sprintf(`Error: %s.*; rolled back to revision %d, which serves`, w.says, served), flat(result.Stderr))
	assert.Equal(t, []string{fmt.Sprintf("%d rolled back to %d", served+2, served)}, result.Lines("revision"))
	assert.Empty(t, result.Lines("verdict"))
	if w.unbuilt {
		assert.NotContains(t, result.Stderr, "built, pushed")
	}
	assert.Equal(t, before, l.running(t, env), "the old images run")
	assert.Greater(t, asked, 20)
	assert.Empty(t, failed, "of %d requests during the deploy", asked)

	dir := filepath.Join(l.Dir, "build", "evidence", env)
	for _, name := range []string{"cause.txt", "release.txt", "events.txt", "pods.txt", "diff.txt"} {
		assert.FileExists(t, filepath.Join(dir, name))
	}
	files, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(w.evidence)))
	require.NoError(t, err)
	var shown strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		shown.Write(content)
	}
	assert.Contains(t, shown.String(), w.shows, "%s of the evidence", w.evidence)
}

// kept leaves a failed release as it is, looks at what would change, and goes
// back by hand.
func (l *life) kept(t *testing.T) {
	served := l.newest(t, "dev")
	w := missingSecret
	restore := l.edit(t, w)
	diff := l.mage(t, "release:diff")
	require.Zero(t, diff.Code, diff.Stderr)
	assert.Contains(t, diff.Stdout, "+++ deployment/todo-backend\twanted\n")
	assert.Contains(t, diff.Stdout, "\n+              name: nowhere\n")
	result := l.mage(t, "deploy:dev", "-keepFailed")
	assert.Equal(t, 1, result.Code)
	assert.Regexp(t, fmt.Sprintf(`%s.*; left as it is: .*mage release:rollback -env=dev -revision=%d`, w.says, served), flat(result.Stderr))
	status := l.mage(t, "release:status").Stdout
	assert.Contains(t, status, fmt.Sprintf("revision %d failed: ", served+1))
	assert.Contains(t, status, "CreateContainerConfigError")
	assert.Regexp(t, `Service/todo-backend endpoints \d`, status, "the old pod serves")

	restore()
	for _, revision := range []int{served + 1, 9999} {
		refused := l.mage(t, "release:rollback", "-revision="+strconv.Itoa(revision))
		assert.Equal(t, 2, refused.Code)
		assert.Contains(t, refused.Stderr, "mage release:history")
	}
	back := l.mage(t, "release:rollback", "-revision="+strconv.Itoa(served))
	assert.Zero(t, back.Code, back.Stderr)
	assert.Equal(t, []string{"passed"}, back.Lines("verdict"))
	diff = l.mage(t, "release:diff")
	assert.Zero(t, diff.Code, diff.Stderr)
	assert.Empty(t, diff.Stdout)
	assert.Contains(t, diff.Stderr, "nothing to change")
}

// edit makes a deploy fail until the returned function is called.
func (l *life) edit(t *testing.T, w way) (restore func()) {
	t.Helper()
	path := filepath.Join(l.Dir, filepath.FromSlash(w.file))
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, l.Edit(w.file, w.old, w.new))
	return func() { require.NoError(t, os.WriteFile(path, content, 0o644)) }
}

// newest is the number of an environment's newest revision.
func (l *life) newest(t *testing.T, env string) int {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(l.mage(t, "release:history", "-env="+env).Stdout), "\n")
	number, err := strconv.Atoi(strings.Fields(lines[len(lines)-1])[0])
	require.NoError(t, err)
	return number
}

// running are the images that the workloads of an environment's release have.
func (l *life) running(t *testing.T, env string) []string {
	t.Helper()
	status := l.mage(t, "release:status", "-env="+env)
	require.Zero(t, status.Code, status.Stderr)
	images := status.Lines("image")
	require.NotEmpty(t, images)
	return slices.Sorted(slices.Values(images))
}

// watch asks the backend through the frontend, five times a second, as a page
// does, until the returned function is called. That gives what went wrong.
func (l *life) watch(t *testing.T, env string) (stop func() (asked int, failed []string)) {
	t.Helper()
	url := l.address(env) + "/api/readyz"
	browser := &http.Client{Timeout: 5 * time.Second}
	ended, stopping := make(chan struct{}), make(chan struct{})
	var asked int
	var failed []string
	go func() {
		defer close(ended)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stopping:
				return
			case <-tick.C:
			}
			asked++
			response, err := browser.Get(url)
			if err != nil {
				failed = append(failed, err.Error())
				continue
			}
			response.Body.Close()
			if response.StatusCode != http.StatusOK {
				failed = append(failed, response.Status)
			}
		}
	}()
	return func() (int, []string) {
		close(stopping)
		<-ended
		return asked, failed
	}
}

var breaks = regexp.MustCompile(`\s*\n\s*`)

// flat is a text in one line.
func flat(text string) string { return breaks.ReplaceAllString(text, " ") }
