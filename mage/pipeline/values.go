package pipeline

import (
	helmchart "helm.sh/helm/v3/pkg/chart"

	"todo-chatbot/mage/chart"
	"todo-chatbot/mage/release"
)

// spec returns the release that the environment wants with these images.
func (p *Pipeline) spec(loaded *helmchart.Chart, built []Built) (release.Spec, error) {
	values, err := p.values(built)
	if err != nil {
		return release.Spec{}, err
	}
	return release.Spec{Name: p.env.Release, Chart: loaded, Values: values.Map(), Timeout: p.env.Timeout}, nil
}

// values returns the environment's values file with the references of images over
// it.
func (p *Pipeline) values(built []Built) (chart.Values, error) {
	file, err := p.layer()
	if err != nil {
		return chart.Values{}, usageError(err)
	}
	images := map[string]any{}
	for _, b := range built {
		set(images, imageValues(b.Name), map[string]any{
			"registry": b.Digest.RegistryStr(), "repository": b.Digest.RepositoryStr(), "digest": b.Digest.DigestStr(), "tag": p.env.Version,
		})
	}
	return chart.Compose(file, chart.Layer{Origin: "the pipeline", Values: images}), nil
}

// imageValues returns the path of a source's image in the chart's values. The
// gateway is part of the frontend's pods; every other source is a component.
func imageValues(source string) []string {
	if source == "gateway" {
		return []string{"frontend", "gateway", "image"}
	}
	return []string{source, "image"}
}

// set sets the value at a path and makes the tables above it.
func set(table map[string]any, path []string, value any) {
	for _, key := range path[:len(path)-1] {
		below, ok := table[key].(map[string]any)
		if !ok {
			below = map[string]any{}
			table[key] = below
		}
		table = below
	}
	table[path[len(path)-1]] = value
}
