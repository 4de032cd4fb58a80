package chart

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// PipelineKey is the block of a values file that belongs to the pipeline. Compose
// removes it, so that it reaches neither Helm nor the release.
const PipelineKey = "pipeline"

// Layer is one source of values: a file, or values that the pipeline adds, such as
// image digests.
type Layer struct {
	Origin string         // named in findings, such as "values/dev.yaml"
	Values map[string]any // of the types that JSON has: numbers are float64 or int64

	lines map[string]int // by dotted path; empty if the layer is not a file
}

// ParseLayer parses a values file as Helm does. It also refuses duplicate keys and a
// second document, which Helm ignores silently.
func ParseLayer(origin string, data []byte) (Layer, error) {
	values := map[string]any{}
	if err := yaml.UnmarshalStrict(data, &values); err != nil {
		return Layer{}, fmt.Errorf("parse values %q: %w", origin, err)
	}
	decoder := yamlv3.NewDecoder(bytes.NewReader(data))
	var doc, second yamlv3.Node
	if err := decoder.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return Layer{}, fmt.Errorf("parse values %q: %w", origin, err)
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return Layer{}, fmt.Errorf("parse values %q: it contains more than one YAML document, and Helm reads only the first; remove the others", origin)
	}
	layer := Layer{Origin: origin, Values: values, lines: map[string]int{}}
	if len(doc.Content) > 0 {
		layer.noteLines(doc.Content[0], "")
	}
	return layer, nil
}

func (l Layer) noteLines(n *yamlv3.Node, prefix string) {
	switch n.Kind {
	case yamlv3.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := prefix + n.Content[i].Value
			l.lines[key] = n.Content[i].Line
			l.noteLines(n.Content[i+1], key+".")
		}
	case yamlv3.SequenceNode:
		for i, item := range n.Content {
			key := fmt.Sprintf("%s%d", prefix, i)
			l.lines[key] = item.Line
			l.noteLines(item, key+".")
		}
	}
}

// Values are composed layers. The zero value stands for the chart's defaults.
type Values struct {
	layers []Layer
	merged map[string]any
}

// Compose merges layers as Helm does with several -f options: a later layer wins,
// tables are merged, lists and scalars are replaced, and null removes the chart's
// default.
func Compose(layers ...Layer) Values {
	merged := map[string]any{}
	for _, l := range layers {
		merged = mergeTables(merged, runtime.DeepCopyJSON(l.Values))
	}
	delete(merged, PipelineKey)
	return Values{layers: layers, merged: merged}
}

func mergeTables(under, over map[string]any) map[string]any {
	out := maps.Clone(under)
	for k, v := range over {
		table, ok := v.(map[string]any)
		below, both := out[k].(map[string]any)
		if ok && both {
			out[k] = mergeTables(below, table)
			continue
		}
		out[k] = v
	}
	return out
}

// Map returns a copy of the composed values for Helm.
func (v Values) Map() map[string]any {
	if v.merged == nil {
		return map[string]any{}
	}
	return runtime.DeepCopyJSON(v.merged)
}

// Origin returns the layer and line that set the value at path. The file is "" if
// the chart's default applies. The line is 0 if the layer is not a file.
func (v Values) Origin(path ...string) (file string, line int) {
	for i := len(v.layers) - 1; i >= 0; i-- {
		if holds(v.layers[i].Values, path) {
			return v.layers[i].Origin, v.layers[i].lines[strings.Join(path, ".")]
		}
	}
	return "", 0
}

// holds reports whether values contain path. Inside a list it reports true for every
// path.
func holds(values map[string]any, path []string) bool {
	var at any = values
	for _, key := range path {
		table, ok := at.(map[string]any)
		if !ok {
			_, list := at.([]any)
			return list
		}
		if at, ok = table[key]; !ok {
			return false
		}
	}
	return len(path) > 0
}
