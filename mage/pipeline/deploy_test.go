package pipeline

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDeployInstallsAndSecondDeployChangesNothing(t *testing.T) {
	w := newWorld(t)
	first, err := w.Deploy(t.Context(), DeployOptions{})
	require.NoError(t, err, w.log.String())
	assert.ElementsMatch(t, []string{"backend", "frontend"}, w.built)
	assert.Equal(t, 1, first.Release.Revision)
	assert.True(t, first.Changed)
	assert.True(t, first.Complete)
	assert.Equal(t, "http://127.0.0.1:8080", first.URL)

	w.log.Reset()
	second, err := w.Deploy(t.Context(), DeployOptions{})
	require.NoError(t, err, w.log.String())
	assert.Len(t, w.built, 2, "both images are reused by their key")
	assert.Equal(t, first.Images, second.Images)
	assert.False(t, second.Changed)
	assert.Equal(t, 3, strings.Count(w.log.String(), "unchanged"), "one line for each image and the release: %s", w.log)
	assert.Equal(t, 1, strings.Count(w.log.String(), "release "), "the release has one progress line: %s", w.log)
}

func TestDeployBuildsOnlyChangedImageAndUpgrades(t *testing.T) {
	w := newWorld(t)
	_, err := w.Deploy(t.Context(), DeployOptions{})
	require.NoError(t, err)
	w.built = nil
	write(t, filepath.Join(w.env.Root, "images", "backend", "app.txt"), "changed")
	done, err := w.Deploy(t.Context(), DeployOptions{})
	require.NoError(t, err, w.log.String())
	assert.Equal(t, []string{"backend"}, w.built)
	assert.Equal(t, 2, done.Release.Revision)
}

func TestDeployPushesKeptImagesAfterRegistryIsLost(t *testing.T) {
	w := newWorld(t)
	first, err := w.Deploy(t.Context(), DeployOptions{})
	require.NoError(t, err)
	w.server.Close()
	_, err = w.Deploy(t.Context(), DeployOptions{})
	require.Error(t, err, "the registry does not answer")
	w.startRegistry()
	w.cluster = w.startedCluster()
	second, err := w.Deploy(t.Context(), DeployOptions{})
	require.NoError(t, err, w.log.String())
	assert.Len(t, w.built, 2, "nothing is built again")
	assert.Equal(t, first.Images, second.Images)
}

func TestDeployRefusesSourcesThatChangeDuringBuild(t *testing.T) {
	w := newWorld(t)
	w.at = func(step string) {
		if step == "build" {
			write(t, filepath.Join(w.env.Root, "images", "backend", "app.txt"), "saved during the build")
		}
	}
	_, err := w.Deploy(t.Context(), DeployOptions{})
	require.ErrorContains(t, err, `the sources of image "backend" changed during its build`)
	for pushed := range w.digests {
		assert.False(t, strings.HasPrefix(pushed, "backend"), "the image is not pushed")
	}
}

func TestFailedBuildCancelsClusterAndWaitsForIt(t *testing.T) {
	w := newWorld(t)
	w.buildErr = errors.New("npm ERR! 404")
	ended := false
	w.ensure = func(ctx context.Context) error {
		<-ctx.Done() // the build fails while the cluster comes up
		ended = true
		return ctx.Err()
	}
	_, err := w.Deploy(t.Context(), DeployOptions{})
	require.ErrorIs(t, err, w.buildErr)
	assert.True(t, ended, "Deploy waits until the cluster's creation has ended")
	assert.Equal(t, ExitBroken, ExitCode(err))
}

func TestDeployReportsClusterThatCannotBeMade(t *testing.T) {
	w := newWorld(t)
	broken := errors.New("no space left on device")
	w.ensure = func(context.Context) error { return broken }
	_, err := w.Deploy(t.Context(), DeployOptions{})
	require.ErrorIs(t, err, broken)
	assert.NotContains(t, w.log.String(), "failed", "an image that waited for the registry did not fail: %s", w.log)
}

func TestDeployWithFailedChecksReturnsExitCode3(t *testing.T) {
	w := newWorld(t)
	w.failed = true
	done, err := w.Deploy(t.Context(), DeployOptions{})
	assert.Equal(t, ExitRed, ExitCode(err))
	assert.True(t, done.Complete)
	assert.Equal(t, 1, done.Release.Revision, "a release that fails its checks stays")
}

func TestInterruptEndsDeployAtEachStepAndNextDeploySucceeds(t *testing.T) {
	for _, step := range []string{"prerequisites", "find", "cluster", "build", "push", "open", "upgrade", "check"} {
		t.Run(step, func(t *testing.T) {
			w := newWorld(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var mu sync.Mutex
			reached := false
			w.at = func(now string) {
				mu.Lock()
				defer mu.Unlock()
				if now == step {
					reached = true
					cancel()
				}
			}
			done, err := w.Deploy(ctx, DeployOptions{})
			require.Error(t, err)
			assert.True(t, reached)
			assert.Zero(t, done.RolledBack, "an interrupt is not a failed release")

			w.at = func(string) {}
			done, err = w.Deploy(t.Context(), DeployOptions{})
			require.NoError(t, err, "the lock is free and the state is usable: %s", w.log)
			assert.True(t, done.Verdict.OK())
		})
	}
}

func TestBuildPushesWithoutRelease(t *testing.T) {
	w := newWorld(t)
	built, err := w.Build(t.Context(), "backend")
	require.NoError(t, err, w.log.String())
	require.Len(t, built, 1)
	assert.Equal(t, []string{"backend"}, w.built)
	assert.NotNil(t, w.cluster, "the registry needs a cluster")
	history, err := w.releases.History(t.Context(), w.env.Release)
	require.Error(t, err)
	assert.Empty(t, history)

	again, err := w.Build(t.Context(), "backend")
	require.NoError(t, err)
	assert.Equal(t, built, again)
	assert.Len(t, w.built, 1, "the image is reused by its key")
}

func TestBuildReturnsPushedImagesNextToError(t *testing.T) {
	w := newWorld(t)
	_, err := w.Build(t.Context(), "frontend")
	require.NoError(t, err)
	w.buildErr = errors.New("pip: no matching distribution")
	_, err = w.Build(t.Context())
	require.ErrorIs(t, err, w.buildErr)
	assert.NotNil(t, w.cluster)
}

func TestClusterUpAndDown(t *testing.T) {
	w := newWorld(t)
	up, err := w.ClusterUp(t.Context())
	require.NoError(t, err)
	assert.NotEmpty(t, up.Registry.Push)
	done, err := w.ClusterDown(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Cleaned{Removed: []string{`cluster "todo"`}}, done)
	done, err = w.ClusterDown(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Cleaned{}, done, "a second time there is nothing to remove")
}

func TestCleanRemovesReleaseWithItsCluster(t *testing.T) {
	w := newWorld(t)
	_, err := w.Deploy(t.Context(), DeployOptions{})
	require.NoError(t, err)
	done, err := w.Clean(t.Context(), CleanOptions{})
	require.NoError(t, err)
	assert.Equal(t, Cleaned{Removed: []string{"release todo-dev/todo", `cluster "todo"`}}, done)
	assert.True(t, w.deleted)
}
