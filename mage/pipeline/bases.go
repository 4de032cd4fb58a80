package pipeline

import (
	"context"
	"errors"

	"todo-chatbot/mage/image"
)

// obtainable makes sure, before anything is started or built, that the bases of
// all sources can be had, and names every one that cannot. What is wrong with a
// Dockerfile is the user's to mend, and told first.
func (p *Pipeline) obtainable(ctx context.Context, made *parts, sources []image.Source) error {
	var refs []string
	var faults []error
	for _, src := range sources {
		bases, err := image.Bases(src)
		if err != nil {
			faults = append(faults, err)
		}
		refs = append(refs, bases...)
	}
	if err := errors.Join(faults...); err != nil {
		return usage(err)
	}
	return made.supply.Obtainable(ctx, refs...)
}
