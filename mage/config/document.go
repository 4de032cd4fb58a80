package config

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

const (
	pipelineKey = "pipeline"
	chartFile   = "helm/todo-chatbot/Chart.yaml"
)

// document is one YAML file, as its bytes and as a tree with line numbers.
type document struct {
	content []byte
	root    *yamlv3.Node // a mapping, or nil
}

var atLine = regexp.MustCompile(`^line (\d+): `)

// open reads a YAML file of one document and adds its problems.
func (f *faults) open(path string) document {
	raw, err := os.ReadFile(path)
	if err != nil {
		f.add(0, "", "cannot be read: %s", cause(err))
		f.unreadable = true
		return document{}
	}
	return f.parse(raw)
}

func (f *faults) parse(raw []byte) document {
	decoder := yamlv3.NewDecoder(bytes.NewReader(raw))
	var tree, more yamlv3.Node
	if err := decoder.Decode(&tree); errors.Is(err, io.EOF) {
		return document{content: raw}
	} else if err != nil {
		f.syntax(err)
		return document{}
	}
	if err := decoder.Decode(&more); err == nil {
		f.add(more.Line, "", "a second YAML document, which Helm ignores: put everything into the first")
	} else if !errors.Is(err, io.EOF) {
		f.syntax(err)
	}
	root := tree.Content[0]
	doc := document{content: raw}
	if root.Kind != yamlv3.MappingNode {
		if root.ShortTag() != "!!null" {
			f.add(root.Line, "", "want keys and values, found %s", kindOf(root))
		}
		return doc
	}
	before := len(f.found)
	f.twice(root, "")
	doc.root = root
	var values map[string]any
	if err := yaml.Unmarshal(raw, &values); err != nil && len(f.found) == before {
		f.syntax(err) // the tree is YAML, and Helm cannot read it
	}
	return doc
}

func (f *faults) syntax(err error) {
	f.unreadable = true
	message := strings.TrimPrefix(err.Error(), "error converting YAML to JSON: ")
	message = strings.TrimPrefix(message, "yaml: ")
	line := 0
	if m := atLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		_, message, _ = strings.Cut(message, ": ")
	}
	f.add(line, "", "not valid YAML: %s", message)
}

// twice reports keys that one mapping has twice: parsers silently drop one of them.
func (f *faults) twice(node *yamlv3.Node, path string) {
	seen := map[string]int{}
	for i, child := range node.Content {
		if node.Kind != yamlv3.MappingNode {
			f.twice(child, path)
			continue
		}
		if i%2 == 1 {
			f.twice(child, join(path, node.Content[i-1].Value))
			continue
		}
		if first, ok := seen[child.Value]; ok {
			f.add(child.Line, join(path, child.Value), "given twice, first on line %d", first)
			continue
		}
		seen[child.Value] = child.Line
	}
}

// find returns the node at a dotted path. It is nil if there is none or the path is
// empty.
func (d document) find(path string) *yamlv3.Node {
	if path == "" {
		return nil
	}
	node := d.root
	for _, key := range strings.Split(path, ".") {
		if node = child(node, key); node == nil {
			return nil
		}
	}
	return node
}

func child(node *yamlv3.Node, key string) *yamlv3.Node {
	if node == nil || node.Kind != yamlv3.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return resolve(node.Content[i+1])
		}
	}
	return nil
}

func resolve(node *yamlv3.Node) *yamlv3.Node {
	if node.Kind == yamlv3.AliasNode {
		return node.Alias
	}
	return node
}

// unknown reports keys of the pipeline block that no setting reads. The schema of the
// chart checks the rest of the file.
func (f *faults) unknown(root *yamlv3.Node) {
	children := map[string][]string{} // path → the keys known below it
	for _, s := range table() {
		parts := strings.Split(s.Key, ".")
		for i := 1; i < len(parts) && parts[0] == pipelineKey; i++ {
			parent := strings.Join(parts[:i], ".")
			if !slices.Contains(children[parent], parts[i]) {
				children[parent] = append(children[parent], parts[i])
			}
		}
	}
	var walk func(node *yamlv3.Node, path string)
	walk = func(node *yamlv3.Node, path string) {
		if node == nil {
			return
		}
		if node.Kind != yamlv3.MappingNode {
			f.add(node.Line, path, "want the keys %s, found %s", strings.Join(children[path], ", "), kindOf(node))
			return
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			below := join(path, key.Value)
			switch {
			case !slices.Contains(children[path], key.Value):
				f.add(key.Line, below, "unknown key; known are %s", strings.Join(children[path], ", "))
			case children[below] != nil:
				walk(resolve(node.Content[i+1]), below)
			}
		}
	}
	walk(child(root, pipelineKey), pipelineKey)
}

// version reads the application's version, the tag of images.
func (f *faults) version(root string) string {
	chart := newFaults(chartFile)
	defer func() { f.found = append(f.found, chart.found...) }()
	doc := chart.open(filepath.Join(root, filepath.FromSlash(chartFile)))
	if len(chart.found) > 0 {
		return ""
	}
	node := doc.find("appVersion")
	if node == nil {
		chart.add(0, "appVersion", "must be given: the application's semantic version, such as 1.2.3")
		return ""
	}
	v, err := semver.StrictNewVersion(node.Value)
	if err != nil || v.Metadata() != "" {
		// An image tag cannot hold the + of build metadata.
		chart.add(node.Line, "appVersion", "%q is not a semantic version without build metadata, such as 1.2.3 or 1.2.3-rc.1", node.Value)
		return ""
	}
	return v.String()
}

func kindOf(node *yamlv3.Node) string {
	switch {
	case node.Kind == yamlv3.MappingNode:
		return "keys and values"
	case node.Kind == yamlv3.SequenceNode:
		return "a list"
	case node.ShortTag() == "!!null":
		return "nothing"
	case node.ShortTag() == number, node.ShortTag() == "!!float":
		return "the number " + node.Value
	case node.ShortTag() == "!!bool":
		return "the truth value " + node.Value
	default:
		return "the text " + strconv.Quote(node.Value)
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
