package release

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/mitchellh/copystructure"
	"helm.sh/helm/v3/pkg/chart"
	"sigs.k8s.io/yaml"
)

// inputsFile is added to the chart that Helm stores, with a digest of each file. Helm
// does not store the subcharts, and it merges other values into the chart's values,
// so that the stored chart cannot be compared with a loaded one.
const inputsFile = "release-inputs.json"

const namedChanges = 3

// fileDigests are the digests of the files of a chart and its subcharts, by path.
// Comments and order in values.yaml and Chart.yaml do not count.
func fileDigests(c *chart.Chart) (map[string]string, error) {
	digests := map[string]string{}
	return digests, addDigests(digests, "", c)
}

func addDigests(digests map[string]string, prefix string, c *chart.Chart) error {
	add := func(name string, data []byte) {
		sum := sha256.Sum256(data)
		digests[prefix+name] = hex.EncodeToString(sum[:16])
	}
	metadata, err := json.Marshal(loadedMetadata(c.Metadata))
	if err != nil {
		return fmt.Errorf("read the metadata of chart %q: %w", c.Name(), err)
	}
	add("Chart.yaml", metadata)
	values, err := loadedValues(c)
	if err != nil {
		return fmt.Errorf("read the values of chart %q: %w", c.Name(), err)
	}
	add("values.yaml", values)
	if len(c.Schema) > 0 {
		add("values.schema.json", c.Schema)
	}
	for _, f := range slices.Concat(c.Templates, c.Files) {
		if f.Name != inputsFile {
			add(f.Name, f.Data)
		}
	}
	for _, sub := range c.Dependencies() {
		if err := addDigests(digests, prefix+"charts/"+sub.Name()+"/", sub); err != nil {
			return err
		}
	}
	return nil
}

// loadedValues are a chart's values as in its file: rendering a chart merges other
// values into Chart.Values.
func loadedValues(c *chart.Chart) ([]byte, error) {
	for _, f := range c.Raw {
		if f.Name == "values.yaml" {
			var values map[string]any
			if err := yaml.Unmarshal(f.Data, &values); err != nil {
				return nil, err
			}
			return json.Marshal(values)
		}
	}
	return json.Marshal(c.Values)
}

// storedChart is a copy of c for Helm to work on and store.
func storedChart(c *chart.Chart) (*chart.Chart, error) {
	digests, err := fileDigests(c)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(digests)
	if err != nil {
		return nil, err
	}
	stored, err := copyChart(c)
	if err != nil {
		return nil, err
	}
	stored.Files = append(stored.Files, &chart.File{Name: inputsFile, Data: data})
	return stored, nil
}

// recordedInputs are the digests in a stored chart, nil if another tool stored it.
func recordedInputs(stored *chart.Chart) map[string]string {
	if stored == nil {
		return nil
	}
	for _, f := range stored.Files {
		if f.Name == inputsFile {
			var digests map[string]string
			if json.Unmarshal(f.Data, &digests) == nil {
				return digests
			}
		}
	}
	return nil
}

// chartChange says how the wanted chart differs from a stored one; it is empty if they
// are equal.
func chartChange(stored, wanted *chart.Chart) (string, error) {
	before := recordedInputs(stored)
	if before == nil {
		return "another tool released the chart, and the digests of its files are not recorded", nil
	}
	now, err := fileDigests(wanted)
	if err != nil {
		return "", err
	}
	var changed []string
	for name := range now {
		if before[name] != now[name] {
			changed = append(changed, name)
		}
	}
	for name := range before {
		if _, there := now[name]; !there {
			changed = append(changed, name+" (removed)")
		}
	}
	return listed("chart changed: ", changed), nil
}

// valuesChange names the values that differ from the stored ones; it is empty if they
// are equal.
func valuesChange(stored, wanted map[string]any) (string, error) {
	before, err := plain(stored)
	if err != nil {
		return "", err
	}
	now, err := plain(wanted)
	if err != nil {
		return "", err
	}
	var changed []string
	differing("", before, now, &changed)
	return listed("values changed: ", changed), nil
}

func differing(path string, before, now any, changed *[]string) {
	old, isOld := before.(map[string]any)
	cur, isCur := now.(map[string]any)
	if !isOld || !isCur {
		if !reflect.DeepEqual(before, now) {
			*changed = append(*changed, strings.TrimPrefix(path, "."))
		}
		return
	}
	keys := maps.Clone(old)
	maps.Copy(keys, cur)
	for key := range keys {
		_, inOld := old[key]
		_, inCur := cur[key]
		if inOld != inCur { // a null differs from a missing value
			*changed = append(*changed, strings.TrimPrefix(path+"."+key, "."))
			continue
		}
		differing(path+"."+key, old[key], cur[key], changed)
	}
}

// plain converts values to the types that they have in storage.
func plain(values map[string]any) (map[string]any, error) {
	data, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("convert the values to JSON: %w", err)
	}
	out := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&out); err != nil {
		return nil, fmt.Errorf("convert the values to JSON: %w", err)
	}
	if out == nil { // null
		out = map[string]any{}
	}
	return out, nil
}

func listed(prefix string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	sort.Strings(names)
	more := len(names) - namedChanges
	if more <= 0 {
		return prefix + strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s%s and %d more", prefix, strings.Join(names[:namedChanges], ", "), more)
}

// copyChart copies the parts of a chart that Helm's actions write to. The copy
// shares the files.
func copyChart(c *chart.Chart) (*chart.Chart, error) {
	values, err := copyValues(c.Values)
	if err != nil {
		return nil, fmt.Errorf("copy chart %q: %w", c.Name(), err)
	}
	out := &chart.Chart{
		Raw: c.Raw, Metadata: copyMetadata(c.Metadata), Lock: c.Lock, Schema: c.Schema,
		Templates: slices.Clone(c.Templates), Files: slices.Clone(c.Files), Values: values,
	}
	for _, sub := range c.Dependencies() {
		copied, err := copyChart(sub)
		if err != nil {
			return nil, err
		}
		out.AddDependency(copied)
	}
	return out, nil
}

func copyMetadata(md *chart.Metadata) *chart.Metadata {
	out := *md
	out.Dependencies = nil
	for _, dep := range md.Dependencies {
		d := *dep
		out.Dependencies = append(out.Dependencies, &d)
	}
	return &out
}

// loadedMetadata is a chart's metadata as in its file: rendering a chart enables
// dependencies.
func loadedMetadata(md *chart.Metadata) *chart.Metadata {
	out := copyMetadata(md)
	for _, dep := range out.Dependencies {
		dep.Enabled = false
	}
	return out
}

func copyValues(values map[string]any) (map[string]any, error) {
	if values == nil {
		return nil, nil
	}
	copied, err := copystructure.Copy(values)
	if err != nil {
		return nil, fmt.Errorf("copy values: %w", err)
	}
	return copied.(map[string]any), nil
}
