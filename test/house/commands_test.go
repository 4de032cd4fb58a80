package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// command is the declaration of a target in the magefile.
type command struct {
	arguments int
	options   []string
}

// commands are the targets of a magefile by name in lower case, as mage ignores case.
type commands map[string]command

// magesOwn are the options of mage itself; -t has a duration as argument.
var magesOwn = []string{"-h", "-l", "-v", "-t", "-debug", "-init", "-clean", "-compile", "-version", "-dryrun"}

// commandsOf reads the exported functions, the methods of namespaces and the aliases of
// a magefile. A pointer parameter is an option, a context comes from mage, and every
// other parameter is an argument.
func commandsOf(t *testing.T, source string) commands {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "magefile.go", source, parser.SkipObjectResolution)
	require.NoError(t, err)
	all := commands{}
	for _, declaration := range file.Decls {
		if function, ok := declaration.(*ast.FuncDecl); ok && function.Name.IsExported() {
			name := function.Name.Name
			if function.Recv != nil {
				name = dotted(function.Recv.List[0].Type) + ":" + name
			}
			all[strings.ToLower(name)] = commandOf(function)
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != "Aliases" {
			return true
		}
		for _, element := range spec.Values[0].(*ast.CompositeLit).Elts {
			pair := element.(*ast.KeyValueExpr)
			alias := strings.Trim(pair.Key.(*ast.BasicLit).Value, `"`)
			target := strings.ReplaceAll(strings.ToLower(dotted(pair.Value)), ".", ":")
			require.Contains(t, all, target, "the alias %q", alias)
			all[strings.ToLower(alias)] = all[target]
		}
		return false
	})
	require.NotEmpty(t, all, "the magefile has no target")
	return all
}

// dotted returns a name, with its package or type.
func dotted(expression ast.Expr) string {
	switch e := expression.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return dotted(e.X) + "." + e.Sel.Name
	}
	return ""
}

func commandOf(function *ast.FuncDecl) command {
	var c command
	for _, parameter := range function.Type.Params.List {
		_, pointer := parameter.Type.(*ast.StarExpr)
		for _, name := range parameter.Names {
			switch {
			case dotted(parameter.Type) == "context.Context":
			case pointer:
				c.options = append(c.options, "-"+name.Name)
			default:
				c.arguments++
			}
		}
	}
	return c
}

// has tells whether a namespace exists.
func (all commands) has(namespace string) bool {
	for name := range all {
		if strings.HasPrefix(name, strings.ToLower(namespace)+":") {
			return true
		}
	}
	return false
}

// refuse returns the error of a mage command line, or "". After "…" anything may follow.
func (all commands) refuse(words []string) string {
	for len(words) > 0 && strings.HasPrefix(words[0], "-") {
		if !slices.Contains(magesOwn, words[0]) {
			return "mage has no option " + words[0]
		}
		taken := 1
		if words[0] == "-t" {
			taken = 2
		}
		words = words[min(taken, len(words)):]
	}
	for len(words) > 0 && words[0] != "…" {
		name := words[0]
		target, there := all[strings.ToLower(name)]
		if !there {
			return "there is no such target"
		}
		words = words[1:]
		missing := target.arguments
		for ; len(words) > 0 && (missing > 0 || strings.HasPrefix(words[0], "-")); words = words[1:] {
			option, isOption := strings.CutPrefix(words[0], "-")
			option, _, _ = strings.Cut(option, "=")
			if !isOption {
				missing--
			} else if !slices.Contains(target.options, "-"+option) {
				return fmt.Sprintf("%s has no option -%s", name, option)
			}
		}
		if missing > 0 {
			return fmt.Sprintf("%s wants %d more argument%s", name, missing, map[bool]string{true: "s"}[missing > 1])
		}
	}
	return ""
}
