package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

// values holds the allowed strings of the properties of a definition, by property.
type values map[string]allowed

type allowed struct {
	values  []string
	ofItems bool // the property is a list of such values
}

// definitionFunction is the prefix of a function that describes one type:
// schema_k8sio_api_core_v1_Container describes io.k8s.api.core.v1.Container.
const definitionFunction = "schema_k8sio_api_"

// readEnums reads the allowed values from Kubernetes' generated OpenAPI code, by
// definition. The code is a tree of literals: "Properties" has a string key for
// each property, and its SchemaProps has an Enum, or Items with an Enum.
func readEnums(code []byte) (map[string]values, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "zz_generated.openapi.go", code, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	found := map[string]values{}
	for _, declaration := range file.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok {
			continue
		}
		name, ok := strings.CutPrefix(function.Name.Name, definitionFunction)
		if !ok {
			continue
		}
		enums := values{}
		ast.Inspect(function, func(node ast.Node) bool {
			pair, ok := node.(*ast.KeyValueExpr)
			if !ok || keyOf(pair) != "Properties" {
				return true
			}
			for _, property := range elements(pair.Value) {
				if a := allowedIn(property.Value); a != nil {
					enums[keyOf(property)] = *a
				}
			}
			return false
		})
		if len(enums) > 0 {
			found["io.k8s.api."+strings.ReplaceAll(name, "_", ".")] = enums
		}
	}
	return found, nil
}

// allowedIn returns the allowed values of one property or of its items.
func allowedIn(property ast.Expr) *allowed {
	var found *allowed
	inItems := false
	ast.Inspect(property, func(node ast.Node) bool {
		pair, ok := node.(*ast.KeyValueExpr)
		switch {
		case !ok:
		case keyOf(pair) == "Items":
			inItems = true
		case keyOf(pair) == "Enum":
			found = &allowed{ofItems: inItems}
			for _, value := range pair.Value.(*ast.CompositeLit).Elts {
				text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
				if err == nil {
					found.values = append(found.values, text)
				}
			}
		}
		return true
	})
	return found
}

// keyOf returns the key of a pair, quoted or not.
func keyOf(pair *ast.KeyValueExpr) string {
	switch key := pair.Key.(type) {
	case *ast.Ident:
		return key.Name
	case *ast.BasicLit:
		text, _ := strconv.Unquote(key.Value) // a key that is not a string is not needed
		return text
	}
	return ""
}

func elements(literal ast.Expr) []*ast.KeyValueExpr {
	composite, ok := literal.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	var pairs []*ast.KeyValueExpr
	for _, element := range composite.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			pairs = append(pairs, pair)
		}
	}
	return pairs
}
