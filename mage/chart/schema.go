package chart

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
)

// checkValues validates values against the schemas of the chart and its subcharts,
// as Helm does at an installation, and names the origin of each wrong value.
func checkValues(c *chart.Chart, values Values) (Findings, error) {
	c = clone(c)
	user := values.Map()
	s := &schemaCheck{chart: c, values: values}
	// Helm only logs mismatches and keeps the default.
	s.takeMismatches(c, user, nil)
	effective, err := effectiveValues(c, user)
	if err != nil {
		return nil, err
	}
	if err := s.check(c, effective, nil); err != nil {
		return nil, err
	}
	return s.found.sorted(), nil
}

// effectiveValues resolves c's dependencies, which changes c, and lays user
// values over the defaults of the chart and its subcharts.
func effectiveValues(c *chart.Chart, user map[string]any) (map[string]any, error) {
	if err := chartutil.ProcessDependenciesWithMerge(c, user); err != nil {
		return nil, fmt.Errorf("resolve dependencies of chart %q: %w", c.Name(), err)
	}
	effective, err := chartutil.CoalesceValues(c, user)
	if err != nil {
		return nil, fmt.Errorf("compose values of chart %q: %w", c.Name(), err)
	}
	return effective, nil
}

type schemaCheck struct {
	chart  *chart.Chart
	values Values
	found  Findings
}

// takeMismatches reports values that cannot replace the chart's default, and removes
// them from user: a table in place of another type, the reverse, and another type
// in place of a boolean, which may be the condition of a dependency.
func (s *schemaCheck) takeMismatches(c *chart.Chart, user map[string]any, at []string) {
	for _, dep := range c.Dependencies() {
		sub, given := user[dep.Name()]
		if table, ok := sub.(map[string]any); ok {
			s.takeMismatches(dep, table, append(slices.Clone(at), dep.Name()))
		} else if given {
			s.mismatch(user, append(slices.Clone(at), dep.Name()), sub, "object")
		}
	}
	s.takeTableMismatches(c.Values, user, at)
}

func (s *schemaCheck) takeTableMismatches(defaults, user map[string]any, at []string) {
	for key, def := range defaults {
		got, given := user[key]
		if !given || got == nil || def == nil {
			continue
		}
		path := append(slices.Clone(at), key)
		want := kindOf(def)
		switch {
		case want == "object" && kindOf(got) == "object":
			s.takeTableMismatches(def.(map[string]any), got.(map[string]any), path)
		case want == kindOf(got):
		case want == "object" || want == "boolean" || kindOf(got) == "object":
			s.mismatch(user, path, got, want)
		}
	}
}

func (s *schemaCheck) mismatch(in map[string]any, path []string, got any, want string) {
	delete(in, path[len(path)-1])
	s.add(path, wrongType(kindOf(got), want))
}

func (s *schemaCheck) check(c *chart.Chart, values map[string]any, at []string) error {
	if len(c.Schema) > 0 {
		compiler, err := newCompiler(c)
		if err != nil {
			return err
		}
		schema, err := compiler.Compile(schemaURL)
		if err != nil {
			return fmt.Errorf("compile schema %q: %w", schemaFile(c), err)
		}
		var invalid *jsonschema.ValidationError
		switch err := schema.Validate(values); {
		case errors.As(err, &invalid):
			known := func(url string) []string {
				table, err := compiler.Compile(url)
				if err != nil {
					return nil
				}
				return slices.Sorted(maps.Keys(table.Properties))
			}
			for _, v := range explain(known, invalid) {
				s.add(append(slices.Clone(at), v.at...), v.message)
			}
		case err != nil:
			return fmt.Errorf("check values of chart %q: %w", c.ChartFullPath(), err)
		}
	}
	for _, dep := range c.Dependencies() {
		table, _ := values[dep.Name()].(map[string]any)
		if err := s.check(dep, table, append(slices.Clone(at), dep.Name())); err != nil {
			return err
		}
	}
	return nil
}

const schemaURL = "chart:///values.schema.json"

func schemaFile(c *chart.Chart) string { return path.Join(c.ChartFullPath(), "values.schema.json") }

// newCompiler returns a compiler with the chart's schema. It refuses references to
// other files or addresses, because the gate works offline.
func newCompiler(c *chart.Chart) (*jsonschema.Compiler, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(c.Schema))
	if err != nil {
		return nil, fmt.Errorf("parse schema %q: %w", schemaFile(c), err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(jsonschema.SchemeURLLoader{})
	if err := compiler.AddResource(schemaURL, doc); err != nil {
		return nil, fmt.Errorf("parse schema %q: %w", schemaFile(c), err)
	}
	return compiler, nil
}

// add appends a finding at a path. Its file is the layer that sets the value, or the
// values.yaml with the default.
func (s *schemaCheck) add(path []string, text string) {
	file, line := s.values.Origin(path...)
	if file == "" {
		file = defaultsFile(s.chart, path)
	}
	s.found = append(s.found, Finding{Rule: ruleValues, File: file, Line: line, Key: strings.Join(path, "."), Message: text})
}

func defaultsFile(c *chart.Chart, at []string) string {
	for _, key := range at {
		i := slices.IndexFunc(c.Dependencies(), func(d *chart.Chart) bool { return d.Name() == key })
		if i < 0 || tableAt(c.Values, at) != nil {
			break
		}
		c, at = c.Dependencies()[i], at[1:]
	}
	return path.Join(c.ChartFullPath(), chartutil.ValuesfileName)
}

func tableAt(values map[string]any, at []string) map[string]any {
	for _, key := range at {
		values, _ = values[key].(map[string]any)
	}
	return values
}

// kindOf returns the JSON Schema type of a value.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case bool:
		return "boolean"
	case string:
		return "string"
	}
	return "number"
}
