package engine

import (
	"context"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const toolRef = "registry.example/tool:1"

func TestLoadImageLoadsOnlyMissingImages(t *testing.T) {
	image, err := random.Image(64, 2)
	require.NoError(t, err)
	config, err := image.ConfigName()
	require.NoError(t, err)
	digest, err := image.Digest()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		has    string
		loaded bool
	}{
		"no image of that name":           {"", true},
		"another image of that name":      {"sha256:another", true},
		"same image, ID of configuration": {config.String(), false},
		"same image, ID of manifest":      {digest.String(), false},
	} {
		t.Run(name, func(t *testing.T) {
			d, e := newEngine(t)
			if c.has != "" {
				d.images[toolRef] = c.has
			}
			loaded, err := e.LoadImage(context.Background(), toolRef, image)
			require.NoError(t, err)
			assert.Equal(t, c.loaded, loaded)
			if c.loaded {
				assert.Equal(t, config.String(), d.images[toolRef])
				assert.Equal(t, []string{"POST /images/load"}, d.changes())
			} else {
				assert.Empty(t, d.changes())
			}
			again, err := e.LoadImage(context.Background(), toolRef, image)
			require.NoError(t, err)
			assert.False(t, again, "the second call finds it")
		})
	}
}

func TestLoadImageReportsCause(t *testing.T) {
	image, err := random.Image(64, 1)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		ref   string
		spoil func(*daemon)
		want  []string
	}{
		"image missing after the load": {toolRef, func(d *daemon) { d.forgetful = true }, []string{`load image "registry.example/tool:1"`, "does not have it", "disk is not full"}},
		"engine refuses":               {toolRef, func(d *daemon) { d.refusal = "unexpected EOF" }, []string{`load image "registry.example/tool:1" into the engine: `, "unexpected EOF"}},
		"engine fails during the load": {toolRef, func(d *daemon) { d.refusal, d.late = "unexpected EOF", true }, []string{`load image "registry.example/tool:1" into the engine: unexpected EOF`}},
		"invalid reference":            {"Tool:1:2", func(*daemon) {}, []string{`image reference "Tool:1:2"`}},
	} {
		t.Run(name, func(t *testing.T) {
			d, e := newEngine(t)
			c.spoil(d)
			loaded, err := e.LoadImage(context.Background(), c.ref, image)
			require.Error(t, err)
			assert.False(t, loaded)
			for _, want := range c.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

func TestPullImagePullsOnlyMissingImages(t *testing.T) {
	d, e := newEngine(t)
	_, err := e.PullImage(context.Background(), toolRef)
	require.NoError(t, err)
	assert.Equal(t, "sha256:pulled", d.images[toolRef])
	_, err = e.PullImage(context.Background(), toolRef)
	require.NoError(t, err)
	assert.Equal(t, []string{"POST /images/create"}, d.changes())
}

func TestPullImageReportsErrorInStream(t *testing.T) {
	d, e := newEngine(t)
	d.refusal, d.late = "registry.example: no such host", true
	_, err := e.PullImage(context.Background(), toolRef)
	assert.EqualError(t, err, `pull image "registry.example/tool:1": registry.example: no such host`)
}

func TestRemoveImagesNamesRemovedAndKeptImages(t *testing.T) {
	d, e := newEngine(t)
	const used = "registry.example/used:1"
	d.images[toolRef], d.images[used] = "sha256:pulled", "sha256:used"
	d.containers["another-cluster"] = &box{image: used}
	removed, kept, err := e.RemoveImages(context.Background(), "registry.example/other:1", used, toolRef)
	require.NoError(t, err)
	assert.Equal(t, []string{"image " + toolRef}, removed)
	assert.Equal(t, []string{"image " + used + ": a container uses it"}, kept)
	assert.Equal(t, map[string]string{used: "sha256:used"}, d.images, "a container uses it")
}

func TestFullEngineDiskIsReportedWithFixes(t *testing.T) {
	image, err := random.Image(64, 1)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		act  func(*Engine) error
		late bool
		want string
	}{
		"image load": {func(e *Engine) error {
			_, err := e.LoadImage(context.Background(), toolRef, image)
			return err
		}, false, `load image "registry.example/tool:1" into the engine: `},
		"image load, in the stream": {func(e *Engine) error {
			_, err := e.LoadImage(context.Background(), toolRef, image)
			return err
		}, true, `load image "registry.example/tool:1" into the engine: `},
		"image pull": {func(e *Engine) error { _, err := e.PullImage(context.Background(), toolRef); return err }, true, `pull image "registry.example/tool:1": `},
		"container create": {func(e *Engine) error {
			_, err := e.BuildKit(context.Background(), "buildkit:1", BuilderSetup{})
			return err
		}, false, `create container "todo-chatbot-buildkit": `},
	} {
		t.Run(name, func(t *testing.T) {
			d, e := newEngine(t)
			d.images["buildkit:1"] = "sha256:now"
			d.info["DockerRootDir"] = "/data/docker"
			d.refusal, d.late = "write /usr/bin/x: no space left on device", c.late
			err := c.act(e)
			require.ErrorContains(t, err, c.want)
			for _, want := range []string{"no space left on device", "the disk of the container engine is full (/data/docker, ", "`mage clean:all`", "`docker system prune`"} {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}
