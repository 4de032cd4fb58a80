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

// zeroDigest takes the place of the digest of an image that is not built.
const zeroDigest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

// Template writes the manifests of the environment to out. Digests of images are
// zeroes.
func (p *Pipeline) Template(out io.Writer) error {
	rendered, err := p.render(chart.Options{OneVersion: true})
	if err != nil {
		return p.chartError(err)
	}
	for _, m := range rendered.Manifests {
		if _, err := fmt.Fprintf(out, "---\n# Source: %s\n%s\n", m.File, strings.TrimSpace(m.YAML)); err != nil {
			return err
		}
	}
	return nil
}

// checkChart is the chart check of a deploy. It renders for one version of
// Kubernetes; Lint renders for more.
func (p *Pipeline) checkChart() (chart.Rendered, error) {
	return p.reportCheck(chart.Options{OneVersion: true})
}

// reportCheck checks the chart with the environment's values and reports the
// result.
func (p *Pipeline) reportCheck(opts chart.Options) (chart.Rendered, error) {
	step := p.opts.Progress.Start("chart", p.env.Name)
	rendered, err := p.render(opts)
	if err != nil {
		return rendered, step.Fail(p.chartError(err))
	}
	step.Done("valid", fmt.Sprintf("%d manifests", len(rendered.Manifests)))
	return rendered, nil
}

func (p *Pipeline) chartError(err error) error {
	return usageError(fmt.Errorf("chart of environment %q: %w", p.env.Name, err))
}

func (p *Pipeline) render(opts chart.Options) (chart.Rendered, error) {
	names, err := image.Names(p.imagesDir())
	if err != nil {
		return chart.Rendered{}, err
	}
	unbuilt := make([]Built, 0, len(names))
	for _, name := range names {
		digest, err := zeroReference(name)
		if err != nil {
			return chart.Rendered{}, err
		}
		unbuilt = append(unbuilt, Built{Name: name, Digest: digest})
	}
	values, err := p.values(unbuilt)
	if err != nil {
		return chart.Rendered{}, err
	}
	opts.Release, opts.Namespace, opts.Capacity = p.env.Release, p.env.Namespace, p.capacity()
	opts.KubeVersion = strings.TrimPrefix(airgap.Kubernetes, "v")
	opts.RequireTLS = p.env.Cluster.Provider == "kubecontext" && !p.env.PlainHTTP
	rendered, err := chart.Check(p.chartDir(), values, opts)
	rendered.Environment = p.env.Name
	return rendered, err
}

// zeroReference returns a reference for an image that is not built.
func zeroReference(image string) (name.Digest, error) {
	digest, err := name.NewDigest("localhost:5000/" + repository(image) + "@" + zeroDigest)
	if err != nil {
		return digest, fmt.Errorf("name image %q: %w", image, err)
	}
	return digest, nil
}

// capacity returns the size of the Minikube profile that a deploy may make. The
// size of other clusters is not known here: the zero value means the bound of the
// specification.
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
