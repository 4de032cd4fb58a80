package chart

import (
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
)

// tracer finds the values that decide a field of a rendered resource. Templates
// keep no record of them. The tracer changes one value after another, renders the
// chart, and compares the field. That costs one rendering for each value, so only
// fields with findings are traced.
type tracer struct {
	chart    *chart.Chart
	values   Values
	opts     Options
	files    map[string]bool           // templates with findings
	defaults map[string]map[string]int // values file of a chart → line of each key
}

// trace sets the origin of every finding on a manifest.
func trace(c *chart.Chart, values Values, opts Options, found Findings) Findings {
	t := tracer{chart: c, values: values, opts: opts, defaults: map[string]map[string]int{}, files: map[string]bool{}}
	for _, f := range found {
		t.files[f.File] = true
	}
	before, err := t.render(values.Map())
	if err != nil {
		return found // without a rendering there is nothing to compare
	}
	effective, err := effectiveValues(clone(c), values.Map())
	if err != nil {
		return found
	}
	deciding := make([][][]string, len(found)) // for each finding, the paths of the values that decide its field
	around := make([][][]string, len(found))   // the same for the table around a field that is missing
	for _, leaf := range leaves(effective, values.Map(), nil) {
		if !slices.ContainsFunc(found, func(f Finding) bool { return concerns(f, leaf, c.Name()) }) {
			continue
		}
		changed := values.Map()
		if now, there := follow(effective, leaf); there {
			put(changed, leaf, other(now), effective)
		} else {
			takeAway(changed, leaf) // the value is null, so other has no type to go by
		}
		after, err := t.render(changed)
		if err != nil {
			continue // the chart refuses the changed value
		}
		for i, f := range found {
			if !concerns(f, leaf, c.Name()) {
				continue
			}
			switch field, outer := differs(before, after, f); {
			case field:
				deciding[i] = append(deciding[i], leaf)
			case outer:
				around[i] = append(around[i], leaf)
			}
		}
	}
	for i, f := range found {
		if f.Object != "" && f.Key != "" {
			if len(deciding[i]) == 0 && len(around[i]) <= enough {
				deciding[i] = around[i]
			}
			if len(deciding[i]) > enough && before.isTable(f) {
				if deciding[i] = t.setByUser(deciding[i]); len(deciding[i]) == 0 {
					continue
				}
			}
			found[i].Origin = t.say(deciding[i])
		}
	}
	return found
}

// rendering holds the resources of each file, in their order.
type rendering map[string][]Manifest

func (t tracer) render(user map[string]any) (rendering, error) {
	caps, err := capabilities(t.opts.KubeVersion)
	if err != nil {
		return nil, err
	}
	files, err := execute(t.chart, user, t.opts, caps)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(files, func(file, _ string) bool { return !t.files[file] })
	manifests, err := split(files)
	if err != nil {
		return nil, err
	}
	byFile := rendering{}
	for _, m := range manifests {
		byFile[m.File] = append(byFile[m.File], m)
	}
	return byFile, nil
}

// concerns reports whether a value can decide a finding. A subchart sees its own
// values and the global values. Helm copies the global values into each subchart;
// the copies are skipped.
func concerns(f Finding, leaf []string, parent string) bool {
	if f.Object == "" || f.Key == "" || len(leaf) > 1 && leaf[1] == "global" {
		return false
	}
	rest, inSubchart := strings.CutPrefix(f.File, parent+"/charts/")
	if !inSubchart {
		return true
	}
	subchart, _, _ := strings.Cut(rest, "/")
	return leaf[0] == subchart || leaf[0] == "global"
}

// find returns the index of the resource of a finding.
func (r rendering) find(f Finding) int {
	return slices.IndexFunc(r[f.File], func(m Manifest) bool { return m.object() == f.Object })
}

// isTable reports whether the field of a finding is a table or a list.
func (r rendering) isTable(f Finding) bool {
	i := r.find(f)
	if i < 0 {
		return false
	}
	value, _ := lookUp(r[f.File][i].doc, f.Key)
	kind := kindOf(value)
	return kind == "object" || kind == "array"
}

// differs compares the field of a finding in two renderings. If the field is
// missing in both, outer reports whether the nearest table around it differs.
// Resources are matched by position, because the name itself can change. If their
// number differs, nothing can be compared.
func differs(before, after rendering, f Finding) (field, outer bool) {
	i := before.find(f)
	if i < 0 || len(after[f.File]) != len(before[f.File]) {
		return false, false
	}
	other := func(path []string) (differs, there bool) {
		was, wasThere := follow(before[f.File][i].doc, path)
		is, isThere := follow(after[f.File][i].doc, path)
		return wasThere != isThere || !reflect.DeepEqual(was, is), wasThere
	}
	path := tokens(f.Key)
	field, there := other(path)
	for n := len(path) - 1; n > 0 && !there; n-- {
		outer, there = other(path[:n])
	}
	return field, outer
}

// enough is how many values an origin names.
const enough = 3

// setByUser returns the values that a layer sets. They are enough where many
// values decide a whole table.
func (t tracer) setByUser(leaves [][]string) [][]string {
	return slices.DeleteFunc(leaves, func(leaf []string) bool { file, _ := t.values.Origin(leaf...); return file == "" })
}

// say lists the values that decide a field: those of the user first, then the
// chart's defaults.
func (t tracer) say(deciding [][]string) string {
	var given, defaults []string
	for _, leaf := range deciding {
		key := strings.Join(leaf, ".")
		if file, line := t.values.Origin(leaf...); file != "" {
			given = append(given, located(file, line)+" "+key)
			continue
		}
		file, line := t.defaultOf(leaf)
		defaults = append(defaults, "default of "+key+" in "+located(file, line))
	}
	if all := append(given, defaults...); len(all) > 0 {
		text := strings.Join(all[:min(len(all), enough)], ", ")
		if len(all) > enough {
			text += fmt.Sprintf(" and %d more", len(all)-enough)
		}
		return text
	}
	return "written in the template"
}

func located(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// defaultOf returns the file and line of a default in the chart or a subchart.
func (t tracer) defaultOf(leaf []string) (file string, line int) {
	c, key := t.chart, leaf
	for {
		file = path.Join(c.ChartFullPath(), "values.yaml")
		if line := t.linesOf(c)[strings.Join(key, ".")]; line > 0 {
			return file, line
		}
		i := slices.IndexFunc(c.Dependencies(), func(d *chart.Chart) bool { return len(key) > 1 && d.Name() == key[0] })
		if i < 0 {
			return file, 0
		}
		c, key = c.Dependencies()[i], key[1:]
	}
}

func (t tracer) linesOf(c *chart.Chart) map[string]int {
	file := c.ChartFullPath()
	if lines, known := t.defaults[file]; known {
		return lines
	}
	t.defaults[file] = map[string]int{}
	for _, raw := range c.Raw {
		if raw.Name != "values.yaml" {
			continue
		}
		if layer, err := ParseLayer(file, raw.Data); err == nil {
			t.defaults[file] = layer.lines
		}
	}
	return t.defaults[file]
}
