package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/config"
	"todo-chatbot/mage/image"
	"todo-chatbot/mage/smoke"
)

// projectRoot is this project, whose chart, values and images the tests use.
const projectRoot = "../.."

// load returns the pipeline of an environment with a new cache folder.
func load(t *testing.T, root, env string, variables map[string]string) *Pipeline {
	t.Helper()
	cache := t.TempDir()
	getenv := func(key string) string {
		if key == "TODO_CACHE" {
			return cache
		}
		return variables[key]
	}
	e, err := config.Load(root, env, getenv)
	require.NoError(t, err)
	return New(e, Options{Getenv: getenv})
}

// copyProject copies the files of chart and configuration, and appends more to the
// values of dev.
func copyProject(t *testing.T, more string) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"helm", "values"} {
		require.NoError(t, os.CopyFS(filepath.Join(root, dir), os.DirFS(filepath.Join(projectRoot, dir))))
	}
	dockerfiles, err := filepath.Glob(filepath.Join(projectRoot, "images", "*", "*Dockerfile"))
	require.NoError(t, err)
	for _, path := range dockerfiles {
		below, err := filepath.Rel(projectRoot, path)
		require.NoError(t, err)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		write(t, filepath.Join(root, below), string(text))
	}
	file := filepath.Join(root, "values", "dev.yaml")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	write(t, file, string(text)+more)
	return root
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

// checkOnly checks the chart and returns the error.
func checkOnly(p *Pipeline) error {
	_, err := p.checkChart()
	return err
}

func digestOf(t *testing.T, repository, digit string) name.Digest {
	t.Helper()
	digest, err := name.NewDigest("localhost:5000/" + repository + "@sha256:" + strings.Repeat(digit, 64))
	require.NoError(t, err)
	return digest
}

// at follows keys into nested values.
func at(t *testing.T, values map[string]any, path ...string) any {
	t.Helper()
	var value any = values
	for _, key := range path {
		table, ok := value.(map[string]any)
		require.True(t, ok, "no table at %q of %q", key, path)
		value = table[key]
	}
	return value
}

func TestExitCodeOfErrors(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"no error":               {nil, 0},
		"other error":            {errors.New("disk on fire"), ExitBroken},
		"another run":            {&Busy{Cluster: "todo"}, ExitBroken},
		"usage error":            {usageError(errors.New("no such key")), ExitUsage},
		"wrapped usage error":    {fmt.Errorf("deploy: %w", usageError(errors.New("no such key"))), ExitUsage},
		"an unknown environment": {&config.Unknown{Name: "prod"}, ExitUsage},
		"invalid environment":    {fmt.Errorf("load: %w", &config.Invalid{}), ExitUsage},
		"failed checks":          {&Error{Code: ExitRed, Err: errors.New("red")}, ExitRed},
		"failed checks, joined":  {errors.Join(errors.New("also"), &Error{Code: ExitRed, Err: errors.New("red")}), ExitRed},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, ExitCode(c.err)) })
	}
}

func TestUsageErrorKeepsCauseAndNil(t *testing.T) {
	assert.NoError(t, usageError(nil))
	cause := errors.New("no such key")
	err := usageError(cause)
	assert.ErrorIs(t, err, cause)
	assert.EqualError(t, err, "no such key")
}

func TestSecondRunOnClusterIsRefusedWithNameOfFirst(t *testing.T) {
	p := load(t, projectRoot, "dev", nil)
	ran := false
	err := p.exclusive(context.Background(), "deploy:dev", func(ctx context.Context) error {
		err := p.exclusive(ctx, "clean", func(context.Context) error {
			t.Error("two runs at once")
			return nil
		})
		var busy *Busy
		require.ErrorAs(t, err, &busy)
		assert.Equal(t, "todo", busy.Cluster)
		assert.Equal(t, "process "+strconv.Itoa(os.Getpid())+", deploy:dev", busy.Holder)
		assert.ErrorContains(t, err, "wait until it ends")
		ran = true
		return nil
	})
	require.NoError(t, err)
	assert.True(t, ran)
}

func TestClusterIsFreeAfterErrorAndPanic(t *testing.T) {
	p := load(t, projectRoot, "dev", nil)
	free := func() error {
		return p.exclusive(context.Background(), "again", func(context.Context) error { return nil })
	}
	broken := errors.New("broken")
	require.ErrorIs(t, p.exclusive(context.Background(), "deploy:dev", func(context.Context) error { return broken }), broken)
	require.NoError(t, free(), "after an error")
	assert.Panics(t, func() {
		_ = p.exclusive(context.Background(), "deploy:dev", func(context.Context) error { panic("broken") })
	})
	require.NoError(t, free(), "after a panic")
	holders, err := filepath.Glob(filepath.Join(p.env.Cache, "*.holder"))
	require.NoError(t, err)
	assert.Empty(t, holders, "no holder file is left")
}

