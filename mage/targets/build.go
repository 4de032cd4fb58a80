package targets

import (
	"context"
	"fmt"
	"os"

	"todo-chatbot/mage/pipeline"
)

// Build builds and pushes the named images, or all, whose sources changed.
func Build(ctx context.Context, env *string, yes *bool, names ...string) error {
	return with(flags{env: env, yes: yes}, func(p *pipeline.Pipeline) error {
		built, err := p.Build(ctx, names...)
		for _, b := range built {
			fmt.Fprintf(os.Stdout, "image %s %s\n", b.Name, b.Digest)
		}
		return err
	})
}
