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
	devBackend   = "  config: {logLevel: debug}\n" // in the backend's block of that file
	migrateFile  = "images/backend/app/migrate.py"
	readyFile    = "images/backend/app/core/readiness.py"
	backendChart = "helm/todo-chatbot/charts/backend/templates/deployment.yaml"
	backupScript = "helm/todo-chatbot/charts/postgresql/files/backup.sh"

	// migrateImage is the first image that a backend pod needs.
	migrateImage = "        - name: migrate\n          image: {{ include \"todo-chatbot.image\" . }}\n"
	noImage      = "localhost:5000/todo-chatbot/backend:nowhere"
	noDigest     = "localhost:5000/todo-chatbot/backend@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// failure is one way in which a deploy fails.
type failure struct {
	name     string
	file     string
	old, new string             // the edit that makes it fail
	prepare  func(t *testing.T) // a further cause, until the test ends
	env      string             // the environment to deploy; dev if empty
	settings []string           // environment variables of the run
	says     string             // regular expression for the cause
	evidence string             // file of the evidence that contains shows
	shows    string
	unbuilt  bool // the failure needs no new image
}

func (f *fixture) allFailures() []failure {
	return []failure{
		{
			name: "missing image",
			file: backendChart, old: migrateImage, new: "        - name: migrate\n          image: " + noImage + "\n",
			says:     `deployment/todo-backend: container "migrate" cannot pull image "` + noImage + `": .*not found`,
			evidence: "events.txt", shows: noImage, unbuilt: true,
		},
		{
			name: "missing digest",
			file: backendChart, old: migrateImage, new: "        - name: migrate\n          image: " + noDigest + "\n",
			says:     `deployment/todo-backend: container "migrate" cannot pull image "` + noDigest + `": .*not found`,
			evidence: "pods.txt", shows: noDigest, unbuilt: true,
		},
		{
			name: "crash at start",
			file: backendFile, old: "    app = FastAPI(\n", new: "    raise RuntimeError(\"no start on purpose\")\n    app = FastAPI(\n",
			says:     `deployment/todo-backend: container "backend" exits with code 1\b.*RuntimeError: no start on purpose`,
			evidence: "logs/*_backend*.log", shows: "no start on purpose",
		},
		{
			name: "failing readiness probe", settings: []string{"TODO_TIMEOUT=40s"},
			file: readyFile, old: "    return all(result == \"ok\" for result in checks.values())\n", new: "    return False\n",
			says:     `deployment/todo-backend: container "backend" runs but is not ready: Readiness probe failed: .*503.* \(not ready within 40s\)`,
			evidence: "events.txt", shows: "Readiness probe failed",
		},
		missingSecret,
		{
			name: "unschedulable pod",
			file: devValues, old: devBackend, new: devBackend + "  nodeSelector: {nowhere: \"true\"}\n",
			says:     `deployment/todo-backend: its pod cannot be scheduled: 0/1 nodes are available`,
			evidence: "diff.txt", shows: "+        nowhere: \"true\"", unbuilt: true,
		},
		{
			name: "full quota", prepare: f.fullQuota,
			file: devValues, old: devBackend, new: devBackend + "  podAnnotations: {quota: full}\n",
			says:     `deployment/todo-backend: its pods cannot be created: .*exceeded quota: full, requested: pods=1`,
			evidence: "events.txt", shows: "exceeded quota", unbuilt: true,
		},
		{
			name: "failing migration",
			file: migrateFile, old: "    started = time.monotonic()\n", new: "    raise RuntimeError(\"no migration on purpose\")\n",
			says:     `deployment/todo-backend: container "migrate" exits with code 1\b.*RuntimeError: no migration on purpose`,
			evidence: "logs/*_migrate*.log", shows: "no migration on purpose",
		},
		{
			name: "start longer than the time-out", settings: []string{"TODO_TIMEOUT=40s"},
			file: backendFile, old: "    app = FastAPI(\n", new: "    __import__(\"time\").sleep(600)\n    app = FastAPI(\n",
			says:     `deployment/todo-backend: container "backend" runs but has not started: Startup probe failed: .* \(not ready within 40s\)`,
			evidence: "pods.txt", shows: "backend",
		},
	}
}

var missingSecret = failure{
	name: "missing secret",
	file: devValues, old: devBackend, new: "  config: {logLevel: debug, openai: {apiKeySecret: {name: nowhere}}}\n",
	says:     `deployment/todo-backend: container "migrate" cannot be created: secret "nowhere" not found`,
	evidence: "pods.txt", shows: `CreateContainerConfigError: secret "nowhere" not found`, unbuilt: true,
}

// failingHook fails in staging, which makes a backup before an upgrade.
var failingHook = failure{
	name: "failing hook", env: "staging",
	file: backupScript, old: "set -eu\n", new: "set -eu\necho no backup on purpose >&2; exit 1\n",
	says:     `pre-upgrade hook job/todo-postgresql-backup: container "backup" exits with code 1: no backup on purpose`,
	evidence: "logs/*_backup*.log", shows: "no backup on purpose", unbuilt: true,
}

