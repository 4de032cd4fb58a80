package targets

import (
	"context"
	"fmt"
	"os"

	"github.com/magefile/mage/mg"

	"todo-chatbot/mage/pipeline"
)

// Build makes images and pushes them to the cluster's registry.
type Build mg.Namespace

// Images builds and pushes every image whose sources changed.
func (Build) Images(ctx context.Context, env *string, yes *bool) error {
	return build(ctx, flags{env: env, yes: yes})
}

// Image builds and pushes one image, such as backend, if its sources changed.
func (Build) Image(ctx context.Context, name string, env *string, yes *bool) error {
	return build(ctx, flags{env: env, yes: yes}, name)
}

func build(ctx context.Context, f flags, names ...string) error {
	return with(f, func(p *pipeline.Pipeline) error {
		built, err := p.Build(ctx, names...)
		for _, b := range built {
			fmt.Fprintf(os.Stdout, "image %s %s\n", b.Name, b.Digest)
		}
		return err
	})
}
