package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"todo-chatbot/mage/chart"
	"todo-chatbot/mage/release"
)

// LogOptions choose the lines that Logs writes; the zero value means the present
// logs of all components.
type LogOptions struct {
	Component string // of the chart; empty means all
	Follow    bool   // write new lines, also of new pods, until ctx ends
}

// Logs writes the logs of the release's pods to out. With Follow it ends with
// ctx, which is not an error.
func (p *Pipeline) Logs(ctx context.Context, out io.Writer, opts LogOptions) error {
	if err := p.checkComponent(opts.Component); err != nil {
		return err
	}
	err := p.withTarget(ctx, func(_ *services, t target) error {
		chosen := release.LogOptions{Component: opts.Component}
		if opts.Follow {
			return t.releases.Follow(ctx, out, p.env.Release, chosen)
		}
		return t.releases.Logs(ctx, out, p.env.Release, chosen)
	})
	if errors.Is(err, release.ErrNoPods) {
		err = fmt.Errorf("read the logs of release %s: %w: `mage deploy:to %s` creates them", p.releaseName(), err, p.env.Name)
	}
	return err
}

// checkComponent refuses a component that the chart does not have.
func (p *Pipeline) checkComponent(component string) error {
	if component == "" {
		return nil
	}
	loaded, err := chart.Load(p.chartDir())
	if err != nil {
		return usageError(err)
	}
	var known []string
	for _, sub := range loaded.Dependencies() {
		known = append(known, sub.Name())
	}
	slices.Sort(known)
	if !slices.Contains(known, component) {
		return usageError(fmt.Errorf("component %q is not one of %s", component, strings.Join(known, ", ")))
	}
	return nil
}