// fullQuota limits the namespace of dev to its present number of pods.
func (f *fixture) fullQuota(t *testing.T) {
	t.Helper()
	api := f.client(t)
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

// failures deploys releases that cannot become ready. Each deploy names the cause,
// keeps the evidence, and rolls back to the release that served without a break.
func (f *fixture) failures(t *testing.T) {
	for _, one := range f.allFailures() {
		t.Run(one.name, func(t *testing.T) {
			f.serving(t)
			f.fails(t, one)
		})
	}
	t.Run("kept failed release", func(t *testing.T) {
		f.serving(t)
		f.keepsFailed(t)
	})
}

func (f *fixture) fails(t *testing.T, expected failure) {
	env := cmp.Or(expected.env, "dev")
	served := f.newest(t, env)
	before := f.running(t, env)
	defer f.edit(t, expected)()
	if expected.prepare != nil {
		expected.prepare(t)
	}
	watch := f.watch(t, env)
	result, err := f.MageWith(t.Context(), expected.settings, "deploy:"+env)
	require.NoError(t, err)
	asked, failed := watch()

	assert.Equal(t, 1, result.Code)
	assert.Regexp(t, fmt.Sprintf(`Error: %s.*; rolled back to revision %d, which serves`, expected.says, served), flat(result.Stderr))
	assert.Equal(t, []string{fmt.Sprintf("%d rolled back to %d", served+2, served)}, result.Lines("revision"))
	assert.Empty(t, result.Lines("verdict"))
	if expected.unbuilt {
		assert.NotContains(t, result.Stderr, "built, pushed")
	}
	assert.Equal(t, before, f.running(t, env), "other images than before run")
	assert.Greater(t, asked, 20)
	assert.Empty(t, failed, "of %d requests during the deploy", asked)

	dir := filepath.Join(f.Dir, "build", "evidence", env)
	for _, name := range []string{"cause.txt", "release.txt", "events.txt", "pods.txt", "diff.txt"} {
		assert.FileExists(t, filepath.Join(dir, name))
	}
	files, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(expected.evidence)))
	require.NoError(t, err)
	var shown strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		shown.Write(content)
	}
	assert.Contains(t, shown.String(), expected.shows, "%s of the evidence", expected.evidence)
}

// keepsFailed keeps a failed release, reads the difference to the wanted one, and
// rolls back by hand.
func (f *fixture) keepsFailed(t *testing.T) {
	served := f.newest(t, "dev")
	expected := missingSecret
	restore := f.edit(t, expected)
	diff := f.mage(t, "release:diff")
	require.Zero(t, diff.Code, diff.Stderr)
	assert.Contains(t, diff.Stdout, "+++ deployment/todo-backend\twanted\n")
	assert.Contains(t, diff.Stdout, "\n+              name: nowhere\n")
	result := f.mage(t, "deploy:dev", "-keepFailed")
	assert.Equal(t, 1, result.Code)
	assert.Regexp(t, fmt.Sprintf(`%s.*; the failed revision stays: .*mage release:rollback -env=dev -revision=%d`, expected.says, served), flat(result.Stderr))
	status := f.mage(t, "release:status").Stdout
	assert.Contains(t, status, fmt.Sprintf("revision %d failed: ", served+1))
	assert.Contains(t, status, "CreateContainerConfigError")
	assert.Regexp(t, `Service/todo-backend endpoints \d`, status, "the old pod does not serve")

	restore()
	for _, revision := range []int{served + 1, 9999} {
		refused := f.mage(t, "release:rollback", "-revision="+strconv.Itoa(revision))
		assert.Equal(t, 2, refused.Code)
		assert.Contains(t, refused.Stderr, "mage release:history")
	}
	back := f.mage(t, "release:rollback", "-revision="+strconv.Itoa(served))
	assert.Zero(t, back.Code, back.Stderr)
	assert.Equal(t, []string{"passed"}, back.Lines("verdict"))
	diff = f.mage(t, "release:diff")
	assert.Zero(t, diff.Code, diff.Stderr)
	assert.Empty(t, diff.Stdout)
	assert.Contains(t, diff.Stderr, "nothing to change")
}

// edit makes a deploy fail until the returned function is called.
func (f *fixture) edit(t *testing.T, expected failure) (restore func()) {
	t.Helper()
	path := filepath.Join(f.Dir, filepath.FromSlash(expected.file))
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, f.Edit(expected.file, expected.old, expected.new))
	return func() { require.NoError(t, os.WriteFile(path, content, 0o644)) }
}

// newest returns the number of an environment's newest revision.
func (f *fixture) newest(t *testing.T, env string) int {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(f.mage(t, "release:history", "-env="+env).Stdout), "\n")
	number, err := strconv.Atoi(strings.Fields(lines[len(lines)-1])[0])
	require.NoError(t, err)
	return number
}

// running returns the images of the workloads of an environment's release.
func (f *fixture) running(t *testing.T, env string) []string {
	t.Helper()
	status := f.mage(t, "release:status", "-env="+env)
	require.Zero(t, status.Code, status.Stderr)
	images := status.Lines("image")
	require.NotEmpty(t, images)
	return slices.Sorted(slices.Values(images))
}

// watch asks the backend through the gateway five times a second until the returned
// function is called, which returns the errors.
func (f *fixture) watch(t *testing.T, env string) (stop func() (asked int, failed []string)) {
	t.Helper()
	url := f.address(env) + "/api/readyz"
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

// flat joins the lines of a text.
func flat(text string) string { return breaks.ReplaceAllString(text, " ") }
