package pipeline

import (
	"errors"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/diagnose"
	"todo-chatbot/mage/image"
	"todo-chatbot/mage/release"
)

func TestTheFirstCauseStaysFirstAndWhatWasDoneFollows(t *testing.T) {
	cause := &diagnose.Failure{Causes: []diagnose.Cause{{Kind: diagnose.KindInit, Object: "deployment/todo-backend", Message: "broke"}}}
	broken := errors.New("the cluster does not answer any more")
	const (
		first = "deployment/todo-backend: broke"
		look  = "`mage release:status -env=qa` and `mage logs -env=qa` show what is there"
	)
	for name, c := range map[string]struct {
		after aftermath
		want  string
	}{
		"rolled back":              {aftermath{Target: 3}, first + "; rolled back to revision 3, which serves"},
		"nothing was changed":      {aftermath{}, first},
		"a first installation":     {aftermath{Why: "nothing to go back to"}, first + "; nothing to go back to: " + look + ", `mage deploy:to qa` tries again, `mage clean -env=qa` removes it, and a cluster that the pipeline made with all its data"},
		"kept":                     {aftermath{Target: 3, Kept: true}, first + "; left as it is: " + look + ", `mage release:rollback -env=qa -revision=3` goes back to what served"},
		"the rollback failed":      {aftermath{Target: 3, Failed: broken}, first + "; and the rollback to revision 3 failed too: " + broken.Error() + ": " + look + ", `mage deploy:to qa` goes on from there"},
		"rolled back, red":         {aftermath{Target: 3, Red: []string{"backend: live"}}, first + "; rolled back to revision 3, whose pods are ready and which does not pass its checks: backend: live"},
		"rolled back, unreachable": {aftermath{Target: 3, Unasked: broken}, first + "; rolled back to revision 3, whose pods are ready; whether it serves could not be asked: " + broken.Error()},
		"the records are away":     {aftermath{Unknown: broken}, first + "; nothing was rolled back, for what served before could not be found out: " + broken.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.after.add(cause, "qa")
			assert.EqualError(t, err, c.want)
			var failure *diagnose.Failure
			assert.ErrorAs(t, err, &failure)
			assert.Equal(t, ExitBroken, ExitCode(err))
		})
	}
}

func TestARevisionThatIsNoneIsRefusedBeforeAnythingIsAsked(t *testing.T) {
	p := load(t, projectRoot, "dev", nil)
	for _, revision := range []int{0, -1} {
		_, err := p.Rollback(t.Context(), &revision)
		assert.Equal(t, ExitUsage, ExitCode(err))
		assert.ErrorContains(t, err, "`mage release:history -env=dev` lists them")
	}
}

func TestImagesOfADiffAreTheRegistrysTheReleasesOrZeroes(t *testing.T) {
	fresh := digestOf(t, "todo-chatbot/backend", "a")
	released := map[string]any{
		"frontend": map[string]any{"image": map[string]any{"registry": "localhost:5000", "repository": "todo-chatbot/frontend", "digest": digestOf(t, "x", "b").DigestStr()}},
		"backend":  map[string]any{"image": map[string]any{"registry": "localhost:5000", "repository": "todo-chatbot/backend", "digest": digestOf(t, "x", "c").DigestStr()}},
	}
	var sources []*image.Input
	for _, name := range []string{"backend", "frontend", "worker"} {
		sources = append(sources, &image.Input{Source: image.Source{Name: name}})
	}
	images, missing, err := known(sources, []*name.Digest{&fresh, nil, nil}, released)
	require.NoError(t, err)
	assert.Equal(t, []Built{
		{Name: "backend", Digest: fresh},
		{Name: "frontend", Digest: digestOf(t, "todo-chatbot/frontend", "b")},
		{Name: "worker", Digest: digestOf(t, "todo-chatbot/worker", "0")},
	}, images)
	assert.Equal(t, []unbuilt{{"frontend", true}, {"worker", false}}, missing)
}

func TestADiffIsExplainedHonestly(t *testing.T) {
	for name, c := range map[string]struct {
		plan    release.Plan
		missing []unbuilt
		want    []string
	}{
		"nothing to change": {release.Plan{Revision: 4}, nil, []string{"nothing to change: revision 4 is what is wanted"}},
		"a change":          {release.Plan{Revision: 4, Diff: "+", Reason: "values changed"}, nil, nil},
		"only what is built": {release.Plan{Revision: 4}, []unbuilt{{"frontend", true}, {"backend", true}}, []string{
			"image backend would be built first; here the digest that the release has stands for the new one",
			"image frontend would be built first; here the digest that the release has stands for the new one",
			"nothing else would change but the digests of backend, frontend",
		}},
		"a first deploy": {release.Plan{Diff: "+"}, []unbuilt{{"backend", false}}, []string{"image backend would be built first; here zeroes stand for its digest"}},
		"drift": {release.Plan{Revision: 4, Reason: "deployment/todo-backend has 0 of 1 replicas"}, nil,
			[]string{"no manifest would change; a deploy would act all the same: deployment/todo-backend has 0 of 1 replicas"}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, explain(c.plan, c.missing)) })
	}
}
