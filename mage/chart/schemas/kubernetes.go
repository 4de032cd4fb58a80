package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// schema is a JSON Schema with the keywords that manifests need.
type schema map[string]any

// builtIn maps an OpenAPI document to the built-in kinds that are read from it.
var builtIn = map[string][]string{
	"api__v1":                             {"ConfigMap", "PersistentVolumeClaim", "Pod", "Secret", "Service", "ServiceAccount"},
	"apis__apps__v1":                      {"DaemonSet", "Deployment", "StatefulSet"},
	"apis__autoscaling__v2":               {"HorizontalPodAutoscaler"},
	"apis__batch__v1":                     {"CronJob", "Job"},
	"apis__networking.k8s.io__v1":         {"Ingress", "NetworkPolicy"},
	"apis__policy__v1":                    {"PodDisruptionBudget"},
	"apis__rbac.authorization.k8s.io__v1": {"Role", "RoleBinding"},
}

// openAPI is the part of an OpenAPI v3 document that is used here.
type openAPI struct {
	Components struct {
		Schemas map[string]definition
	}
}

type definition struct {
	Type                 string
	Format               string
	Required             []string
	Properties           map[string]definition
	AdditionalProperties *definition
	Items                *definition
	AllOf, OneOf         []definition
	Ref                  string             `json:"$ref"`
	Kinds                []groupVersionKind `json:"x-kubernetes-group-version-kind"`
	Enum                 []string           `json:"-"` // from the Go code
}

type groupVersionKind struct{ Group, Version, Kind string }

func (k groupVersionKind) String() string {
	return strings.TrimPrefix(k.Group+"/"+k.Version, "/") + " " + k.Kind
}

// kubernetes reads the built-in kinds from the sources of a Kubernetes version.
func kubernetes(dir string) (map[string]string, map[string]schema, error) {
	code, err := os.ReadFile(filepath.Join(dir, "pkg/generated/openapi/zz_generated.openapi.go"))
	if err != nil {
		return nil, nil, err
	}
	enums, err := readEnums(code)
	if err != nil {
		return nil, nil, err
	}
	kinds, defs := map[string]string{}, map[string]schema{}
	for name, wanted := range builtIn {
		data, err := os.ReadFile(filepath.Join(dir, "api/openapi-spec/v3", name+"_openapi.json"))
		if err != nil {
			return nil, nil, err
		}
		var doc openAPI
		if err := json.Unmarshal(data, &doc); err != nil {
			return nil, nil, fmt.Errorf("parse %s: %w", name, err)
		}
		c := collector{doc.Components.Schemas, enums, defs}
		for _, kind := range wanted {
			if err := c.kind(kind, kinds); err != nil {
				return nil, nil, fmt.Errorf("read %q: %w", name, err)
			}
		}
	}
	return kinds, defs, nil
}

// collector copies definitions of a document, with all definitions that they refer to.
type collector struct {
	from  map[string]definition
	enums map[string]values
	into  map[string]schema
}

func (c collector) kind(kind string, kinds map[string]string) error {
	for name, d := range c.from {
		if !strings.HasSuffix(name, "."+kind) || len(d.Kinds) != 1 {
			continue
		}
		kinds[d.Kinds[0].String()] = short(name)
		return c.define(name)
	}
	return fmt.Errorf("find kind %q: the document does not contain it", kind)
}

func (c collector) define(name string) error {
	if _, done := c.into[short(name)]; done {
		return nil
	}
	d, ok := c.from[name]
	if !ok {
		return fmt.Errorf("find definition %q: the document does not contain it", name)
	}
	c.into[short(name)] = schema{} // a definition can refer to itself
	for property, allowed := range c.enums[name] {
		p := d.Properties[property]
		if allowed.ofItems {
			items := *p.Items
			items.Enum, p.Items = allowed.values, &items
		} else {
			p.Enum = allowed.values
		}
		d.Properties[property] = p
	}
	reduced, err := c.reduce(d)
	if err != nil {
		return fmt.Errorf("reduce definition %q: %w", name, err)
	}
	if len(d.Kinds) > 0 && d.Properties["status"].written() {
		reduced["properties"].(schema)["status"] = false
	}
	c.into[short(name)] = reduced
	return nil
}

// written reports whether the document contains the property.
func (d definition) written() bool { return d.Type != "" || len(d.AllOf) > 0 || d.Ref != "" }

// quantity is the expression that resource.ParseQuantity uses.
const quantity = `^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$`

// reduce copies the parts of a definition that validate a manifest. The result
// refuses unknown properties, as an API server with strict validation does.
func (c collector) reduce(d definition) (schema, error) {
	if len(d.AllOf) == 1 { // OpenAPI wraps a reference to add a description
		d.Ref = d.AllOf[0].Ref
	}
	if d.Ref != "" {
		name := strings.TrimPrefix(d.Ref, "#/components/schemas/")
		if strings.HasSuffix(name, ".JSONSchemaProps") {
			return nil, fmt.Errorf("definition %q is not supported, because it describes schemas", name)
		}
		return schema{"$ref": "#/definitions/" + short(name)}, c.define(name)
	}
	s := schema{}
	switch {
	case d.Format == "int-or-string":
		s["type"] = []string{"integer", "string"}
	case len(d.OneOf) > 0: // a quantity
		s["type"], s["pattern"] = []string{"string", "number"}, quantity
	case d.Type != "":
		s["type"] = d.Type
	}
	if len(d.Enum) > 0 {
		s["enum"] = d.Enum
	}
	if len(d.Required) > 0 {
		s["required"] = slices.Sorted(slices.Values(d.Required))
	}
	return s, c.nested(d, s)
}

func (c collector) nested(d definition, s schema) (err error) {
	if d.Items != nil {
		if s["items"], err = c.reduce(*d.Items); err != nil {
			return err
		}
	}
	if d.AdditionalProperties != nil {
		if s["additionalProperties"], err = c.reduce(*d.AdditionalProperties); err != nil {
			return err
		}
	}
	if len(d.Properties) == 0 {
		return nil
	}
	properties := schema{}
	for name, p := range d.Properties {
		if name == "status" && len(d.Kinds) > 0 {
			continue
		}
		if properties[name], err = c.reduce(p); err != nil {
			return err
		}
	}
	s["properties"], s["additionalProperties"] = properties, false
	return nil
}

// short returns a definition's name without the prefix that most share.
func short(name string) string {
	for _, prefix := range []string{"io.k8s.api.", "io.k8s.apimachinery.pkg.apis.", "io.k8s.apimachinery.pkg.api.", "io.k8s.apimachinery.pkg.util."} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return rest
		}
	}
	return name
}
