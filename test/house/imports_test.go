package house

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "todo-chatbot/"
	mage   = "github.com/magefile/mage"
)

// domain packages do the work; they import neither each other nor config.
var domain = []string{"image", "chart", "cluster", "release", "database", "smoke", "engine", "airgap"}

// base packages are what every domain package may use.
var base = []string{"cache", "host", "kube", "progress", "registry"}

// mayImport tells, for each folder of mage/, which others it may import. A new
// folder needs a line here: that is the moment to think about its place.
var mayImport = map[string][]string{
	"targets":  slices.Concat([]string{"pipeline", "config", "doctor", "cluster", "release", "smoke"}, base), // it prints their results
	"pipeline": slices.Concat([]string{"config", "doctor"}, domain, base),
	"doctor":   slices.Concat(domain, base),
	"config":   {"cache", "registry"},
	"cache":    {},
	"kube":     {},
	"image":    base, "chart": base, "cluster": base, "release": base, "database": base, "smoke": base, "engine": base, "airgap": base,
	"host":     {"progress"},
	"progress": {},
	"registry": {},
}

// area is the folder below mage/ that a path lies in, or "".
func area(path string) string {
	below, ok := strings.CutPrefix(path, "mage/")
	if !ok {
		return ""
	}
	folder, _, _ := strings.Cut(below, "/")
	return folder
}

// importsOneWay is the picture in the design: magefile → targets → pipeline →
// domain → base. Tests below mage/ keep to it too.
func importsOneWay(t *testing.T, project fs.FS) []string {
	var violations []string
	for _, name := range files(t, project, ".go") {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, read(t, project, name), parser.ImportsOnly)
		if err != nil {
			violations = append(violations, fmt.Sprintf("%s: %v", name, err))
			continue
		}
		for _, spec := range file.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if why := refused(name, imported); why != "" {
				violations = append(violations, fmt.Sprintf("%s:%d: imports %s: %s", name, set.Position(spec.Pos()).Line, imported, why))
			}
		}
	}
	return violations
}

// refused says why a file may not import a package, or nothing.
func refused(file, imported string) string {
	from := area(file)
	own, inProject := strings.CutPrefix(imported, module)
	to := area(own)
	switch {
	case imported == mage || strings.HasPrefix(imported, mage+"/"):
		if file != "magefile.go" && from != "targets" {
			return "only mage/targets knows mage"
		}
	case !inProject:
	case file == "magefile.go":
		if own != "mage/targets" {
			return "the magefile only imports mage/targets"
		}
	case strings.HasPrefix(file, "test/"):
		// Tests of the whole may use every part of it.
	case strings.HasPrefix(file, "scripts/"):
		if !slices.Contains(slices.Concat(domain, base), to) {
			return "a script may use domain packages only"
		}
	case from == "":
	case mayImport[from] == nil:
		return "mage/" + from + " has no place in the picture of the imports (test/house/imports_test.go)"
	case to != from && !slices.Contains(mayImport[from], to):
		return "imports run targets → pipeline → domain → base, and never sideways"
	}
	return ""
}

// everyFolderHasAPlace refuses folders of mage/ that mayImport does not list,
// whatever they import.
func everyFolderHasAPlace(t *testing.T, project fs.FS) []string {
	var violations []string
	for _, name := range files(t, project, ".go") {
		from := area(name)
		violation := "mage/" + from + ": has no place in the picture of the imports (test/house/imports_test.go)"
		if from != "" && mayImport[from] == nil && !slices.Contains(violations, violation) {
			violations = append(violations, violation)
		}
	}
	return violations
}

func TestImportsRunOneWay(t *testing.T) { keeps(t, importsOneWay) }

func TestEveryFolderHasAPlace(t *testing.T) { keeps(t, everyFolderHasAPlace) }

func TestImportsTheOtherWayAreRefused(t *testing.T) {
	importing := func(path string) string { return "package x\n\nimport _ \"" + path + "\"\n" }
	const sideways = "imports run targets → pipeline → domain → base, and never sideways"
	refuses(t, importsOneWay, map[string]string{
		"magefile.go":                  "//go:build mage\n\n" + importing("todo-chatbot/mage/pipeline"),
		"mage/targets/a.go":            importing("todo-chatbot/mage/image"),
		"mage/pipeline/a.go":           importing("todo-chatbot/mage/targets"),
		"mage/pipeline/b.go":           importing(mage + "/mg"),
		"mage/image/a.go":              importing("todo-chatbot/mage/cluster"),
		"mage/image/a_test.go":         importing("todo-chatbot/mage/config"),
		"mage/engine/runtime/a.go":     importing("todo-chatbot/mage/airgap/recipes"),
		"mage/config/a.go":             importing("todo-chatbot/mage/progress"),
		"mage/progress/a_windows.go":   importing("todo-chatbot/mage/host"),
		"mage/release/broken.go":       "package",
		"scripts/wrapper/main.go":      importing("todo-chatbot/mage/pipeline"),
		"mage/targets/good.go":         importing("todo-chatbot/mage/pipeline"),
		"mage/targets/good2.go":        importing(mage + "/mg"),
		"mage/pipeline/good.go":        importing("todo-chatbot/mage/smoke"),
		"mage/smoke/good.go":           importing("todo-chatbot/mage/progress"),
		"mage/engine/good.go":          importing("todo-chatbot/mage/engine/runtime"),
		"mage/cluster/good.go":         importing("sigs.k8s.io/kind/pkg/cluster"),
		"test/integration/a_test.go":   importing("todo-chatbot/mage/pipeline"),
		"scripts/wrapper/main_good.go": importing("todo-chatbot/mage/engine/runtime"),
	},
		"magefile.go:5: imports todo-chatbot/mage/pipeline: the magefile only imports mage/targets",
		"mage/targets/a.go:3: imports todo-chatbot/mage/image: "+sideways,
		"mage/pipeline/a.go:3: imports todo-chatbot/mage/targets: "+sideways,
		"mage/pipeline/b.go:3: imports github.com/magefile/mage/mg: only mage/targets knows mage",
		"mage/image/a.go:3: imports todo-chatbot/mage/cluster: "+sideways,
		"mage/image/a_test.go:3: imports todo-chatbot/mage/config: "+sideways,
		"mage/engine/runtime/a.go:3: imports todo-chatbot/mage/airgap/recipes: "+sideways,
		"mage/config/a.go:3: imports todo-chatbot/mage/progress: "+sideways,
		"mage/progress/a_windows.go:3: imports todo-chatbot/mage/host: "+sideways,
		"mage/release/broken.go: mage/release/broken.go:1:8: expected 'IDENT', found 'EOF'",
		"scripts/wrapper/main.go:3: imports todo-chatbot/mage/pipeline: a script may use domain packages only",
	)
	refuses(t, everyFolderHasAPlace, map[string]string{"mage/util/a.go": "package util", "mage/util/b.go": "package util", "mage/image/a.go": "package image"},
		"mage/util: has no place in the picture of the imports (test/house/imports_test.go)")
}
