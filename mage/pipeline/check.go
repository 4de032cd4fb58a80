package pipeline

import (
	"fmt"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	quantity "k8s.io/apimachinery/pkg/api/resource"

	"todo-chatbot/mage/airgap"
	"todo-chatbot/mage/chart"
	"todo-chatbot/mage/image"
)

// placeholder stands in for a digest where nothing has been built.
const placeholder = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

// checkChart is the part of the gate that a deploy goes through: it looks at one
// version of Kubernetes, as Lint has looked at more. What it refuses, the user
// cures in chart or values.
func (p *Pipeline) checkChart() error {
	_, err := p.gate(true)
	return err
}

func (p *Pipeline) gate(oneVersion bool) (chart.Rendered, error) {
	step := p.opts.Progress.Start("chart", p.env.Name)
	rendered, err := p.render(oneVersion)
	if err != nil {
		return rendered, step.Fail(usage(fmt.Errorf("chart of environment %q: %w", p.env.Name, err)))
	}
	step.Done("valid", fmt.Sprintf("%d manifests", len(rendered.Manifests)))
	return rendered, nil
}

// Template writes the manifests that a deploy would apply, with digests of
// zeroes in place of images that it would build.
func (p *Pipeline) Template(out io.Writer) error {
	rendered, err := p.render(true)
	if err != nil {
		return usage(fmt.Errorf("chart of environment %q: %w", p.env.Name, err))
	}
	for _, m := range rendered.Manifests {
		if _, err := fmt.Fprintf(out, "---\n# Source: %s\n%s\n", m.File, strings.TrimSpace(m.YAML)); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pipeline) render(oneVersion bool) (chart.Rendered, error) {
	images, err := image.Names(p.imagesDir())
	if err != nil {
		return chart.Rendered{}, usage(err)
	}
	built := make([]Built, 0, len(images))
	for _, image := range images {
		digest, err := name.NewDigest("localhost:5000/" + repository(image) + "@" + placeholder)
		if err != nil {
			return chart.Rendered{}, fmt.Errorf("name of image %q: %w", image, err)
		}
		built = append(built, Built{Name: image, Digest: digest})
	}
	values, err := p.values(built)
	if err != nil {
		return chart.Rendered{}, err
	}
	rendered, err := chart.Check(p.chartDir(), values, chart.Options{
		Release: p.env.Release, Namespace: p.env.Namespace, Capacity: p.capacity(),
		KubeVersion: strings.TrimPrefix(airgap.Kubernetes, "v"), OneVersion: oneVersion,
		RequireTLS: p.env.Cluster.Provider == "kubecontext" && !p.env.PlainHTTP,
	})
	rendered.Environment = p.env.Name
	return rendered, err
}

// capacity is the size of the Minikube profile that a deploy may make. Of other
// clusters nobody says here how large they are: the zero value is the
// specification's bound.
func (p *Pipeline) capacity() chart.Capacity {
	c := p.env.Cluster
	if c.Provider != "auto" && c.Provider != "minikube" {
		return chart.Capacity{}
	}
	return chart.Capacity{
		CPU:    *quantity.NewQuantity(int64(c.Minikube.CPUs), quantity.DecimalSI),
		Memory: *quantity.NewQuantity(int64(c.Minikube.Memory)<<20, quantity.BinarySI),
	}
}
