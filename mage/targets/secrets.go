package targets

import (
	"context"
	"os"

	"todo-chatbot/mage/pipeline"
)

// SecretsRotate gives the database and the sessions new secrets.
func SecretsRotate(ctx context.Context, env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		done, err := p.RotateSecrets(ctx)
		printDeployment(os.Stdout, done)
		return err
	})
}
