package pipeline

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/image"
)

func TestCommitWithoutChangedInputKeepsImageAndLabels(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git")
	}
	dir := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.test", "-c", "commit.gpgsign=false"}, args...)...)
		command.Dir = dir
		out, err := command.CombinedOutput()
		require.NoError(t, err, string(out))
		return strings.TrimSpace(string(out))
	}
	write(t, filepath.Join(dir, "go.mod"), "module example.test/app\n\ngo 1.24\n")
	write(t, filepath.Join(dir, "images", "hello", "main.go"), "package main\n\nfunc main() {}\n")
	git("init", "--quiet")
	git("add", ".")
	git("commit", "--quiet", "--message", "first")
	first := git("rev-parse", "HEAD")

	s := newOneImage(t, openRegistry(t))
	run := func() Built {
		t.Helper()
		s.log.Reset()
		in, err := image.Open(image.Source{Name: "hello", Context: filepath.Join(dir, "images", "hello"), Program: true})
		require.NoError(t, err)
		built, err := s.publishAll(t.Context(), []*image.Input{in})
		require.NoError(t, err)
		require.Len(t, built, 1)
		return built[0]
	}
	labels := func(built Built) map[string]string {
		t.Helper()
		ref, err := name.ParseReference(s.server.Push + "/" + repository("hello") + "@" + built.Digest.DigestStr())
		require.NoError(t, err)
		img, err := remote.Image(ref)
		require.NoError(t, err)
		file, err := img.ConfigFile()
		require.NoError(t, err)
		return file.Config.Labels
	}
	built := run()
	assert.Contains(t, s.log.String(), "built, pushed")
	assert.Equal(t, map[string]string{
		"org.opencontainers.image.title":    "hello",
		"org.opencontainers.image.version":  s.p.env.Version,
		"org.opencontainers.image.revision": first,
	}, labels(built))

	write(t, filepath.Join(dir, "README.md"), "changed")
	git("add", ".")
	git("commit", "--quiet", "--message", "second")
	again := run()
	assert.NotContains(t, s.log.String(), "built")
	assert.Equal(t, built.Digest, again.Digest, "the registry has the image")

	s.server = openRegistry(t)
	again = run()
	assert.NotContains(t, s.log.String(), "built")
	assert.Equal(t, built.Digest.DigestStr(), again.Digest.DigestStr(), "the store has the image")
	assert.Equal(t, first, labels(again)["org.opencontainers.image.revision"])

	s.server = openRegistry(t)
	s.emptyCache()
	again = run()
	assert.Contains(t, s.log.String(), "built, pushed")
	assert.Equal(t, built.Digest.DigestStr(), again.Digest.DigestStr(), "a build of the same sources at a later commit")
}
