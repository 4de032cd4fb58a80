package pipeline

import (
	"context"

	"todo-chatbot/mage/image"
)

// obtainable checks, before anything is started or built, that the bases of all
// sources can be pulled or made, and names every base that cannot.
func (p *Pipeline) obtainable(ctx context.Context, made *parts, sources []*image.Input) error {
	var refs []string
	for _, src := range sources {
		refs = append(refs, src.Refs()...)
	}
	return made.supply.Obtainable(ctx, refs...)
}
