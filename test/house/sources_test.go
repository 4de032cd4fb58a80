package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	fileLimit     = 400 // lines; files stay under it
	functionLimit = 60
)

var generated = regexp.MustCompile(`(?i)(code generated .*do not edit|auto-generated|written by ".*do not edit)`)

func isGenerated(content string) bool {
	head, _, _ := strings.Cut(content, "\npackage ")
	return generated.MatchString(head[:min(len(head), 500)])
}

func filesAreShort(t *testing.T, project fs.FS) []string {
	var violations []string
	for _, name := range files(t, project, ".go", ".ts", ".tsx", ".js", ".mjs", ".py") {
		content := read(t, project, name)
		if lines := strings.Count(content, "\n"); lines >= fileLimit && !isGenerated(content) {
			violations = append(violations, fmt.Sprintf("%s: has %d lines: split it, files stay under %d", name, lines, fileLimit))
		}
	}
	return violations
}

// parsed calls see for every Go file.
func parsed(t *testing.T, project fs.FS, see func(name string, set *token.FileSet, file *ast.File)) {
	t.Helper()
	for _, name := range files(t, project, ".go") {
		content := read(t, project, name)
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, content, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !isGenerated(content) {
			see(name, set, file)
		}
	}
}

func functionsAreShort(t *testing.T, project fs.FS) []string {
	var violations []string
	parsed(t, project, func(name string, set *token.FileSet, file *ast.File) {
		if strings.HasSuffix(name, "_test.go") {
			return // tables of cases may be long
		}
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			first, last := set.Position(function.Pos()).Line, set.Position(function.End()).Line
			if lines := last - first + 1; lines > functionLimit {
				violations = append(violations, fmt.Sprintf("%s:%d: %s has %d lines: split it, %d are enough", name, first, function.Name, lines, functionLimit))
			}
		}
	})
	return violations
}

// packagesAreDocumentedOnce wants one package comment a package: among its
// sources, or, where there are only tests, among these.
func packagesAreDocumentedOnce(t *testing.T, project fs.FS) []string {
	sources, tests := map[string][]string{}, map[string][]string{} // folder → files with a comment
	parsed(t, project, func(name string, _ *token.FileSet, file *ast.File) {
		kind := sources
		if strings.HasSuffix(name, "_test.go") {
			kind = tests
		}
		folder := path.Dir(name)
		if kind[folder] == nil {
			kind[folder] = []string{}
		}
		if file.Doc != nil && strings.TrimSpace(file.Doc.Text()) != "" {
			kind[folder] = append(kind[folder], path.Base(name))
		}
	})
	for folder, documented := range tests {
		if sources[folder] == nil {
			sources[folder] = documented
		}
	}
	var violations []string
	for folder, documented := range sources {
		switch len(documented) {
		case 0:
			violations = append(violations, folder+": no file has a package comment")
		case 1:
		default:
			violations = append(violations, fmt.Sprintf("%s: several files have a package comment: %s", folder, strings.Join(documented, ", ")))
		}
	}
	return violations
}

// mayReadVariables lists who reads environment variables, and why.
var mayReadVariables = map[string]string{
	"config":  "it is the place for them",
	"targets": "it hands os.Getenv to config",
	"engine":  "Docker's own variables mean what they mean to the docker command",
}

// librariesLeaveTheProcessAlone: they print nothing, read no variable, change
// none, and do not end the process.
func librariesLeaveTheProcessAlone(t *testing.T, project fs.FS) []string {
	var violations []string
	parsed(t, project, func(name string, set *token.FileSet, file *ast.File) {
		from := area(name)
		if from == "" || file.Name.Name == "main" || strings.HasSuffix(name, "_test.go") {
			return
		}
		ast.Inspect(file, func(node ast.Node) bool {
			selector, ok := node.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			of, ok := selector.X.(*ast.Ident)
			if !ok {
				return true
			}
			if why := forbidden(from, of.Name+"."+selector.Sel.Name); why != "" {
				violations = append(violations, fmt.Sprintf("%s:%d: %s.%s: %s", name, set.Position(node.Pos()).Line, of.Name, selector.Sel.Name, why))
			}
			return true
		})
	})
	return violations
}

