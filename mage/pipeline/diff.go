package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sync/errgroup"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/image"
	"todo-chatbot/mage/release"
)

// Diff is what a deploy would change now, as a unified diff of the manifests,
// empty when none differs. It builds, makes and changes nothing; what that leaves
// unknown, and that there is nothing to change, goes to the progress. The diff is
// complete where the error is that the API server would not take a change.
func (p *Pipeline) Diff(ctx context.Context) (string, error) {
	sources, err := p.sources()
	if err != nil {
		return "", err
	}
	if err := p.checkChart(); err != nil {
		return "", err
	}
	made, c, closeAll, err := p.reach(ctx)
	if err != nil {
		return "", err
	}
	defer closeAll()
	manager, err := p.releases(c)
	if err != nil {
		return "", err
	}
	released, err := manager.Values(ctx, p.env.Release)
	if err != nil {
		return "", err
	}
	digests, err := p.inRegistry(ctx, made, c, sources)
	if err != nil {
		return "", err
	}
	images, unbuilt, err := known(sources, digests, released)
	if err != nil {
		return "", err
	}
	spec, err := p.spec(images)
	if err != nil {
		return "", err
	}
	plan, err := manager.Plan(ctx, spec, p.env.Agent.APIKey.Reveal())
	if err != nil {
		return "", err
	}
	for _, note := range explain(plan, unbuilt) {
		p.opts.Progress.Note("%s", note)
	}
	return plan.Diff, p.refusal(plan.Refused)
}

// inRegistry finds, for each of sources, what a deploy would take from the
// registry for its present key; nil where it would build.
func (p *Pipeline) inRegistry(ctx context.Context, made *parts, c *cluster.Cluster, sources []*image.Input) ([]*name.Digest, error) {
	digests := make([]*name.Digest, len(sources))
	if c.Registry.Push == "" {
		return digests, nil // without its registry the cluster has no image
	}
	if err := p.obtainable(ctx, made, sources); err != nil {
		return nil, err
	}
	publisher, err := p.publisher(c.Registry)
	if err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	for i, src := range sources {
		group.Go(func() error {
			known, err := loadKnown(ctx, made, src)
			if err != nil || !known {
				return err
			}
			have, err := p.present(ctx, publisher, src)
			if have.there {
				digests[i] = &have.digest
			}
			return err
		})
	}
	return digests, group.Wait()
}

// loadKnown reads the sources of an image without making a base. It reports
// false if a base would have to be made first.
func loadKnown(ctx context.Context, made *parts, src *image.Input) (bool, error) {
	var bases []image.Base
	for _, ref := range src.Refs() {
		base, err := made.supply.Known(ctx, ref)
		if err != nil {
			return false, fmt.Errorf("image %q: %w", src.Name, err)
		}
		if base == nil {
			return false, nil
		}
		bases = append(bases, image.Base{Ref: ref, Digest: base.Digest})
	}
	if err := src.Load(ctx, bases); err != nil {
		return false, fmt.Errorf("image %q: %w", src.Name, err)
	}
	return true, nil
}

// unbuilt is an image that a deploy would build first.
type unbuilt struct {
	name     string
	released bool // the release has one, whose digest stands for the new one
}

// known are the images of a deploy as far as one can tell without building: the
// registry's; else the one that the release has; else zeroes.
func known(sources []*image.Input, present []*name.Digest, released map[string]any) ([]Built, []unbuilt, error) {
	var images []Built
	var missing []unbuilt
	for i, src := range sources {
		if present[i] != nil {
			images = append(images, Built{Name: src.Name, Digest: *present[i]})
			continue
		}
		digest, was := releasedImage(released, src.Name)
		if !was {
			var err error
			if digest, err = name.NewDigest("localhost:5000/" + repository(src.Name) + "@" + placeholder); err != nil {
				return nil, nil, fmt.Errorf("name of image %q: %w", src.Name, err)
			}
		}
		images = append(images, Built{Name: src.Name, Digest: digest})
		missing = append(missing, unbuilt{src.Name, was})
	}
	return images, missing, nil
}

// releasedImage reads an image from the values that values wrote for it.
func releasedImage(values map[string]any, source string) (name.Digest, bool) {
	for _, key := range imageValues(source) {
		values, _ = values[key].(map[string]any)
	}
	text := func(key string) string { s, _ := values[key].(string); return s }
	digest, err := name.NewDigest(text("registry") + "/" + text("repository") + "@" + text("digest"))
	return digest, err == nil
}

// explain is what a diff alone does not tell.
func explain(plan release.Plan, missing []unbuilt) []string {
	var notes, names []string
	for _, m := range missing {
		names = append(names, m.name)
		stands := "zeroes stand for its digest"
		if m.released {
			stands = "the digest that the release has stands for the new one"
		}
		notes = append(notes, fmt.Sprintf("image %s would be built first; here %s", m.name, stands))
	}
	slices.Sort(notes)
	slices.Sort(names)
	switch {
	case plan.Diff != "":
	case len(names) > 0:
		notes = append(notes, "nothing else would change but the digests of "+strings.Join(names, ", "))
	case plan.Reason != "":
		notes = append(notes, "no manifest would change; a deploy would act all the same: "+plan.Reason)
	default:
		notes = append(notes, fmt.Sprintf("nothing to change: revision %d is what is wanted", plan.Revision))
	}
	return notes
}
