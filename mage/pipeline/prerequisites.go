package pipeline

import (
	"context"

	"todo-chatbot/mage/image"
)

// checkBases makes sure that all base images can be pulled or made, before anything
// is built. The error names every base that cannot.
func checkBases(ctx context.Context, supply Supply, sources []*image.Input) error {
	var refs []string
	for _, src := range sources {
		refs = append(refs, src.Refs()...)
	}
	return supply.Obtainable(ctx, refs...)
}
