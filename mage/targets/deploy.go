package targets

import (
	"context"
	"os"

	"todo-chatbot/mage/pipeline"
)

// DeployFlags are the options of deploy:*.
type DeployFlags struct {
	Yes        *bool
	KeepFailed *bool // do not roll a failed release back
	Adopt      *bool // take over a release of the same name that somebody else made
}

// Deploy builds, installs and checks the application of an environment.
func Deploy(ctx context.Context, env string, f DeployFlags) error {
	return with(Flags{Env: &env, Yes: f.Yes}, func(p *pipeline.Pipeline) error {
		done, err := p.Deploy(ctx, pipeline.DeployOptions{KeepFailed: value(f.KeepFailed), Adopt: value(f.Adopt)})
		printDeployment(os.Stdout, done)
		return err
	})
}
