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

// Diff returns the changes of a deploy as a unified diff of the manifests, empty if
// no manifest would change. It builds, makes and changes nothing. Notes name the
// unknown parts. If the API server would refuse a change, the diff is complete and
// there is an error too.
func (p *Pipeline) Diff(ctx context.Context) (diff string, err error) {
	sources, err := p.sources()
	if err != nil {
		return "", err
	}
	gate, err := p.checkChart()
	if err != nil {
		return "", err
	}
	err = p.withTarget(ctx, func(s *services, t target) error {
		images, unbuilt, err := p.presentImages(ctx, s, t, sources)
		if err != nil {
			return err
		}
		spec, err := p.spec(gate.Chart, images)
		if err != nil {
			return err
		}
		plan, err := t.releases.Plan(ctx, spec, p.env.Agent.APIKey.Reveal())
		if err != nil {
			return err
		}
		for _, note := range planNotes(plan, unbuilt) {
			p.opts.Progress.Note("%s", note)
		}
		diff = plan.Diff
		return p.refusalError(plan.Refused)
	})
	return diff, err
}

// presentImages returns the images of a deploy as far as they are known without a
// build.
func (p *Pipeline) presentImages(ctx context.Context, s *services, t target, sources []*image.Input) ([]Built, []unbuiltImage, error) {
	released, err := t.releases.Values(ctx, p.env.Release)
	if err != nil {
		return nil, nil, err
	}
	digests, err := p.registryDigests(ctx, s, t.cluster.Registry, sources)
	if err != nil {
		return nil, nil, err
	}
	return chooseImages(sources, digests, released)
}

// registryDigests finds the digest in the registry for the present input key of each
// source. It is nil if a deploy would build the image.
func (p *Pipeline) registryDigests(ctx context.Context, s *services, of cluster.Registry, sources []*image.Input) ([]*name.Digest, error) {
	digests := make([]*name.Digest, len(sources))
	if of.Push == "" {
		return digests, nil
	}
	if err := checkBases(ctx, s.supply, sources); err != nil {
		return nil, err
	}
	registry, err := s.registry(of)
	if err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	for i, src := range sources {
		group.Go(func() error {
			known, err := loadKnown(ctx, s.supply, src)
			if err != nil || !known {
				return err
			}
			found, err := p.lookUp(ctx, s.store, registry, src)
			if found.there {
				digests[i] = &found.digest
			}
			return err
		})
	}
	return digests, group.Wait()
}

// loadKnown reads the sources of an image without making a base. It reports false if
// a base would have to be made first.
func loadKnown(ctx context.Context, supply Supply, src *image.Input) (bool, error) {
	var bases []image.Base
	for _, ref := range src.Refs() {
		base, err := supply.Known(ctx, ref)
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

// unbuiltImage is an image that a deploy would build.
type unbuiltImage struct {
	name     string
	released bool // the diff shows the released digest instead of the new one
}

// chooseImages takes the digest of each source from the registry, else from the
// release, else zeroes.
func chooseImages(sources []*image.Input, present []*name.Digest, released map[string]any) ([]Built, []unbuiltImage, error) {
	var images []Built
	var unbuilt []unbuiltImage
	for i, src := range sources {
		if present[i] != nil {
			images = append(images, Built{Name: src.Name, Digest: *present[i]})
			continue
		}
		digest, isReleased := releasedImage(released, src.Name)
		if !isReleased {
			var err error
			if digest, err = zeroReference(src.Name); err != nil {
				return nil, nil, err
			}
		}
		images = append(images, Built{Name: src.Name, Digest: digest})
		unbuilt = append(unbuilt, unbuiltImage{src.Name, isReleased})
	}
	return images, unbuilt, nil
}

// releasedImage reads the reference of a source from the values of a release.
func releasedImage(values map[string]any, source string) (name.Digest, bool) {
	for _, key := range imageValues(source) {
		values, _ = values[key].(map[string]any)
	}
	text := func(key string) string { s, _ := values[key].(string); return s }
	digest, err := name.NewDigest(text("registry") + "/" + text("repository") + "@" + text("digest"))
	return digest, err == nil
}

// planNotes returns the facts about a plan that its diff does not show.
func planNotes(plan release.Plan, unbuilt []unbuiltImage) []string {
	var notes, names []string
	for _, u := range unbuilt {
		names = append(names, u.name)
		shown := "zeroes"
		if u.released {
			shown = "the digest of the release"
		}
		notes = append(notes, fmt.Sprintf("image %s would be built first; the diff shows %s in place of the new digest", u.name, shown))
	}
	slices.Sort(notes)
	slices.Sort(names)
	switch {
	case plan.Diff != "":
	case len(names) > 0:
		notes = append(notes, "only the digests of these images would change: "+strings.Join(names, ", "))
	case plan.Reason != "":
		notes = append(notes, "no manifest would change, but a deploy would still act: "+plan.Reason)
	default:
		notes = append(notes, fmt.Sprintf("nothing to change: revision %d is in sync", plan.Revision))
	}
	return notes
}
