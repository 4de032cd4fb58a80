package targets

import (
	"context"
	"os"

	"github.com/magefile/mage/mg"

	"todo-chatbot/mage/pipeline"
)

// Test proves that things work.
type Test mg.Namespace

// Smoke asks the deployed application whether it works, through the address that people use.
func (Test) Smoke(ctx context.Context, env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		verdict, err := p.Smoke(ctx)
		if tableErr := verdict.WriteTable(os.Stderr); tableErr != nil {
			return tableErr
		}
		return err
	})
}
