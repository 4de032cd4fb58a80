package targets

import (
	"os"

	"github.com/magefile/mage/mg"

	"todo-chatbot/mage/config"
	"todo-chatbot/mage/pipeline"
)

// Chart checks and renders the Helm chart without a cluster.
type Chart mg.Namespace

// Lint checks the chart with the values of every environment.
func (Chart) Lint() error {
	root, err := os.Getwd()
	if err != nil {
		return exit(err)
	}
	names, err := config.Names(root)
	if err != nil {
		return exit(err)
	}
	for _, name := range names {
		if err := with(flags{env: &name}, func(p *pipeline.Pipeline) error { return p.Lint() }); err != nil {
			return err
		}
	}
	return nil
}

// Template prints the manifests of an environment, with zeroes for digests.
func (Chart) Template(env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error { return p.Template(os.Stdout) })
}
