package chart

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:generate go run ./schemas

//go:embed schemas/*.json
var schemaFiles embed.FS

// The Kubernetes versions whose schemas are embedded. A version between them is
// checked with the schemas of the newest.
const (
	OldestKubernetes = "1.25.0" // the oldest version that the specification names
	NewestKubernetes = "1.37.0" // the version of the Go libraries
)

// schemaSet holds the schemas of a Kubernetes version, or of an API that is
// added to it.
type schemaSet struct {
	kinds       map[string]*jsonschema.Schema // by apiVersion and kind, as "apps/v1 Deployment"
	definitions map[string]definition
}

// definition holds the fields of a type.
type definition struct{ Properties map[string]any }

// named returns the definition at the URL of a schema. It is empty for a schema
// that is nested in another.
func (s *schemaSet) named(url string) definition {
	_, name, _ := strings.Cut(url, "#/definitions/")
	return s.definitions[name]
}

// schemaSets returns the embedded schemas by file. They are compiled once, because
// that takes as long as the rest of the gate.
var schemaSets = sync.OnceValues(func() (map[string]*schemaSet, error) {
	const base = "chart:///schemas/"
	files, err := schemaFiles.ReadDir("schemas")
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(jsonschema.SchemeURLLoader{})
	sets, names := map[string]*schemaSet{}, map[string]map[string]string{}
	for _, file := range files {
		data, err := schemaFiles.ReadFile(path.Join("schemas", file.Name()))
		if err != nil {
			return nil, err
		}
		var doc struct {
			Kinds       map[string]string
			Definitions map[string]definition
		}
		if err := json.Unmarshal(data, &doc); err != nil {
			return nil, fmt.Errorf("parse schemas %s: %w", file.Name(), err)
		}
		parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("parse schemas %s: %w", file.Name(), err)
		}
		if err := compiler.AddResource(base+file.Name(), parsed); err != nil {
			return nil, fmt.Errorf("parse schemas %s: %w", file.Name(), err)
		}
		names[file.Name()] = doc.Kinds
		sets[file.Name()] = &schemaSet{map[string]*jsonschema.Schema{}, doc.Definitions}
	}
	for file, kinds := range names {
		for kind, definition := range kinds {
			schema, err := compiler.Compile(base + file + "#/definitions/" + definition)
			if err != nil {
				return nil, fmt.Errorf("compile schema of %s in %s: %w", kind, file, err)
			}
			sets[file].kinds[kind] = schema
		}
	}
	return sets, nil
})

// schemas returns the schemas for the inspected Kubernetes version, the newest
// schemas, and the schemas of added APIs.
func (in *inspection) schemas() (own, newest, added *schemaSet) {
	newest, added = in.sets["kubernetes-"+minorOf(NewestKubernetes)+".json"], in.sets["gateway-1.0.json"]
	if in.minor <= in.oldestMinor {
		return in.sets["kubernetes-"+minorOf(OldestKubernetes)+".json"], newest, added
	}
	return newest, newest, added
}

// fields checks every field of every manifest as an API server with strict
// validation does. A field behind a feature gate counts as known. Admission
// controllers of a cluster are not considered.
func fields(in *inspection, say report) {
	own, newest, added := in.schemas()
	for _, r := range in.resources {
		if r.Kind == "" || r.APIVersion == "" {
			say(r, "", "has no apiVersion or kind", "")
			continue
		}
		if in.notServed(r) != "" {
			continue // apis reports it
		}
		kind := r.APIVersion + " " + r.Kind
		schema := own.kinds[kind]
		if schema == nil {
			schema = added.kinds[kind]
		}
		switch {
		case schema != nil:
			in.fit(r, schema, own, newest, say)
		case in.builtIn(r):
			say(r, "", "the gate has no schema for "+kind, "add the kind to mage/chart/schemas and run go generate ./mage/chart")
		default:
			say(r, "", kind+" is not known to Kubernetes", "")
		}
	}
}

func (in *inspection) fit(r resource, schema *jsonschema.Schema, own, newest *schemaSet, say report) {
	faults := 0
	for _, key := range r.twice {
		faults++
		say(r, "", key+" is given twice", "")
	}
	var invalid *jsonschema.ValidationError
	if errors.As(schema.Validate(withoutNulls(r.doc)), &invalid) {
		known := func(url string) []string { return slices.Sorted(maps.Keys(own.named(url).Properties)) }
		for _, v := range explain(known, invalid) {
			faults++
			message, fix := v.message, ""
			if v.unknown != "" {
				message, fix = in.unknownField(v, newest)
			}
			say(r, fieldOf(r.doc, v.at), message, fix)
		}
	}
	if faults == 0 && r.broken != nil {
		// Such as a number that is too large for its field.
		say(r, "", strings.Join(strings.Fields(r.broken.Error()), " "), "")
	}
}

// unknownField tells a misspelt field from a field of a later Kubernetes version.
func (in *inspection) unknownField(v violation, newest *schemaSet) (message, fix string) {
	if _, later := newest.named(v.schema).Properties[v.unknown]; later {
		return "unknown field in Kubernetes " + in.version(),
			"render it only if semverCompare finds a later version in .Capabilities.KubeVersion.Version"
	}
	if suggestion, near := strings.CutPrefix(v.message, "unknown key; did you"); near {
		return "unknown field; did you" + suggestion, ""
	}
	return "unknown field", ""
}

// withoutNulls copies a document without keys whose value is null, because an API
// server ignores them.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			if value != nil {
				out[key] = withoutNulls(value)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = withoutNulls(value)
		}
		return out
	}
	return v
}
