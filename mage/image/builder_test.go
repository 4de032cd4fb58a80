package image

import (
	"bytes"
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/progress"
)

var errRefused = errors.New("nobody listens")

func noBuildKit(context.Context) (net.Conn, error) { return nil, errRefused }

func TestFrontendAttrsFollowSource(t *testing.T) {
	src := Source{
		Name: "api", Context: "images/api", Dockerfile: filepath.Join("images", "api", "prod.Dockerfile"), Target: "runtime",
		Args: map[string]string{"VERSION": "3"}, Platform: v1.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"},
	}
	bases := []openBase{{ref: "node:24-alpine", digest: digestOne}, {ref: "pinned@" + digestTwo.String(), digest: digestOne}}
	assert.Equal(t, map[string]string{
		"filename":                             "prod.Dockerfile",
		"target":                               "runtime",
		"platform":                             "linux/arm64/v8",
		"build-arg:VERSION":                    "3",
		"build-arg:SOURCE_DATE_EPOCH":          "315619200",
		"label:org.opencontainers.image.title": "api",
		"context:node:24-alpine":               "docker-image://node:24-alpine@" + digestOne.String(),
		"context:pinned@" + digestTwo.String(): "docker-image://pinned@" + digestOne.String(),
	}, frontendAttrs(&Input{Source: src}, bases))
}

func TestBaseIsGivenAsLayoutUnderItsShortName(t *testing.T) {
	img := sampleImage(t)
	b := NewBuilder(noBuildKit, NewStore(t.TempDir()), BuilderOptions{})
	d := digestOf(t, img)
	opened, err := b.openBases(context.Background(), []Base{{Ref: "docker.io/library/debian:latest", Image: img, Digest: d}, {Ref: "debian", Image: img, Digest: d}})
	require.NoError(t, err)
	assert.Equal(t, "debian", opened[0].ref)
	assert.Equal(t, "oci-layout://base-"+d.Hex[:12]+"@"+d.String(), opened[0].source())
	info, err := opened[1].store.Info(context.Background(), digest.Digest(d.String()))
	require.NoError(t, err)
	assert.Positive(t, info.Size)

	_, err = b.openBases(context.Background(), []Base{{Ref: "Not/Valid", Image: img}, {Ref: "Also/Not", Image: img}})
	assert.ErrorContains(t, err, `base "Not/Valid": `)
	assert.ErrorContains(t, err, `base "Also/Not": `)
}

