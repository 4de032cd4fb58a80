package image

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// put writes files below dir, by their slash paths.
func put(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for path, text := range files {
		path = filepath.Join(dir, filepath.FromSlash(path))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

func TestDiscoverSortsFoldersWithDockerfile(t *testing.T) {
	dir := put(t, t.TempDir(), map[string]string{
		"web/Dockerfile": "FROM scratch\nCOPY . /\n",
		"api/Dockerfile": "FROM scratch\nCOPY . /\n",
		"Dockerfile":     "BROKEN but not in a folder",
		".cache/README":  "hidden",
	})
	found, err := Discover(dir)
	require.NoError(t, err)
	require.Len(t, found, 2)
	assert.Equal(t, []string{"api", "web"}, []string{found[0].Name, found[1].Name})
	assert.Equal(t, filepath.Join(dir, "api"), found[0].Context)
	assert.Equal(t, filepath.Join(dir, "api", "Dockerfile"), found[0].Dockerfile)
}

func TestDiscoverReportsAllProblemsAtOnce(t *testing.T) {
	dir := put(t, t.TempDir(), map[string]string{
		"api/Dockerfile":    "FROM scratch\nRUNN true\nCOPY onlyone\nEXPOSE 80\nCOPY --form=x a b\n",
		"web/Dockerfile":    "# nothing\n",
		"db/Dockerfile":     "FROM scratch\nRUN <<EOF\nnever ends\n",
		"early/Dockerfile":  "ARG A=1\n\nRUN true\nFROM scratch\n",
		"Upper/Dockerfile":  "FROM scratch\n",
		"fine/Dockerfile":   "FROM scratch\n",
		"blank/Dockerfile":  "\n \n",
		"nofrom/Dockerfile": "ARG A=1\n",
		"notes/README":      "no image",
		"old/Dockerfile/x":  "a folder of that name",
		"lib/lib.go":        "package lib\n",
		"typo/main.go":      "pakcage main\n",
	})
	_, err := Discover(dir)
	require.Error(t, err)
	for _, want := range []string{
		filepath.Join("api", "Dockerfile") + ":2: unknown instruction: RUNN",
		filepath.Join("api", "Dockerfile") + ":3: COPY requires at least two arguments",
		filepath.Join("api", "Dockerfile") + ":5: unknown flag: --form",
		filepath.Join("web", "Dockerfile") + ":1: ",
		filepath.Join("db", "Dockerfile") + ":2: unterminated heredoc",
		filepath.Join("early", "Dockerfile") + ":3: an instruction before the first FROM",
		filepath.Join("blank", "Dockerfile") + ":1: the Dockerfile is empty",
		filepath.Join("nofrom", "Dockerfile") + ":1: no FROM",
		`"Upper" is not a valid image name`,
		"notes: has neither a Dockerfile nor a Go main package",
		filepath.Join("old", "Dockerfile") + ": is a folder, not a Dockerfile",
		"lib: has neither a Dockerfile nor a Go main package",
		filepath.Join("typo", "main.go") + ":1:1: expected 'package'",
	} {
		assert.ErrorContains(t, err, want)
	}
	assert.NotContains(t, err.Error(), "fine")
	assert.NotContains(t, err.Error(), "EXPOSE")
}

func TestDiscoverReportsFolderWithoutImages(t *testing.T) {
	_, err := Discover(t.TempDir())
	assert.ErrorContains(t, err, "the folder has no subfolder")
	_, err = Discover(filepath.Join(t.TempDir(), "absent"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestRefsAreBasesOfReachedStages(t *testing.T) {
	for _, c := range []struct {
		name, dockerfile string
		target           string
		args             map[string]string
		want             []string
	}{
		{"stages and scratch are left out", "FROM python:3.11-slim AS deps\nFROM deps AS build\nFROM scratch\nCOPY --from=build /a /a\n", "", nil,
			[]string{"python:3.11-slim"}},
		{"sorted and unique, in the short form", "FROM node:24-alpine AS a\nFROM docker.io/library/node:24-alpine AS b\nFROM debian\nCOPY --from=a / /\nCOPY --from=b / /\nCOPY --from=ghcr.io/x/y:1 / /\n", "", nil,
			[]string{"debian", "ghcr.io/x/y:1", "node:24-alpine"}},
		{"argument defaults", "ARG V=3.11\nARG BASE=python:${V}-slim\nFROM $BASE\n", "", nil,
			[]string{"python:3.11-slim"}},
		{"arguments win over defaults", "ARG V=3.11\nARG BASE=python:${V}-slim\nFROM ${BASE}\n", "", map[string]string{"V": "3.13"},
			[]string{"python:3.13-slim"}},
		{"platform arguments", "FROM tool:${TARGETARCH}\n", "", nil,
			[]string{"tool:arm64"}},
		{"mounts", "FROM debian:bookworm-slim\nRUN --mount=type=bind,from=tools:1,target=/t --mount=type=cache,target=/c true\n", "", nil,
			[]string{"debian:bookworm-slim", "tools:1"}},
		{"stages that the target does not reach are left out", "FROM node:24 AS build\nFROM playwright:1 AS test\nCOPY --from=build / /\nFROM debian AS runtime\nCOPY --from=build / /\n", "", nil,
			[]string{"debian", "node:24"}},
		{"bases of another target", "FROM node:24 AS build\nFROM playwright:1 AS Test\nCOPY --from=build / /\nFROM debian AS runtime\n", "test", nil,
			[]string{"node:24", "playwright:1"}},
		{"stages by number", "FROM node:24\nFROM debian\nCOPY --from=0 / /\n", "", nil,
			[]string{"debian", "node:24"}},
		{"a stage may have its base's name", "FROM node AS node\nFROM node\n", "", nil,
			[]string{"node"}},
		{"FROM does not see a later stage", "FROM debian AS x\nCOPY --from=busybox /a /a\nFROM alpine AS busybox\n", "x", nil,
			[]string{"alpine", "debian"}},
		{"only scratch", "FROM scratch\n", "", nil, []string{}},
		{"pinned", "FROM node:24@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n", "", nil,
			[]string{"node:24@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := put(t, t.TempDir(), map[string]string{"Dockerfile": c.dockerfile})
			src := Source{Name: "x", Context: dir, Target: c.target, Args: c.args}
			src.Platform.Architecture = "arm64"
			in, err := Open(src)
			require.NoError(t, err)
			assert.Equal(t, c.want, in.Refs())
		})
	}
}

func TestOpenReportsAllProblemsOfBasesAtOnce(t *testing.T) {
	dir := put(t, t.TempDir(), map[string]string{"Dockerfile": `ARG BASE
FROM $BASE AS a
FROM Not/A/Ref AS b
COPY --from=7 /a /a
COPY --from=$BASE /a /a
`})
	_, err := Open(Source{Name: "x", Context: dir, Target: "c"})
	require.Error(t, err)
	for _, want := range []string{
		"Dockerfile:2: FROM $BASE is empty",
		`Dockerfile:3: "Not/A/Ref" is neither a stage nor an image`,
		"Dockerfile:4: --from=7: there are 2 stages",
		"Dockerfile:5: --from=$BASE: BuildKit does not expand variables here",
		`no stage is named "c"`,
	} {
		assert.ErrorContains(t, err, want)
	}
}
