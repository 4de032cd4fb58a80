package targets

import (
	"context"
	"os"

	"todo-chatbot/mage/pipeline"
)

// Deploy takes the sources to a running, verified release of an environment;
// with keepFailed, one that fails is left as it is; with adopt, one that somebody
// else made is taken over.
func Deploy(ctx context.Context, env string, yes, keepFailed, adopt *bool) error {
	return with(flags{env: &env, yes: yes}, func(p *pipeline.Pipeline) error {
		done, err := p.Deploy(ctx, pipeline.DeployOptions{KeepFailed: given(keepFailed), Adopt: given(adopt)})
		printDeployment(os.Stdout, done)
		return err
	})
}

// given tells whether an option was given and is true.
func given(option *bool) bool { return option != nil && *option }
