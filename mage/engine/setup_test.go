package engine

import (
	"context"
	"strings"
	"testing"

	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func setupOfTest() BuilderSetup {
	return BuilderSetup{
		Env:   []string{"HTTPS_PROXY=http://user:geheim@proxy:3128"},
		Files: map[string][]byte{"/etc/buildkit/buildkitd.toml": []byte("[registry]\n"), "/etc/ssl/certs/ours.pem": []byte("certificate\n")},
	}
}

func TestBuilderGetsSetupBeforeItStarts(t *testing.T) {
	d, e := newEngine(t)
	d.images["buildkit:1"] = "sha256:now"
	_, err := e.BuildKit(context.Background(), "buildkit:1", setupOfTest())
	require.NoError(t, err)
	assert.Equal(t, []string{createBuilder, "PUT /containers/" + BuildKitName + "/archive", startBuilder}, d.changes())
	builder := d.containers[BuildKitName]
	assert.Equal(t, map[string]string{
		"etc/": "", "etc/buildkit/": "", "etc/buildkit/buildkitd.toml": "[registry]\n", "etc/ssl/": "", "etc/ssl/certs/": "", "etc/ssl/certs/ours.pem": "certificate\n",
	}, builder.files)
	assert.Equal(t, []any{"HTTPS_PROXY=http://user:geheim@proxy:3128"}, builder.made["Env"])
	label := builder.made["Labels"].(map[string]any)[setupLabel]
	assert.Len(t, label, 64)
}

func TestBuilderWithAnotherSetupIsReplaced(t *testing.T) {
	d, e := newEngine(t)
	d.images["buildkit:1"] = "sha256:now"
	start := func(setup BuilderSetup) bool {
		started, err := e.BuildKit(context.Background(), "buildkit:1", setup)
		require.NoError(t, err)
		return started
	}
	assert.True(t, start(BuilderSetup{}))
	assert.True(t, start(setupOfTest()), "new settings")
	assert.False(t, start(setupOfTest()), "the same settings")
	changed := setupOfTest()
	changed.Files["/etc/buildkit/buildkitd.toml"] = []byte("[other]\n")
	assert.True(t, start(changed))
	assert.True(t, start(BuilderSetup{}), "removed settings")
}

func TestUnstartedBuilderGetsSetupFiles(t *testing.T) {
	d, e := newEngine(t)
	d.images["buildkit:1"] = "sha256:now"
	d.containers[BuildKitName] = &box{image: "sha256:now", made: map[string]any{"Labels": map[string]any{setupLabel: setupOfTest().digest()}}}
	_, err := e.BuildKit(context.Background(), "buildkit:1", setupOfTest())
	require.NoError(t, err)
	assert.Contains(t, d.containers[BuildKitName].files, "etc/buildkit/buildkitd.toml")
}

func TestPullTriesSourcesInOrderWithLogins(t *testing.T) {
	d, e := newEngine(t)
	d.absent = map[string]bool{"mirror.example/hub/tool": true}
	login := registry.AuthConfig{Username: "me", Password: "geheim"}
	encoded, err := authconfig.Encode(login)
	require.NoError(t, err)
	local, err := e.PullImage(context.Background(), toolRef+"@sha256:"+strings.Repeat("a", 64),
		PullSource{Ref: "mirror.example/hub/tool:1"}, PullSource{Ref: "second.example/tool:1", Login: login}, PullSource{Ref: toolRef})
	require.NoError(t, err)
	assert.Equal(t, toolRef, local, "the digest of the upstream registry is not the mirror's")
	assert.Equal(t, "sha256:pulled", d.images[toolRef])
	assert.Equal(t, []string{encoded}, d.logins)
	assert.Equal(t, []string{"POST /images/create", "POST /images/create", "POST /images/second.example/tool:1/tag"}, d.changes())
}

func TestPullErrorNamesEverySource(t *testing.T) {
	d, e := newEngine(t)
	d.absent = map[string]bool{"mirror.example/hub/tool": true, "registry.example/tool": true}
	_, err := e.PullImage(context.Background(), toolRef, PullSource{Ref: "mirror.example/hub/tool:1", Login: registry.AuthConfig{Password: "geheim"}}, PullSource{Ref: toolRef})
	assert.ErrorContains(t, err, `pull image "mirror.example/hub/tool:1"`)
	assert.ErrorContains(t, err, `pull image "registry.example/tool:1"`)
	assert.NotContains(t, err.Error(), "geheim")
}
