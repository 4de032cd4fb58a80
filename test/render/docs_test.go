package render_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	yamlv3 "go.yaml.in/yaml/v3"

	"todo-chatbot/mage/chart"
)

const (
	docsFile  = "../../docs/chart.md"
	docsBegin = "<!-- values: written by go test ./test/render -update from the comments of the values.yaml -->\n"
	docsEnd   = "<!-- /values -->\n"

	rulesBegin = "<!-- rules: written by go test ./test/render -update from chart.Rules -->\n"
	rulesEnd   = "<!-- /rules -->\n"
)

// defaultsFile is a values.yaml of the chart or of a subchart.
type defaultsFile struct {
	title, file string
	prefix      string // of the keys, as a user sets them
}

var defaultsFiles = []defaultsFile{
	{"Shared", "values.yaml", ""},
	{"Frontend", "charts/frontend/values.yaml", "frontend."},
	{"Backend", "charts/backend/values.yaml", "backend."},
	{"PostgreSQL", "charts/postgresql/values.yaml", "postgresql."},
}

// rows returns the file's keys without the keys of postgresql in the parent's file,
// which the subchart's file has too.
func (f defaultsFile) rows(t *testing.T) []row {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(chartDir, f.file))
	require.NoError(t, err)
	var doc yamlv3.Node
	require.NoError(t, yamlv3.Unmarshal(data, &doc))
	all := rows(t, doc.Content[0], f.prefix)
	if f.prefix == "" {
		all = slices.DeleteFunc(all, func(r row) bool { return strings.HasPrefix(r.key, "postgresql.") })
	}
	return all
}

// isTable tells whether a value is a table with each key on a separate line.
func isTable(value *yamlv3.Node) bool {
	return value.Kind == yamlv3.MappingNode && value.Style&yamlv3.FlowStyle == 0
}

func TestEveryDefaultHasComment(t *testing.T) {
	for _, file := range defaultsFiles {
		for _, row := range file.rows(t) {
			assert.NotEmpty(t, row.meaning, "%s: %s has no comment", file.file, row.key)
		}
	}
}

// fresh compares the text between two lines of the documentation with text; -update
// writes it.
func fresh(t *testing.T, begin, end, text string) {
	t.Helper()
	data := read(t, docsFile)
	before, rest, found := strings.Cut(data, begin)
	require.True(t, found, "%s has no line %s", docsFile, begin)
	_, after, found := strings.Cut(rest, end)
	require.True(t, found, "%s has no line %s", docsFile, end)
	want := before + begin + text + "\n" + end + after
	if *update {
		require.NoError(t, os.WriteFile(docsFile, []byte(want), 0o644))
		return
	}
	assert.Equal(t, want, data, "run: go test ./test/render -update")
}

// cell escapes a text for a Markdown table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func TestDocumentationOfRulesIsFresh(t *testing.T) {
	var table strings.Builder
	table.WriteString("\n| rule | what goes wrong without it | where it does not hold |\n|---|---|---|\n")
	for _, rule := range chart.Rules() {
		var exceptions []string
		for _, e := range rule.Exceptions {
			what := e.Kind
			if e.Name != "*" {
				what += " " + e.Name
			}
			if e.Hook {
				what += " of a hook"
			}
			if e.Says != "" {
				what += " (`" + e.Says + "`)"
			}
			exceptions = append(exceptions, what+": "+e.Reason)
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", rule.Name, cell(rule.Reason), cell(strings.Join(exceptions, "; ")))
	}
	fresh(t, rulesBegin, rulesEnd, table.String())
}

func TestDocumentationOfValuesIsFresh(t *testing.T) {
	var tables strings.Builder
	for _, file := range defaultsFiles {
		fmt.Fprintf(&tables, "\n### %s\n\n| key | default | meaning |\n|---|---|---|\n", file.title)
		for _, row := range file.rows(t) {
			fmt.Fprintf(&tables, "| `%s` | %s | %s |\n", row.key, row.value, cell(row.meaning))
		}
	}
	fresh(t, docsBegin, docsEnd, tables.String())
}

// row is a row of a table in the documentation.
type row struct{ key, value, meaning string }

// rows returns the keys of a table and its nested tables. A nested table has a row only
// if it has a comment.
func rows(t *testing.T, table *yamlv3.Node, prefix string) []row {
	t.Helper()
	var all []row
	for i := 0; i+1 < len(table.Content); i += 2 {
		key, value := table.Content[i], table.Content[i+1]
		meaning := sentence(key.HeadComment)
		switch {
		case !isTable(value):
			all = append(all, row{prefix + key.Value, inline(t, value), meaning})
		case meaning != "":
			all = append(all, row{prefix + key.Value, "", meaning})
			fallthrough
		default:
			all = append(all, rows(t, value, prefix+key.Value+".")...)
		}
	}
	return all
}

// sentence returns a comment's last paragraph on one line; an earlier paragraph
// describes the file.
func sentence(comment string) string {
	paragraphs := strings.Split(comment, "\n\n")
	var words []string
	for line := range strings.SplitSeq(paragraphs[len(paragraphs)-1], "\n") {
		words = append(words, strings.Fields(strings.TrimPrefix(line, "#"))...)
	}
	return strings.Join(words, " ")
}

// inline writes a default on one line.
func inline(t *testing.T, value *yamlv3.Node) string {
	t.Helper()
	flat := *value
	flatten(&flat)
	data, err := yamlv3.Marshal(&flat)
	require.NoError(t, err)
	return "`" + strings.TrimSpace(string(data)) + "`"
}

func flatten(n *yamlv3.Node) {
	n.Style |= yamlv3.FlowStyle
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	for i := range n.Content {
		child := *n.Content[i]
		if child.Kind != yamlv3.ScalarNode {
			flatten(&child)
		}
		n.Content[i] = &child
	}
}

func TestDocumentedValuesExist(t *testing.T) {
	known := map[string]bool{}
	for _, file := range defaultsFiles {
		for _, row := range file.rows(t) {
			for key := row.key; key != ""; key = key[:max(0, strings.LastIndexByte(key, '.'))] {
				known[key] = true
			}
		}
	}
	named := regexp.MustCompile(`\b(?:global|frontend|backend|postgresql|preflight|verification)(?:\.[a-zA-Z]+)+\b`)
	prose, _, _ := strings.Cut(read(t, docsFile), docsBegin)
	found := named.FindAllString(prose, -1)
	require.NotEmpty(t, found)
	for _, key := range found {
		assert.True(t, known[key], "docs/chart.md names %s, which is not a value", key)
	}
}
