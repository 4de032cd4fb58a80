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

// The Kubernetes versions whose fields are known. Between them, what the newest
// knows is let through; the ends are exact.
const (
	OldestKubernetes = "1.25.0" // the oldest that the specification asks for
	NewestKubernetes = "1.37.0" // that of the Go libraries
)

// schemaSet holds the schemas of a Kubernetes version, or of an API that is
// added to it.
type schemaSet struct {
	kinds       map[string]*jsonschema.Schema // by apiVersion and kind, as "apps/v1 Deployment"
	definitions map[string]definition
}

// definition is what the schema of a type says of its fields.
type definition struct{ Properties map[string]any }

// named returns the definition that the URL of a schema leads to; the empty one
// for a schema within another.
func (s *schemaSet) named(url string) definition {
	_, name, _ := strings.Cut(url, "#/definitions/")
	return s.definitions[name]
}

// schemaSets returns the schemas that are part of this program, by file. They
// are compiled once, because that takes as long as all else that is done for an
// environment.
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

// schemas returns those that hold for the inspection's version, and the newest.
func (in *inspection) schemas() (own, newest, added *schemaSet) {
	newest, added = in.sets["kubernetes-"+minorOf(NewestKubernetes)+".json"], in.sets["gateway-1.0.json"]
	if in.minor <= in.oldestMinor {
		return in.sets["kubernetes-"+minorOf(OldestKubernetes)+".json"], newest, added
	}
	return newest, newest, added
}

// fields checks that the API server of the version would take every field of
// every manifest, asked to be strict. A field that a feature gate guards counts
// as known, and what admission of a certain cluster adds or refuses is not seen.
func fields(in *inspection, say report) {
	own, newest, added := in.schemas()
	for _, r := range in.resources {
		if r.Kind == "" || r.APIVersion == "" {
			say(r, "", "has no apiVersion or no kind", "")
			continue
		}
		if in.goneOrUnborn(r) != "" {
			continue // of an API that the version has not there is no more to say
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
			say(r, "", "no chart here has had a "+kind, "add it to mage/chart/schemas and call go generate ./mage/chart")
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
			message, cure := v.message, ""
			if v.unknown != "" {
				message, cure = in.unknownField(v, newest)
			}
			say(r, fieldOf(r.doc, v.at), message, cure)
		}
	}
	if faults == 0 && r.broken != nil {
		// Such as a number that is too large for its field.
		say(r, "", strings.Join(strings.Fields(r.broken.Error()), " "), "")
	}
}

// unknownField tells a misspelt field from one that came with a later version.
func (in *inspection) unknownField(v violation, newest *schemaSet) (message, cure string) {
	if _, later := newest.named(v.schema).Properties[v.unknown]; later {
		return "unknown field in Kubernetes " + in.version(),
			"render it only where semverCompare says that .Capabilities.KubeVersion.Version has it"
	}
	if suggestion, near := strings.CutPrefix(v.message, "unknown key; did you"); near {
		return "unknown field; did you" + suggestion, ""
	}
	return "unknown field", ""
}

// withoutNulls copies a document without the keys whose value is null: an API
// server takes them as not given.
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
