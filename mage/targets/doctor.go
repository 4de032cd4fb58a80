package targets

import (
	"context"
	"os"

	"todo-chatbot/mage/pipeline"
)

// Doctor looks at everything that a deploy needs, changes nothing, and names the cure of what is amiss.
func Doctor(ctx context.Context, env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		findings := p.Doctor(ctx)
		if err := findings.Print(os.Stdout); err != nil {
			return err
		}
		return findings.Err()
	})
}
