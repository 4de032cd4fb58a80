package targets

import (
	"context"
	"os"

	"todo-chatbot/mage/pipeline"
)

// OpenFlags are the options of open.
type OpenFlags struct {
	Browser *bool // also open a browser
}

// Open prints the application's address, and opens a port-forward if the cluster
// publishes no port.
func Open(ctx context.Context, f Flags, of OpenFlags) error {
	return with(f, func(p *pipeline.Pipeline) error {
		return p.Open(ctx, os.Stdout, pipeline.OpenOptions{Browser: value(of.Browser)})
	})
}
