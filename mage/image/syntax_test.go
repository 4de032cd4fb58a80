package image

import (
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func opened(t *testing.T, dockerfile string) (*Input, error) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600))
	return Open(Source{Name: "api", Context: dir, Platform: v1.Platform{OS: "linux", Architecture: "amd64"}})
}

func TestSyntaxLineIsResolvedLikeABase(t *testing.T) {
	in, err := opened(t, "# syntax=docker/dockerfile:1\nFROM node:24\n")
	require.NoError(t, err)
	assert.Equal(t, []string{"docker/dockerfile:1", "node:24"}, in.Refs())

	keyWith := func(frontend v1.Hash) Key {
		require.NoError(t, in.Load(t.Context(), []Base{{Ref: "docker/dockerfile:1", Digest: frontend}, {Ref: "node:24", Digest: digestOne}}))
		return in.Key()
	}
	assert.NotEqual(t, keyWith(digestOne), keyWith(digestTwo), "another frontend can give another image")
	attrs := frontendAttrs(in, []openBase{{ref: "docker/dockerfile:1", digest: digestTwo}, {ref: "node:24", digest: digestOne}})
	assert.Equal(t, "docker/dockerfile:1@"+digestTwo.String(), attrs["build-arg:BUILDKIT_SYNTAX"])

	in, err = opened(t, "FROM node:24\n# syntax=docker/dockerfile:1\n")
	require.NoError(t, err)
	assert.Equal(t, []string{"node:24"}, in.Refs(), "only the first lines hold directives")
	assert.NotContains(t, frontendAttrs(in, []openBase{{ref: "node:24", digest: digestOne}}), "build-arg:BUILDKIT_SYNTAX")
}

func TestFaultySyntaxLineIsNamed(t *testing.T) {
	_, err := opened(t, "# syntax=Docker/Dockerfile:1\nFROM node:24\n")
	assert.ErrorContains(t, err, `Dockerfile:1: the syntax line: "Docker/Dockerfile:1" is not an image`)
}
