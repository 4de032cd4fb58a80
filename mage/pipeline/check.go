package pipeline

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"todo-chatbot/mage/airgap"
	"todo-chatbot/mage/chart"
)

// placeholder stands in for a digest where nothing has been built.
const placeholder = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

func asError[T error](err error, target *T) bool { return errors.As(err, target) }

// checkChart is the part of the gate that a deploy goes through: it looks at one
// version of Kubernetes, as Lint has looked at more. What it refuses, the user
// cures in chart or values.
func (p *Pipeline) checkChart() error { return p.gate(true) }

// Lint is the whole gate for chart and values, without a cluster.
func (p *Pipeline) Lint() error { return p.gate(false) }

func (p *Pipeline) gate(oneVersion bool) error {
	step := p.opts.Progress.Start("chart", p.env.Name)
	manifests, err := p.render(oneVersion)
	if err != nil {
		return step.Fail(usage(fmt.Errorf("chart of environment %q: %w", p.env.Name, err)))
	}
	step.Done("valid", fmt.Sprintf("%d manifests", len(manifests)))
	return nil
}

// Template writes the manifests that a deploy would apply, with digests of
// zeroes in place of images that it would build.
func (p *Pipeline) Template(out io.Writer) error {
	manifests, err := p.render(true)
	if err != nil {
		return usage(fmt.Errorf("chart of environment %q: %w", p.env.Name, err))
	}
	for _, m := range manifests {
		if _, err := fmt.Fprintf(out, "---\n# Source: %s\n%s\n", m.File, strings.TrimSpace(m.YAML)); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pipeline) render(oneVersion bool) ([]chart.Manifest, error) {
	sources, err := p.sources()
	if err != nil {
		return nil, err
	}
	built := make([]Built, 0, len(sources))
	for _, src := range sources {
		digest, err := name.NewDigest("localhost:5000/" + repository(src) + "@" + placeholder)
		if err != nil {
			return nil, fmt.Errorf("name of image %q: %w", src.Name, err)
		}
		built = append(built, Built{Name: src.Name, Digest: digest})
	}
	return chart.Check(p.chartDir(), p.values(built), chart.Options{
		Release: p.env.Release, Namespace: p.env.Namespace, KubeVersion: strings.TrimPrefix(airgap.Kubernetes, "v"), KubeOnly: oneVersion,
	})
}
