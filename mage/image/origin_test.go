package image

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gitRepo runs git in a new repository, whose owner has no settings.
func gitRepo(t *testing.T) (dir string, run func(args ...string) string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git")
	}
	dir = t.TempDir()
	run = func(args ...string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.test", "-c", "commit.gpgsign=false"}, args...)...)
		command.Dir = dir
		out, err := command.CombinedOutput()
		require.NoError(t, err, string(out))
		return strings.TrimSpace(string(out))
	}
	run("init", "--quiet")
	return dir, run
}

func TestOriginIsTheCommitThatLastChangedTheSources(t *testing.T) {
	dir, run := gitRepo(t)
	put(t, dir, map[string]string{"images/api/Dockerfile": "FROM scratch\nCOPY . /\n", "images/web/Dockerfile": "FROM scratch\n"})
	run("add", ".")
	run("commit", "--quiet", "--message", "first")
	first := run("rev-parse", "HEAD")
	src := Source{Name: "api", Context: filepath.Join(dir, "images", "api")}
	assert.Equal(t, Origin{Version: "1.2.3", Revision: first}, OriginOf(t.Context(), src, "1.2.3"))

	put(t, dir, map[string]string{"images/web/index.html": "changed"})
	assert.Equal(t, first, OriginOf(t.Context(), src, "").Revision, "another image is not committed")
	run("add", ".")
	run("commit", "--quiet", "--message", "second")
	assert.Equal(t, first, OriginOf(t.Context(), src, "").Revision, "the commit changed another image")

	put(t, dir, map[string]string{"images/api/main.py": "new"})
	assert.Equal(t, first+"-dirty", OriginOf(t.Context(), src, "").Revision)
	run("add", ".")
	run("commit", "--quiet", "--message", "third")
	assert.Equal(t, run("rev-parse", "HEAD"), OriginOf(t.Context(), src, "").Revision)

	put(t, dir, map[string]string{"images/new/Dockerfile": "FROM scratch\n"})
	added := Source{Name: "new", Context: filepath.Join(dir, "images", "new")}
	assert.Equal(t, run("rev-parse", "HEAD")+"-dirty", OriginOf(t.Context(), added, "").Revision)

	run("remote", "add", "origin", "git@host.example:team/app.git")
	assert.Equal(t, "https://host.example/team/app", OriginOf(t.Context(), src, "").Source)
}

func TestOriginOfProgramCoversItsModule(t *testing.T) {
	dir, run := gitRepo(t)
	put(t, dir, map[string]string{"go.mod": "module example.test/app\n", "images/hello/main.go": helloProgram})
	run("add", ".")
	run("commit", "--quiet", "--message", "first")
	src := Source{Name: "hello", Context: filepath.Join(dir, "images", "hello"), Program: true}
	put(t, dir, map[string]string{"go.mod": "module example.test/app\n\ngo 1.25\n"})
	assert.Equal(t, run("rev-parse", "HEAD")+"-dirty", OriginOf(t.Context(), src, "").Revision)
}

func TestOriginIsEmptyWithoutGit(t *testing.T) {
	src := Source{Name: "api", Context: put(t, t.TempDir(), map[string]string{"Dockerfile": "FROM scratch\n"})}
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(src.Context))
	assert.Equal(t, Origin{Version: "1.2.3"}, OriginOf(t.Context(), src, "1.2.3"), "no repository")
	t.Setenv("PATH", t.TempDir())
	assert.Equal(t, Origin{Version: "1.2.3"}, OriginOf(t.Context(), src, "1.2.3"), "no git")
	assert.Equal(t, map[string]string{"org.opencontainers.image.version": "1.2.3"}, OriginOf(t.Context(), src, "1.2.3").labels())
}

func TestWebAddressHasNoLoginAndNoLocalPath(t *testing.T) {
	for remote, want := range map[string]string{
		"https://host.example/team/app.git":             "https://host.example/team/app",
		"https://user:secret@host.example:8443/app.git": "https://host.example:8443/app",
		"git@host.example:team/app.git":                 "https://host.example/team/app",
		"host.example:team/app":                         "https://host.example/team/app",
		"ssh://git@host.example:2222/team/app/":         "https://host.example/team/app",
		"git://host.example/app":                        "https://host.example/app",
		"file:///srv/app.git":                           "",
		"/srv/app.git":                                  "",
		`C:\srv\app`:                                    "",
		"../app":                                        "",
		"":                                              "",
	} {
		assert.Equal(t, want, webAddress(remote), remote)
	}
}

func TestBuildLabelsImageOutsideTheKey(t *testing.T) {
	src := Source{Name: "api", Context: put(t, t.TempDir(), map[string]string{"Dockerfile": "FROM scratch\nCOPY . /\n"})}
	in, err := loadInput(t.Context(), src, nil)
	require.NoError(t, err)
	before := in.Key()
	in.Origin = Origin{Version: "1.2.3", Revision: "abc-dirty", Source: "https://host.example/app"}
	attrs := frontendAttrs(in, nil)
	assert.Equal(t, "1.2.3", attrs["label:org.opencontainers.image.version"])
	assert.Equal(t, "abc-dirty", attrs["label:org.opencontainers.image.revision"])
	assert.Equal(t, "https://host.example/app", attrs["label:org.opencontainers.image.source"])
	require.NoError(t, in.Load(t.Context(), nil))
	assert.Equal(t, before, in.Key())
}

func TestCompileLabelsImage(t *testing.T) {
	in := program(t, nil)
	in.Origin = Origin{Version: "1.2.3", Revision: "abc"}
	img, err := Compile(t.Context(), in, NewStore(t.TempDir()), nil)
	require.NoError(t, err)
	file, err := img.ConfigFile()
	require.NoError(t, err)
	assert.Equal(t, map[string]string{
		"org.opencontainers.image.title": "hello", "org.opencontainers.image.version": "1.2.3", "org.opencontainers.image.revision": "abc",
	}, file.Config.Labels)
}
