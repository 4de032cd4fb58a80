package targets

import (
	"os"

	"todo-chatbot/mage/config"
	"todo-chatbot/mage/pipeline"
)

// ChartLint checks the chart with the values of every environment.
func ChartLint() error {
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

// ChartTemplate prints the manifests of an environment, with zeroes for digests.
func ChartTemplate(env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error { return p.Template(os.Stdout) })
}