func TestBuildReportsUnreachableBuildKit(t *testing.T) {
	in, err := loadInput(t.Context(), Source{Name: "api", Context: put(t, t.TempDir(), map[string]string{"Dockerfile": "FROM scratch\nCOPY . /\n"})}, nil)
	require.NoError(t, err)
	_, err = NewBuilder(noBuildKit, NewStore(t.TempDir()), BuilderOptions{}).Build(t.Context(), in, nil)
	assert.ErrorContains(t, err, `build image "api": BuildKit is not reachable; check that its container runs: `)
	assert.ErrorContains(t, err, errRefused.Error())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = NewBuilder(noBuildKit, NewStore(t.TempDir()), BuilderOptions{}).Build(ctx, in, nil)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestBuildLogShowsRunningStepAndKeepsOutputOfFailedStep(t *testing.T) {
	var out bytes.Buffer
	log := newBuildLog(progress.New(&out, progress.Options{Verbose: true}).Start("image", "api"))
	at := func(second int64) *time.Time { s := time.Unix(second, 0); return &s }
	log.add(&client.SolveStatus{Vertexes: []*client.Vertex{
		{Digest: "load", Name: "[internal] load build context", Started: at(9)},
		{Digest: "base", Name: "[build 1/3] FROM node", Started: at(2), Completed: at(2), Cached: true},
		{Digest: "npm", Name: "[build 2/3] RUN npm ci", Started: at(3)},
		{Digest: "copy", Name: "[build 3/3] COPY . ."},
	}})
	require.NotNil(t, log.current())
	assert.Equal(t, "[build 2/3] RUN npm ci", log.current().name, "the step of the Dockerfile, not of BuildKit")
	done, total := log.count()
	assert.Equal(t, []int{1, 3}, []int{done, total})

	log.add(&client.SolveStatus{Logs: []*client.VertexLog{
		{Vertex: "npm", Data: []byte("10%\r90%\r100%\nnpm ")}, {Vertex: "base", Data: []byte("other\n")}, {Vertex: "npm", Data: []byte("error\n")},
	}})
	log.add(&client.SolveStatus{Vertexes: []*client.Vertex{
		{Digest: "npm", Name: "[build 2/3] RUN npm ci", Started: at(3), Completed: at(4), Error: "exit code: 1"},
		{Digest: "base", Name: "[build 1/3] FROM node", Started: at(2), Completed: at(4), Error: "solve: context canceled"},
	}})
	assert.Equal(t, []string{"100%", "npm error"}, log.failure())
	assert.Contains(t, out.String(), "[build 1/3] FROM node (cached)")
	assert.Equal(t, 1, strings.Count(out.String(), "RUN npm ci"), "the log names the step once")

	for range 3 * keptLines {
		log.vertex("npm").write([]byte("line\n"))
	}
	assert.Len(t, log.failure(), keptLines)
}

func TestStepErrorNamesTheInstruction(t *testing.T) {
	src := Source{Name: "api", Context: filepath.Join("images", "api")}
	text := "FROM node\n\nRUN --mount=type=cache,target=/c \\\n    npm ci \\\n    --omit=dev\nCMD x\n"
	err := errors.New(`failed to solve: process "/bin/sh -c npm ci --omit=dev" did not complete successfully: exit code: 1`)
	err = errdefs.WithSource(err, &errdefs.Source{
		Info:   &pb.SourceInfo{Filename: "Dockerfile", Data: []byte(text)},
		Ranges: []*pb.Range{{Start: &pb.Position{Line: 3}, End: &pb.Position{Line: 3}}, {Start: &pb.Position{Line: 5}, End: &pb.Position{Line: 5}}},
	})
	got := stepError(src, err, newBuildLog(nil))
	assert.EqualError(t, got, filepath.Join("images", "api", "Dockerfile")+":3: RUN --mount=type=cache,target=/c npm ci --omit=dev: exit code: 1")
	assert.ErrorIs(t, got, err)

	got = stepError(src, errors.New("failed to solve: rpc error: code = Unknown desc = failed to read dockerfile: gone"), newBuildLog(nil))
	assert.EqualError(t, got, filepath.Join("images", "api", "Dockerfile")+": gone")
	assert.NoError(t, stepError(src, nil, nil))
	assert.Len(t, []rune(command("RUN "+strings.Repeat("é", 500), 1, 1)), commandWidth)
}

func TestDescendFindsImageInNestedIndexes(t *testing.T) {
	img := sampleImage(t)
	linux := v1.Platform{OS: "linux", Architecture: "amd64"}
	with := func(p *v1.Platform) mutate.IndexAddendum {
		return mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: p}}
	}
	other := mutate.IndexAddendum{Add: sampleImage(t), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}}
	for name, index := range map[string]v1.ImageIndex{
		"alone":                mutate.AppendManifests(empty.Index, with(nil)),
		"with others":          mutate.AppendManifests(empty.Index, other, with(&linux)),
		"in an index":          mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: mutate.AppendManifests(empty.Index, other, with(&linux))}),
		"of a broader variant": mutate.AppendManifests(empty.Index, with(&v1.Platform{OS: "linux", Architecture: "amd64", Variant: "v1"})),
	} {
		got, err := descend(index, v1.Platform{OS: "linux", Architecture: "amd64", Variant: map[bool]string{true: "v1"}[strings.Contains(name, "variant")]})
		require.NoError(t, err, name)
		assert.Equal(t, digestOf(t, img), digestOf(t, got), name)
	}
	_, err := descend(mutate.AppendManifests(empty.Index, other), linux)
	assert.ErrorContains(t, err, "no image for linux/amd64")
}

func TestProgressShortensNameOfStep(t *testing.T) {
	assert.Equal(t, "[deps 3/4] RUN npm ci --omit=dev", shown("[deps 3/4] RUN --mount=type=cache,target=/root/.npm     --mount=type=secret,id=a,env=A     npm ci --omit=dev"))
	assert.Equal(t, "[a 1/1] RUN "+strings.Repeat("x", nameWidth-12)+"…", shown("[a 1/1] RUN "+strings.Repeat("x", 100)))
}

func TestProxyArgumentsDoNotOverrideThoseOfASource(t *testing.T) {
	attrs := withArguments(map[string]string{"build-arg:NO_PROXY": "own", "filename": "Dockerfile"}, map[string]string{"NO_PROXY": "example.com", "HTTPS_PROXY": "http://proxy:3128"})
	assert.Equal(t, map[string]string{"build-arg:NO_PROXY": "own", "build-arg:HTTPS_PROXY": "http://proxy:3128", "filename": "Dockerfile"}, attrs)
}
