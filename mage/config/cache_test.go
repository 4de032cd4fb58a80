package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/config"
)

func TestCacheFolderWithOtherFilesIsRefused(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", filepath.Join(home, "people", "ada"))
	t.Setenv("USERPROFILE", filepath.Join(home, "people", "ada"))
	require.NoError(t, os.MkdirAll(filepath.Join(home, "people", "ada"), 0o755))
	root := project(t, map[string]string{"values/dev.yaml": dev})
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(root, link))
	foreign := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(foreign, "diary.txt"), nil, 0o644))
	tools := t.TempDir() // a cache has this folder too
	require.NoError(t, os.MkdirAll(filepath.Join(tools, "bin"), 0o755))
	otherTag := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(otherTag, "CACHEDIR.TAG"), []byte("Signature: 8a477f597d28d172789f06886806bc55\n# cargo\n"), 0o644))
	for folder, why := range map[string]string{
		"/":                               "it is the root of the file system",
		filepath.Join(home, "people/ada"): "it is your home folder",
		filepath.Join(home, "people"):     "it contains your home folder",
		".":                               "it is the project",
		"..":                              "it contains",
		link:                              "it is the project",
		"values":                          "it contains dev.yaml, which the pipeline did not create",
		"helm":                            "it contains todo-chatbot, which the pipeline did not create",
		foreign:                           "it contains diary.txt, which the pipeline did not create",
		tools:                             "the pipeline did not create it, and it is not empty",
		otherTag:                          "it contains CACHEDIR.TAG, which the pipeline did not create",
		"values/dev.yaml":                 "it cannot be read",
	} {
		t.Run(folder, func(t *testing.T) {
			_, err := config.Load(root, "dev", variables("TODO_CACHE", folder))
			var invalid *config.Invalid
			require.ErrorAs(t, err, &invalid)
			assert.Equal(t, 2, invalid.ExitStatus())
			assert.ErrorContains(t, err, "environment variable TODO_CACHE: ")
			assert.ErrorContains(t, err, why)
			assert.ErrorContains(t, err, "use a folder that does not exist yet, or an empty folder")
		})
	}
}

func TestCacheFolderOfEarlierVersionIsAccepted(t *testing.T) {
	root := project(t, map[string]string{"values/dev.yaml": dev})
	folder := t.TempDir()
	for _, name := range []string{"builds", "go", "images", "rootfs"} {
		require.NoError(t, os.MkdirAll(filepath.Join(folder, name), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "cluster-todo.lock"), nil, 0o644))
	_, err := config.Load(root, "dev", variables("TODO_CACHE", folder))
	require.NoError(t, err)
	_, err = config.Load(root, "dev", variables("TODO_CACHE", t.TempDir()))
	require.NoError(t, err, "an empty folder")
}

func TestDefaultCacheFolderWithOtherFilesIsRefused(t *testing.T) {
	user := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", user)
	dir, err := os.UserCacheDir()
	if err != nil || dir != user {
		t.Skip("another variable names the cache folder of this system")
	}
	require.NoError(t, os.MkdirAll(filepath.Join(user, "todo-chatbot", "mine"), 0o755))
	root := project(t, map[string]string{"values/dev.yaml": dev})
	_, err = config.Load(root, "dev", variables())
	require.ErrorContains(t, err, "environment variable TODO_CACHE: ")
	assert.ErrorContains(t, err, "it contains mine, which the pipeline did not create")
}
