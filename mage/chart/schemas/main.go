// Command schemas writes the JSON schemas that package chart embeds to validate
// manifests offline. It reads the sources that API servers are built from, as Go
// modules with fixed versions and checksums: the published OpenAPI documents; the
// generated Go code, for the allowed values of fields, which the documents lack; and
// the custom resource definitions of the Gateway API. It leaves out descriptions,
// fields that only a cluster sets, and kinds that no chart here renders, which
// reduces 4 MB of documents to 60 kB. Each definition is on one line, so that a diff
// shows which one changed.
//
// To add a version or a kind, change the tables below and run
// `go generate ./mage/chart`.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// document is one schema file: a JSON Schema with a definition for each kind.
type document struct {
	file   string
	module module
	write  func(dir string) (kinds map[string]string, defs map[string]schema, err error)
}

var documents = []document{
	{"kubernetes-1.25.json", module{"k8s.io/kubernetes", "v1.25.0", "h1:NwTRyLrdXTORd5V7DLlUltxDbl/KZjYDiRgwI+pBYGE="}, kubernetes},
	{"kubernetes-1.37.json", module{"k8s.io/kubernetes", "v1.37.2", "h1:A2VDEiObzkYqFTKhSsn0ZEb0RlLEXpHWj93gi2HqEwE="}, kubernetes},
	// v1.0.0 is the first release with HTTPRoute v1. Later releases accept the same manifests.
	{"gateway-1.0.json", module{"sigs.k8s.io/gateway-api", "v1.0.0", "h1:iPTStSv41+d9p0xFydll6d7f7MOBGuqXM6p2/zVYMAs="}, gateway},
}

func main() {
	if err := run("schemas"); err != nil {
		fmt.Fprintln(os.Stderr, "write schemas:", err)
		os.Exit(1)
	}
}

func run(folder string) error {
	for _, d := range documents {
		text, err := d.make()
		if err != nil {
			return fmt.Errorf("make %q from module %q: %w", d.file, d.module, err)
		}
		if err := os.WriteFile(filepath.Join(folder, d.file), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (d document) make() ([]byte, error) {
	dir, err := d.module.download()
	if err != nil {
		return nil, err
	}
	kinds, defs, err := d.write(dir)
	if err != nil {
		return nil, err
	}
	return format(d.module, kinds, defs)
}

// format writes one definition on each line, sorted by name.
func format(from module, kinds map[string]string, defs map[string]schema) ([]byte, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\"$comment\": %q,\n\"kinds\": {", "made by mage/chart/schemas from "+from.String()+" "+from.sum)
	if err := lines(&out, kinds); err != nil {
		return nil, err
	}
	out.WriteString("},\n\"definitions\": {")
	if err := lines(&out, defs); err != nil {
		return nil, err
	}
	out.WriteString("}}\n")
	return out.Bytes(), nil
}

func lines[V any](out *bytes.Buffer, table map[string]V) error {
	for i, name := range slices.Sorted(maps.Keys(table)) {
		value, err := json.Marshal(table[name])
		if err != nil {
			return fmt.Errorf("encode %q: %w", name, err)
		}
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(out, "\n%q: %s", name, value)
	}
	out.WriteByte('\n')
	return nil
}