func TestRunsOnDifferentClustersDoNotExclude(t *testing.T) {
	p := load(t, projectRoot, "dev", nil)
	other := *p.env
	other.Cluster.Name = "other"
	q := New(&other, p.opts)
	ran := false
	require.NoError(t, p.exclusive(context.Background(), "deploy:dev", func(ctx context.Context) error {
		return q.exclusive(ctx, "deploy:dev", func(context.Context) error { ran = true; return nil })
	}))
	assert.True(t, ran)
}

func TestSourcesSelectImagesByName(t *testing.T) {
	p := load(t, projectRoot, "dev", nil)
	for name, c := range map[string]struct{ names, want []string }{
		"all": {nil, []string{"backend", "frontend", "gateway", "postgresql"}},
		"one": {[]string{"frontend"}, []string{"frontend"}},
		"two": {[]string{"postgresql", "backend"}, []string{"backend", "postgresql"}},
	} {
		t.Run(name, func(t *testing.T) {
			sources, err := p.sources(c.names...)
			require.NoError(t, err)
			assert.Equal(t, c.want, sourceNames(sources))
		})
	}
}

func sourceNames(sources []*image.Input) []string {
	var names []string
	for _, src := range sources {
		names = append(names, src.Name)
	}
	return names
}

func TestBuildOfUnknownImageIsUsageError(t *testing.T) {
	p := load(t, projectRoot, "dev", nil)
	for _, names := range [][]string{{"backned"}, {"backend", "backned"}} {
		_, err := p.Build(context.Background(), names...)
		require.Error(t, err)
		assert.Equal(t, ExitUsage, ExitCode(err))
		assert.ErrorContains(t, err, "backned")
		assert.ErrorContains(t, err, "is not one of backend, frontend, gateway, postgresql")
	}
	locks, err := os.ReadDir(p.env.Cache)
	require.NoError(t, err)
	assert.Empty(t, locks)
}

func TestFaultyDockerfileIsUsageError(t *testing.T) {
	for name, c := range map[string]struct{ dockerfile, want string }{
		"unknown instruction": {"FROM scratch\nCOPPY . .\n", ":2: unknown instruction"},
		"base without a name": {"FROM $NOTHING\n", ":1: FROM $NOTHING is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			root := copyProject(t, "")
			write(t, filepath.Join(root, "images", "backend", "Dockerfile"), c.dockerfile)
			_, err := load(t, root, "dev", nil).Deploy(context.Background(), DeployOptions{})
			require.Error(t, err)
			assert.Equal(t, ExitUsage, ExitCode(err))
			assert.ErrorContains(t, err, filepath.Join("backend", "Dockerfile")+c.want)
		})
	}
}

func TestImageChecksAreFoundByTestDockerfile(t *testing.T) {
	root := copyProject(t, "")
	expected := []string{}
	for _, image := range []string{"backend", "frontend", "postgresql"} {
		if _, err := os.Stat(filepath.Join(root, "images", image, "test.Dockerfile")); err == nil {
			expected = append(expected, image+"-checks")
		}
	}
	require.Contains(t, expected, "backend-checks")
	require.NotContains(t, expected, "postgresql-checks")
	checks, err := load(t, root, "dev", nil).imageChecks()
	require.NoError(t, err)
	assert.Equal(t, expected, sourceNames(checks))
	assert.Equal(t, filepath.Join(root, "images", "backend", "test.Dockerfile"), checks[0].Dockerfile)
	assert.Equal(t, filepath.Join(root, "images"), checks[0].Context, "checks can use files of other images")
}

func TestJudgeReturnsExitCode3WithAllFailedChecks(t *testing.T) {
	p := load(t, projectRoot, "dev", nil)
	assert.NoError(t, p.judge(smoke.Verdict{Results: []smoke.Result{{Name: "livez", Outcome: smoke.Passed}}}))
	err := p.judge(smoke.Verdict{Results: []smoke.Result{
		{Name: "livez", Outcome: smoke.Passed},
		{Name: "tasks", Outcome: smoke.Failed, Err: errors.New("status 500")},
		{Name: "chat", Outcome: smoke.Failed, Err: errors.New("no answer")},
	}})
	assert.Equal(t, ExitRed, ExitCode(err))
	assert.EqualError(t, err, "the application of environment \"dev\" fails its checks:\n  tasks: status 500\n  chat: no answer")
	assert.Equal(t, ExitRed, ExitCode(p.judge(smoke.Verdict{})), "a verdict without checks is not a success")
}

// portInUse is a provider that cannot make its cluster because a port is in use.
type portInUse struct{ port int }

func (f portInUse) Ensure(context.Context) (*cluster.Cluster, error) {
	return nil, fmt.Errorf("make cluster: %w", &cluster.PortInUse{Port: f.port, Target: 30080})
}

func TestPortInUseIsReportedWithItsSetting(t *testing.T) {
	p := load(t, projectRoot, "dev", nil)
	for port, setting := range map[int]string{8080: "TODO_PORT", 8081: "pipeline.url.port in values/staging.yaml"} {
		_, err := p.ensureCluster(context.Background(), portInUse{port: port})
		assert.Equal(t, ExitUsage, ExitCode(err))
		assert.ErrorContains(t, err, "the port's setting is "+setting)
		assert.ErrorContains(t, err, strconv.Itoa(port))
	}
}