func forbidden(from, name string) string {
	switch {
	case slices.Contains([]string{"os.Setenv", "os.Unsetenv", "os.Clearenv"}, name):
		return "settings are passed, not set"
	case slices.Contains([]string{"os.Getenv", "os.LookupEnv"}, name) && mayReadVariables[from] == "":
		return "variables are read in mage/config alone"
	case from == "targets":
		return ""
	case slices.Contains([]string{"fmt.Print", "fmt.Println", "fmt.Printf", "os.Stdout", "os.Stderr"}, name):
		return "libraries print nothing: take a progress.Reporter or an io.Writer"
	case slices.Contains([]string{"os.Exit", "log.Fatal", "log.Fatalf"}, name):
		return "libraries return errors"
	}
	return ""
}

func TestFilesAreShort(t *testing.T) { keeps(t, filesAreShort) }

func TestFunctionsAreShort(t *testing.T) { keeps(t, functionsAreShort) }

func TestPackagesAreDocumentedOnce(t *testing.T) { keeps(t, packagesAreDocumentedOnce) }

func TestLibrariesLeaveTheProcessAlone(t *testing.T) { keeps(t, librariesLeaveTheProcessAlone) }

func TestLongFilesAreRefused(t *testing.T) {
	long := strings.Repeat("x = 1\n", fileLimit)
	refuses(t, filesAreShort, map[string]string{
		"images/a/app.py": long, "images/a/short.py": long[6:], "images/a/page.tsx": long,
		"images/a/schema.d.ts": "/**\n * This file was auto-generated by a tool.\n */\n" + long,
		"a.go":                 "// Code generated by a tool. DO NOT EDIT.\n\npackage a\n" + long,
		"notes.md":             long, "images/a/node_modules/x.js": long,
	}, "images/a/app.py: has 400 lines: split it, files stay under 400",
		"images/a/page.tsx: has 400 lines: split it, files stay under 400")
}

func TestLongFunctionsAreRefused(t *testing.T) {
	body := func(n int) string { return "() {\n" + strings.Repeat("\t_ = 1\n", n) + "}\n" }
	refuses(t, functionsAreShort, map[string]string{
		"a/a.go":      "package a\n\nfunc long" + body(functionLimit-1) + "\nfunc short" + body(functionLimit-2),
		"a/a_test.go": "package a\n\nfunc table" + body(functionLimit),
	}, "a/a.go:3: long has 61 lines: split it, 60 are enough")
}

func TestMissingAndDoubleDocumentationIsRefused(t *testing.T) {
	refuses(t, packagesAreDocumentedOnce, map[string]string{
		"none/a.go": "//go:build linux\n\npackage none\n", "none/a_test.go": "// Package none is only documented here.\npackage none\n",
		"twice/a.go": "// Package twice is one.\npackage twice\n", "twice/b.go": "// Package twice is another.\npackage twice\n",
		"once/a.go": "// Package once is fine.\npackage once\n", "once/b.go": "package once\n",
		"tests/a_test.go": "// Package tests has only tests.\npackage tests\n", "bare/a_test.go": "package bare\n",
	}, "none: no file has a package comment", "twice: several files have a package comment: a.go, b.go", "bare: no file has a package comment")
}

func TestMeddlingLibrariesAreRefused(t *testing.T) {
	using := func(name, expression string) string {
		return "package " + name + "\n\nfunc f() {\n\t" + expression + "\n}\n"
	}
	refuses(t, librariesLeaveTheProcessAlone, map[string]string{
		"mage/image/a.go":       using("image", `fmt.Println("hello")`),
		"mage/chart/a.go":       using("chart", `fmt.Fprintln(os.Stderr, "hello")`),
		"mage/cluster/a.go":     using("cluster", `os.Getenv("HOME")`),
		"mage/targets/a.go":     using("targets", `os.Setenv("A", "b")`),
		"mage/release/a.go":     using("release", `os.Exit(1)`),
		"mage/targets/b.go":     using("targets", `fmt.Fprintln(os.Stdout, os.Getenv("HOME"))`),
		"mage/config/a.go":      using("config", `os.LookupEnv("HOME")`),
		"mage/image/a_test.go":  using("image", `fmt.Println("hello")`),
		"mage/airgap/x/main.go": using("main", `os.Exit(1)`),
	}, "mage/image/a.go:4: fmt.Println: libraries print nothing: take a progress.Reporter or an io.Writer",
		"mage/chart/a.go:4: os.Stderr: libraries print nothing: take a progress.Reporter or an io.Writer",
		"mage/cluster/a.go:4: os.Getenv: variables are read in mage/config alone",
		"mage/targets/a.go:4: os.Setenv: settings are passed, not set",
		"mage/release/a.go:4: os.Exit: libraries return errors")
}
