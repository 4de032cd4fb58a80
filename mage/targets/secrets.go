package targets

import (
	"context"
	"os"

	"todo-chatbot/mage/pipeline"
)

// SecretsRotate generates new database passwords and a new session secret.
func SecretsRotate(ctx context.Context, f Flags) error {
	return with(f, func(p *pipeline.Pipeline) error {
		done, err := p.RotateSecrets(ctx)
		printDeployment(os.Stdout, done)
		return err
	})
}
