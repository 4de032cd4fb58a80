// Package pipeline holds the use cases: one file for each command, such as
// deploy.go or build.go. Each step first finds out the present state, and then does
// only the missing work. This package decides order and concurrency; the domain
// packages do the work. services.go declares the interfaces, and wire*.go alone
// names and constructs the types behind them.
package pipeline

import (
	"os/exec"
	"path/filepath"
	"sync"

	"todo-chatbot/mage/chart"
	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/config"
	"todo-chatbot/mage/progress"
)

// chartName is the name of the application's chart. The pipeline recognises its
// own releases by it.
const chartName = "todo-chatbot"

// Options are the surroundings of a run.
type Options struct {
	Progress *progress.Reporter
	Getenv   func(string) string // required
	// Confirm asks the user before something is installed or started; nil means
	// that the answer is yes.
	Confirm func(question string) bool
	// ConfirmLoss asks the user before data is lost. nil means that nobody can be
	// asked, so the pipeline refuses.
	ConfirmLoss func(question string) bool
}

// Pipeline runs the use cases for one environment.
type Pipeline struct {
	env      *config.Environment
	opts     Options
	services factory
	layer    func() (chart.Layer, error) // the environment's values file, parsed once
	// provider chooses once: a deletion removes the file that shows that the cluster exists.
	provider func() cluster.Choice
}

// New returns the pipeline of an environment. It does no I/O.
func New(env *config.Environment, opts Options) *Pipeline {
	p := &Pipeline{env: env, opts: opts}
	p.services = newWire(p)
	p.provider = sync.OnceValue(func() cluster.Choice { return p.chooseProvider(exec.LookPath) })
	p.layer = sync.OnceValues(func() (chart.Layer, error) { return chart.ParseLayer(env.File, env.Content()) })
	return p
}

func (p *Pipeline) chartDir() string { return filepath.Join(p.env.Root, "helm", chartName) }

// releaseName is the release with its namespace, for messages.
func (p *Pipeline) releaseName() string { return p.env.Namespace + "/" + p.env.Release }

// background calls do in a goroutine. Every call of the returned function waits for
// the same result.
func background[T any](do func() (T, error)) func() (T, error) {
	once := sync.OnceValues(do)
	go func() { _, _ = once() }()
	return once
}
