package pipeline

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/image"
	"todo-chatbot/mage/release"
)

func TestChooseImagesPrefersRegistryThenReleaseThenZeroes(t *testing.T) {
	fresh := digestOf(t, "todo-chatbot/backend", "a")
	released := map[string]any{
		"frontend": map[string]any{"image": map[string]any{"registry": "localhost:5000", "repository": "todo-chatbot/frontend", "digest": digestOf(t, "x", "b").DigestStr()}},
		"backend":  map[string]any{"image": map[string]any{"registry": "localhost:5000", "repository": "todo-chatbot/backend", "digest": digestOf(t, "x", "c").DigestStr()}},
	}
	var sources []*image.Input
	for _, name := range []string{"backend", "frontend", "worker"} {
		sources = append(sources, &image.Input{Source: image.Source{Name: name}})
	}
	images, unbuilt, err := chooseImages(sources, []*name.Digest{&fresh, nil, nil}, released)
	require.NoError(t, err)
	assert.Equal(t, []Built{
		{Name: "backend", Digest: fresh},
		{Name: "frontend", Digest: digestOf(t, "todo-chatbot/frontend", "b")},
		{Name: "worker", Digest: digestOf(t, "todo-chatbot/worker", "0")},
	}, images)
	assert.Equal(t, []unbuiltImage{{"frontend", true}, {"worker", false}}, unbuilt)
}

func TestPlanNotesExplainUnknownParts(t *testing.T) {
	for name, c := range map[string]struct {
		plan    release.Plan
		unbuilt []unbuiltImage
		want    []string
	}{
		"nothing to change": {release.Plan{Revision: 4}, nil, []string{"nothing to change: revision 4 is in sync"}},
		"a change":          {release.Plan{Revision: 4, Diff: "+", Reason: "values changed"}, nil, nil},
		"only what is built": {release.Plan{Revision: 4}, []unbuiltImage{{"frontend", true}, {"backend", true}}, []string{
			"image backend would be built first; the diff shows the digest of the release in place of the new digest",
			"image frontend would be built first; the diff shows the digest of the release in place of the new digest",
			"only the digests of these images would change: backend, frontend",
		}},
		"a first deploy": {release.Plan{Diff: "+"}, []unbuiltImage{{"backend", false}}, []string{"image backend would be built first; the diff shows zeroes in place of the new digest"}},
		"drift": {release.Plan{Revision: 4, Reason: "deployment/todo-backend has 0 of 1 replicas"}, nil,
			[]string{"no manifest would change, but a deploy would still act: deployment/todo-backend has 0 of 1 replicas"}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, planNotes(c.plan, c.unbuilt)) })
	}
}
