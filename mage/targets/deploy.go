package targets

import (
	"context"
	"os"

	"todo-chatbot/mage/pipeline"
)

// Deploy takes the sources to a running, verified release of an environment;
// with keepFailed, one that fails is left as it is.
func Deploy(ctx context.Context, env string, yes, keepFailed *bool) error {
	return with(flags{env: &env, yes: yes}, func(p *pipeline.Pipeline) error {
		done, err := p.Deploy(ctx, pipeline.DeployOptions{KeepFailed: keepFailed != nil && *keepFailed})
		done.Print(os.Stdout)
		return err
	})
}
