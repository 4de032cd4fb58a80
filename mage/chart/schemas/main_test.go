package main

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// generatedCode has the form of the code that Kubernetes generates.
const generatedCode = `package openapi

func schema_k8sio_api_core_v1_Thing(ref common.ReferenceCallback) common.OpenAPIDefinition {
	return common.OpenAPIDefinition{
		Schema: spec.Schema{
			SchemaProps: spec.SchemaProps{
				Type: []string{"object"},
				Properties: map[string]spec.Schema{
					"mode": {SchemaProps: spec.SchemaProps{Type: []string{"string"}, Enum: []interface{}{"A", "B"}}},
					"modes": {
						SchemaProps: spec.SchemaProps{
							Type: []string{"array"},
							Items: &spec.SchemaOrArray{
								Schema: &spec.Schema{SchemaProps: spec.SchemaProps{Type: []string{"string"}, Enum: []interface{}{"C"}}},
							},
						},
					},
					"other": {SchemaProps: spec.SchemaProps{Type: []string{"string"}}},
				},
			},
		},
		Dependencies: []string{},
	}
}

func schema_k8sio_api_core_v1_Plain(ref common.ReferenceCallback) common.OpenAPIDefinition {
	return common.OpenAPIDefinition{}
}

func helper() {}
`

func TestReadEnumsFindsAllowedValuesOfPropertiesAndItems(t *testing.T) {
	got, err := readEnums([]byte(generatedCode))
	require.NoError(t, err)
	assert.Equal(t, map[string]values{"io.k8s.api.core.v1.Thing": {
		"mode":  {values: []string{"A", "B"}},
		"modes": {values: []string{"C"}, ofItems: true},
	}}, got)
	_, err = readEnums([]byte("package"))
	assert.Error(t, err)
}

const openAPIDocument = `{"components": {"schemas": {
	"io.k8s.api.core.v1.Thing": {
		"description": "for people", "type": "object", "required": ["spec", "mode"],
		"x-kubernetes-group-version-kind": [{"group": "things", "version": "v1", "kind": "Thing"}],
		"properties": {
			"mode": {"type": "string", "default": ""},
			"modes": {"type": "array", "items": {"type": "string", "default": ""}},
			"spec": {"allOf": [{"$ref": "#/components/schemas/io.k8s.api.core.v1.ThingSpec"}], "default": {}, "description": "for people"},
			"status": {"allOf": [{"$ref": "#/components/schemas/io.k8s.api.core.v1.ThingStatus"}]}
		}
	},
	"io.k8s.api.core.v1.ThingSpec": {"type": "object", "properties": {
		"port": {"allOf": [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.util.intstr.IntOrString"}]},
		"size": {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity"},
		"labels": {"type": "object", "additionalProperties": {"type": "string", "default": ""}},
		"again": {"$ref": "#/components/schemas/io.k8s.api.core.v1.ThingSpec"}
	}},
	"io.k8s.api.core.v1.ThingStatus": {"type": "object"},
	"io.k8s.api.core.v1.Stranger": {"type": "object"},
	"io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
	"io.k8s.apimachinery.pkg.api.resource.Quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]}
}}}`

func TestCollectorCopiesADefinitionWithAllThatItRefersTo(t *testing.T) {
	var doc openAPI
	require.NoError(t, json.Unmarshal([]byte(openAPIDocument), &doc))
	enums, err := readEnums([]byte(generatedCode))
	require.NoError(t, err)
	kinds, defs := map[string]string{}, map[string]schema{}
	require.NoError(t, collector{doc.Components.Schemas, enums, defs}.kind("Thing", kinds))

	text, err := format(module{"m", "v1", "h1:x"}, kinds, defs)
	require.NoError(t, err)
	assert.Equal(t, `{"$comment": "made by mage/chart/schemas from m@v1 h1:x",
"kinds": {
"things/v1 Thing": "core.v1.Thing"
},
"definitions": {
"core.v1.Thing": {"additionalProperties":false,"properties":{"mode":{"enum":["A","B"],"type":"string"},"modes":{"items":{"enum":["C"],"type":"string"},"type":"array"},"spec":{"$ref":"#/definitions/core.v1.ThingSpec"},"status":false},"required":["mode","spec"],"type":"object"},
"core.v1.ThingSpec": {"additionalProperties":false,"properties":{"again":{"$ref":"#/definitions/core.v1.ThingSpec"},"labels":{"additionalProperties":{"type":"string"},"type":"object"},"port":{"$ref":"#/definitions/intstr.IntOrString"},"size":{"$ref":"#/definitions/resource.Quantity"}},"type":"object"},
"intstr.IntOrString": {"type":["integer","string"]},
"resource.Quantity": {"pattern":"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$","type":["string","number"]}
}}
`, string(text))

	assert.ErrorContains(t, collector{doc.Components.Schemas, enums, defs}.kind("Nothing", kinds), `find kind "Nothing": the document does not contain it`)
}

func TestCustomResourceKeepsOnlyValidationKeywords(t *testing.T) {
	crd := `
spec:
  group: things
  versions:
    - name: v1alpha1
      schema: {openAPIV3Schema: {type: object}}
    - name: v1
      schema:
        openAPIV3Schema:
          description: for people
          type: object
          required: [spec]
          properties:
            metadata: {type: object}
            spec:
              type: object
              x-kubernetes-validations: [{rule: "true"}]
              properties:
                names: {type: array, maxItems: 2, items: {type: string, pattern: "^a", default: a}}
                kind: {type: string, enum: [A]}
            status: {type: object}
`
	got, group, err := customResource([]byte(crd), "v1")
	require.NoError(t, err)
	text, err := json.Marshal(got)
	require.NoError(t, err)
	assert.Equal(t, "things", group)
	assert.JSONEq(t, `{"type": "object", "required": ["spec"], "additionalProperties": false, "properties": {
		"metadata": {"$ref": "kubernetes-1.25.json#/definitions/meta.v1.ObjectMeta"},
		"spec": {"type": "object", "additionalProperties": false, "properties": {
			"names": {"type": "array", "maxItems": 2, "items": {"type": "string", "pattern": "^a"}},
			"kind": {"type": "string", "enum": ["A"]}}},
		"status": false}}`, string(text))
	_, _, err = customResource([]byte(crd), "v2")
	assert.ErrorContains(t, err, `find version "v2": the definition does not contain it`)
}

func TestSchemaFilesMatchTheirSources(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	for _, d := range documents {
		t.Run(d.file, func(t *testing.T) {
			if _, err := d.module.download(); err != nil {
				t.Skipf("skip: module %s is not in the module cache: %v", d.module, err)
			}
			want, err := d.make()
			require.NoError(t, err)
			got, err := os.ReadFile(d.file)
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got), "run: go generate ./mage/chart")
		})
	}
}

func TestModuleWithAnotherChecksumIsRefused(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	m := documents[0].module
	if _, err := m.download(); err != nil {
		t.Skipf("skip: module %s is not in the module cache: %v", m, err)
	}
	m.sum = "h1:another"
	_, err := m.download()
	assert.ErrorContains(t, err, "the checksum is "+documents[0].module.sum+", and the reviewed checksum is h1:another")
}
