package pipeline

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// used is a pipeline whose cache folder and reports hold what runs leave there.
func used(t *testing.T) *Pipeline {
	t.Helper()
	p := load(t, copyProject(t, ""), "dev", nil)
	require.NoError(t, p.makeCache())
	for _, name := range []string{
		"builds/images/x", "bin/runtime-wrapper", "go/x", "images/x", "pulled/x", "rootfs/x", "python/x", "engine/dockerd.log",
		"apt.lock", "cluster-todo.lock", "kind-todo.kubeconfig", "kind-todo.kubeconfig.lock", "minikube-a.kubeconfig", "kind-todo.kubeconfig.123",
	} {
		write(t, filepath.Join(p.env.Cache, name), "")
	}
	for _, name := range reports {
		write(t, filepath.Join(p.env.Root, "build", name), "")
	}
	return p
}

func TestCleanAllRemovesWhatThePipelineMadeAndTheFolders(t *testing.T) {
	p := used(t)
	build := filepath.Join(p.env.Root, "build")
	var done Cleaned
	require.NoError(t, p.cleanCache(&done))
	assert.Equal(t, Cleaned{Removed: []string{"folder " + build, "folder " + p.env.Cache}}, done)
	assert.NoDirExists(t, p.env.Cache)
	assert.NoDirExists(t, build)

	done = Cleaned{}
	require.NoError(t, p.cleanCache(&done), "a second time")
	assert.Equal(t, Cleaned{}, done)
}

func TestCleanAllLeavesTheBackupsAndWhatSomebodyElsePutThere(t *testing.T) {
	p := used(t)
	build := filepath.Join(p.env.Root, "build")
	backup, mine, diary := filepath.Join(build, "backups", "dev", "a.dump"), filepath.Join(build, "notes.txt"), filepath.Join(p.env.Cache, "diary.txt")
	album := filepath.Join(p.env.Cache, "photos", "1.jpg")
	for _, file := range []string{backup, mine, diary, album} {
		write(t, file, "the only copy")
	}
	var done Cleaned
	require.NoError(t, p.cleanCache(&done))
	for _, file := range []string{backup, mine, diary, album} {
		assert.FileExists(t, file)
	}
	assert.NoFileExists(t, filepath.Join(build, "smoke.json"))
	assert.NoDirExists(t, filepath.Join(p.env.Cache, "builds"))
	assert.Equal(t, []string{
		filepath.Join(build, "backups") + ": backups are yours to remove",
		mine + ": the pipeline did not make it",
		diary + ": the pipeline did not make it",
		filepath.Dir(album) + ": the pipeline did not make it",
	}, done.Kept)
}

func TestCleanAllRemovesNothingFromAFolderWithoutTheMarker(t *testing.T) {
	p := load(t, copyProject(t, ""), "dev", nil)
	file := filepath.Join(p.env.Cache, "images", "mine.png")
	write(t, file, "")
	var done Cleaned
	require.NoError(t, p.cleanCache(&done))
	assert.FileExists(t, file)
	assert.Empty(t, done.Removed)
	assert.Equal(t, []string{p.env.Cache + ": it has no CACHEDIR.TAG of the pipeline's"}, done.Kept)
}

func TestCleanAllFollowsNoSymbolicLink(t *testing.T) {
	elsewhere := t.TempDir()
	treasure := filepath.Join(elsewhere, "smoke.json")
	write(t, treasure, "")
	p := used(t)
	build := filepath.Join(p.env.Root, "build")
	require.NoError(t, os.RemoveAll(build))
	require.NoError(t, os.Symlink(elsewhere, build))
	require.NoError(t, os.RemoveAll(filepath.Join(p.env.Cache, "images")))
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(p.env.Cache, "images")))
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(p.env.Cache, "builds", "inside")))
	var done Cleaned
	require.NoError(t, p.cleanCache(&done))
	assert.FileExists(t, treasure)
	assert.Equal(t, []string{
		build + ": it is a symbolic link, so what is behind it is not removed",
		filepath.Join(p.env.Cache, "images") + ": it is a symbolic link, and the pipeline makes none",
	}, done.Kept)
}

func TestACacheFolderBehindASymbolicLinkIsEmptiedAndTheLinkStays(t *testing.T) {
	p := used(t)
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(p.env.Cache, link))
	behind := p.env.Cache
	p.env.Cache = link
	var done Cleaned
	require.NoError(t, p.cleanCache(&done))
	assert.Empty(t, done.Kept)
	entries, err := os.ReadDir(behind)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestAFolderThatIsNotThePipelinesIsRefusedAsTheCacheAlsoLater(t *testing.T) {
	p := load(t, copyProject(t, ""), "dev", nil)
	write(t, filepath.Join(p.env.Cache, "diary.txt"), "came between the check and the use")
	err := p.makeCache()
	require.Error(t, err)
	assert.Equal(t, ExitUsage, ExitCode(err))
	assert.ErrorContains(t, err, "it holds diary.txt, which the pipeline did not make")
}

func TestEvidenceBehindASymbolicLinkIsNotRemoved(t *testing.T) {
	root, elsewhere := t.TempDir(), t.TempDir()
	theirs := filepath.Join(elsewhere, "evidence", "dev", "theirs.txt")
	write(t, theirs, "")
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(root, "build")))
	require.Error(t, removeBelow(root, filepath.Join("build", "evidence", "dev")))
	assert.FileExists(t, theirs)
	write(t, filepath.Join(root, "ours", "a"), "")
	require.NoError(t, removeBelow(root, "ours"))
	require.NoError(t, removeBelow(root, "ours"), "what is not there is no error")
	assert.NoDirExists(t, filepath.Join(root, "ours"))
}
