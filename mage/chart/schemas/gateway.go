package main

import (
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// gatewayKinds maps kinds of the Gateway API to the file that defines them.
var gatewayKinds = map[string]string{"HTTPRoute": "gateway.networking.k8s.io_httproutes.yaml"}

const gatewayVersion = "v1"

// gateway reads custom resource definitions. It leaves out validation rules in CEL,
// because only an API server runs them.
func gateway(dir string) (map[string]string, map[string]schema, error) {
	kinds, defs := map[string]string{}, map[string]schema{}
	for kind, file := range gatewayKinds {
		data, err := os.ReadFile(filepath.Join(dir, "config/crd/standard", file))
		if err != nil {
			return nil, nil, err
		}
		s, group, err := customResource(data, gatewayVersion)
		if err != nil {
			return nil, nil, fmt.Errorf("read %q: %w", file, err)
		}
		name := group + "." + gatewayVersion + "." + kind
		kinds[group+"/"+gatewayVersion+" "+kind], defs[name] = name, s
	}
	return kinds, defs, nil
}

func customResource(data []byte, version string) (s schema, group string, err error) {
	var crd struct {
		Spec struct {
			Group    string
			Versions []struct {
				Name   string
				Schema struct{ OpenAPIV3Schema map[string]any }
			}
		}
	}
	if err := yaml.Unmarshal(data, &crd); err != nil {
		return nil, "", err
	}
	for _, v := range crd.Spec.Versions {
		if v.Name != version {
			continue
		}
		s := keep(v.Schema.OpenAPIV3Schema)
		properties := s["properties"].(map[string]any)
		properties["metadata"] = schema{"$ref": "kubernetes-1.25.json#/definitions/meta.v1.ObjectMeta"}
		properties["status"] = false
		return s, crd.Spec.Group, nil
	}
	return nil, "", fmt.Errorf("find version %q: the definition does not contain it", version)
}

// keep copies the validation keywords of a schema, and refuses unknown properties.
func keep(from map[string]any) schema {
	s := schema{}
	for word, value := range from {
		switch word {
		case "type", "required", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "maxProperties":
			s[word] = value
		case "items", "additionalProperties":
			s[word] = keep(value.(map[string]any))
		case "properties":
			properties := map[string]any{}
			for name, property := range value.(map[string]any) {
				properties[name] = keep(property.(map[string]any))
			}
			s[word], s["additionalProperties"] = properties, false
		}
	}
	return s
}
