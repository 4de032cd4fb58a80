package pipeline

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	registryserver "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/airgap"
	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/image"
	"todo-chatbot/mage/progress"
	"todo-chatbot/mage/registry"
)

const registryPassword = "right"

// openRegistry starts a registry that needs no login.
func openRegistry(t *testing.T) cluster.Registry { return startRegistry(t, nil) }

// guardedRegistry starts a registry that answers only user "todo".
func guardedRegistry(t *testing.T) cluster.Registry {
	return startRegistry(t, registry.NewLogin("todo", registryPassword))
}

// startRegistry starts a registry in memory; nil means that it needs no login.
func startRegistry(t *testing.T, login *registry.Login) cluster.Registry {
	t.Helper()
	inner := registryserver.New(registryserver.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); login != nil && (user != login.User || password != login.Password()) {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`, http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return cluster.Registry{Push: strings.TrimPrefix(server.URL, "http://"), Pull: "localhost:5000"}
}

// oneImage is a run with one image, whose builder counts its calls and fails.
type oneImage struct {
	*imageRun
	t      *testing.T
	src    *image.Input
	built  int
	log    *bytes.Buffer
	server cluster.Registry
}

var errBuilt = errors.New("the builder was called")

func input(t *testing.T, name, dir string) *image.Input {
	t.Helper()
	in, err := image.Open(image.Source{Name: name, Context: dir})
	require.NoError(t, err)
	return in
}

// offlineSupply returns a supply that asks no image registry.
func offlineSupply(t *testing.T) Supply {
	t.Helper()
	return airgap.New(airgap.Options{Root: t.TempDir(), Cache: t.TempDir(), Offline: true})
}

func newOneImage(t *testing.T, server cluster.Registry) *oneImage {
	t.Helper()
	s := &oneImage{t: t, log: &bytes.Buffer{}, server: server}
	p := load(t, projectRoot, "dev", nil)
	p.opts.Progress = progress.New(s.log, progress.Options{})
	dir := t.TempDir()
	write(t, filepath.Join(dir, "Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n")
	s.src = input(t, "backend", dir)
	require.NoError(t, s.src.Load(t.Context(), nil))
	s.imageRun = &imageRun{
		p: p, services: &services{supply: offlineSupply(t), registry: newWire(p).registry},
		cluster: func() (*cluster.Cluster, error) { return &cluster.Cluster{Registry: s.server}, nil },
		builder: func() (Builder, error) {
			s.built++
			return nil, errBuilt
		},
	}
	s.emptyCache()
	return s
}

// emptyCache makes the run forget the images of earlier runs.
func (s *oneImage) emptyCache() {
	s.p.env.Cache = s.t.TempDir()
	s.services.store, s.services.programs = s.p.store(), programs{s.p.store()}
}

// push pushes a random image under the key, as everybody with a login can.
func (s *oneImage) push(login *registry.Login) v1.Hash {
	s.t.Helper()
	img, err := random.Image(100, 1)
	require.NoError(s.t, err)
	tag, err := name.NewTag(s.server.Push + "/" + repository(s.src.Name) + ":" + s.src.Key().Tag())
	require.NoError(s.t, err)
	auth := authn.Anonymous
	if login != nil {
		auth = login.Authenticator()
	}
	require.NoError(s.t, remote.Write(tag, img, remote.WithAuth(auth)))
	digest, err := img.Digest()
	require.NoError(s.t, err)
	return digest
}

func (s *oneImage) tagged() string {
	s.t.Helper()
	tag, err := name.NewTag(s.server.Push + "/" + repository(s.src.Name) + ":" + s.src.Key().Tag())
	require.NoError(s.t, err)
	found, err := remote.Head(tag)
	require.NoError(s.t, err)
	return found.Digest.String()
}

func TestDigestThatThisMachineDidNotPushIsNotUsed(t *testing.T) {
	s := newOneImage(t, openRegistry(t))
	ours := s.push(nil)
	require.NoError(t, s.p.store().Record(s.src.Source, s.src.Key(), ours))
	built, err := s.publishAll(t.Context(), []*image.Input{s.src})
	require.NoError(t, err)
	assert.Equal(t, ours.String(), built[0].Digest.DigestStr())
	assert.NotContains(t, s.log.String(), "did not push")

	theirs := s.push(nil)
	built, err = s.publishAll(t.Context(), []*image.Input{s.src})
	require.NoError(t, err)
	assert.Equal(t, ours.String(), built[0].Digest.DigestStr(), "the same digest as before: no new revision")
	assert.Contains(t, s.log.String(), fmt.Sprintf("image backend: the registry has %s under its key, which this machine did not push; the digest that it pushed, %s, is used", theirs, ours))
	assert.Equal(t, ours.String(), s.tagged(), "the tag is corrected")
	assert.Zero(t, s.built)
}

func TestUnrecordedImageInOpenRegistryIsBuiltAgain(t *testing.T) {
	s := newOneImage(t, openRegistry(t))
	theirs := s.push(nil)
	_, err := s.publishAll(t.Context(), []*image.Input{s.src})
	require.ErrorIs(t, err, errBuilt)
	assert.Contains(t, s.log.String(), fmt.Sprintf("the registry has %s under its key; this machine did not push it, and everybody may push there", theirs))
}

func TestLostDigestIsPushedAgain(t *testing.T) {
	s := newOneImage(t, openRegistry(t))
	require.NoError(t, s.p.store().Record(s.src.Source, s.src.Key(), v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}))
	s.push(nil)
	_, err := s.publishAll(t.Context(), []*image.Input{s.src})
	require.ErrorIs(t, err, errBuilt)
}

func TestUnrecordedImageInGuardedRegistryIsUsedAndRecorded(t *testing.T) {
	server := guardedRegistry(t)
	server.Login = registry.NewLogin("todo", registryPassword)
	s := newOneImage(t, server)
	theirs := s.push(server.Login)
	built, err := s.publishAll(t.Context(), []*image.Input{s.src})
	require.NoError(t, err)
	assert.Equal(t, theirs.String(), built[0].Digest.DigestStr())
	known, recorded := s.p.store().Digest(s.src.Source, s.src.Key())
	assert.True(t, recorded)
	assert.Equal(t, theirs, known)
}

// dockerConfig sets docker's configuration.
func dockerConfig(t *testing.T, text string) {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_RUNTIME_DIR", "")
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("REGISTRY_AUTH_FILE", "")
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	write(t, filepath.Join(dir, "config.json"), text)
}

func TestPushUsesDockerLogin(t *testing.T) {
	s := newOneImage(t, guardedRegistry(t))
	dockerConfig(t, fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, s.server.Push, base64.StdEncoding.EncodeToString([]byte("todo:"+registryPassword))))
	_, err := s.publishAll(t.Context(), []*image.Input{s.src})
	require.ErrorIs(t, err, errBuilt, "the push is permitted")
}

func TestRefusedLoginIsReportedBeforeBuild(t *testing.T) {
	s := newOneImage(t, guardedRegistry(t))
	dockerConfig(t, `{}`)
	_, err := s.publishAll(t.Context(), []*image.Input{s.src})
	require.ErrorContains(t, err, "`docker login "+s.server.Push+"`")
	assert.Zero(t, s.built)
}

func TestForbiddenPushIsReportedBeforeBuild(t *testing.T) {
	inner := registryserver.New(registryserver.Logger(log.New(io.Discard, "", 0)))
	readOnly := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, `{"errors":[{"code":"DENIED"}]}`, http.StatusForbidden)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(readOnly.Close)
	s := newOneImage(t, cluster.Registry{Push: strings.TrimPrefix(readOnly.URL, "http://") + "/team", Pull: "registry.example/team"})
	second := input(t, "frontend", s.src.Context)
	_, err := s.publishAll(t.Context(), []*image.Input{s.src, second})
	require.ErrorContains(t, err, "nothing was built")
	assert.ErrorContains(t, err, "/team/todo-chatbot/backend")
	assert.ErrorContains(t, err, "/team/todo-chatbot/frontend", "every repository is named")
	assert.Zero(t, s.built)
}

func TestUnreadableLoginIsLeftOutAndNotedOnce(t *testing.T) {
	dockerConfig(t, `{"credsStore":"absent-of-this-test"}`)
	var log bytes.Buffer
	k := newKeychain(progress.New(&log, progress.Options{}).Note)
	target, err := name.NewRegistry("registry.example")
	require.NoError(t, err)
	for range 2 {
		auth, err := k.Resolve(target)
		require.NoError(t, err)
		assert.Equal(t, authn.Anonymous, auth)
	}
	assert.Equal(t, 1, strings.Count(log.String(), "docker's login for registry registry.example cannot be read"), log.String())
	assert.Contains(t, log.String(), "docker-credential-absent-of-this-test")
}

// unusedProvider fails the test if the cluster is looked up.
type unusedProvider struct {
	Provider
	t *testing.T
}

func (u unusedProvider) Find(context.Context) (*cluster.Cluster, error) {
	u.t.Error("the cluster is looked up before the bases are checked")
	return nil, errors.New("unexpected call")
}

func TestDeployNamesAllMissingBasesBeforeItLooksForCluster(t *testing.T) {
	root := copyProject(t, "")
	dockerfiles := map[string]string{
		"backend":  "FROM absent.example/one:1\n",
		"frontend": "FROM absent.example/two:1 AS a\nFROM absent.example/three:1\nCOPY --from=a / /\n",
	}
	for name, text := range dockerfiles {
		write(t, filepath.Join(root, "images", name, "Dockerfile"), text)
	}
	p := load(t, root, "dev", nil)
	p.services = fixedServices{&services{supply: offlineSupply(t), provider: unusedProvider{t: t}, close: func() {}}}
	_, err := p.Deploy(t.Context(), DeployOptions{})
	require.Error(t, err)
	for _, base := range []string{"absent.example/one:1", "absent.example/two:1", "absent.example/three:1"} {
		assert.ErrorContains(t, err, base)
	}
	assert.Equal(t, ExitBroken, ExitCode(err), "not a usage error: another machine may have them")
}
