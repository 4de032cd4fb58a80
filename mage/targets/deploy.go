package targets

import (
	"context"
	"os"

	"todo-chatbot/mage/pipeline"
)

// Deploy takes the sources to a running, verified release of an environment.
func Deploy(ctx context.Context, env string, yes *bool) error {
	return with(flags{env: &env, yes: yes}, func(p *pipeline.Pipeline) error {
		done, err := p.Deploy(ctx)
		done.Print(os.Stdout)
		return err
	})
}
