package house

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

const linterConfig = ".golangci.yml"

// area is the folder below mage/ of a path, or "".
func area(path string) string {
	below, ok := strings.CutPrefix(path, "mage/")
	if !ok {
		return ""
	}
	folder, _, _ := strings.Cut(below, "/")
	return folder
}

// everyPackageHasAnImportRule wants a rule of depguard for each folder of mage/.
func everyPackageHasAnImportRule(t *testing.T, project fs.FS) []string {
	var config struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]any `json:"rules"`
				} `json:"depguard"`
			} `json:"settings"`
		} `json:"linters"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, project, linterConfig)), &config))
	rules := config.Linters.Settings.Depguard.Rules
	require.NotEmpty(t, rules)
	var violations []string
	for _, name := range files(t, project, ".go") {
		folder := area(name)
		violation := fmt.Sprintf("mage/%s: depguard in %s has no rule %q: say there who may import the package", folder, linterConfig, folder)
		if folder != "" && rules[folder] == nil && !slices.Contains(violations, violation) {
			violations = append(violations, violation)
		}
	}
	return violations
}

func TestEveryPackageHasAnImportRule(t *testing.T) {
	keeps(t, everyPackageHasAnImportRule)
	refuses(t, everyPackageHasAnImportRule, map[string]string{
		linterConfig:     "linters: {settings: {depguard: {rules: {image: {}}}}}",
		"mage/util/a.go": "package util", "mage/util/b.go": "package util", "mage/image/a.go": "package image", "test/a.go": "package test",
	}, `mage/util: depguard in .golangci.yml has no rule "util": say there who may import the package`)
}

// lint runs the project's linters on a small project of the same name, and returns
// the findings of one of them without their line numbers.
func lint(t *testing.T, name string, files map[string]string) []string {
	t.Helper()
	linter := os.Getenv("TODO_TEST_LINTER")
	if linter == "" {
		t.Skip("needs the linter that mage test:unit compiles")
	}
	dir := t.TempDir()
	config, err := os.ReadFile("../../" + linterConfig)
	require.NoError(t, err)
	files[linterConfig] = string(config)
	files["go.mod"] = "module todo-chatbot\n\ngo 1.26\n\nrequire github.com/magefile/mage v1.0.0\n\nreplace github.com/magefile/mage => ./framework\n"
	files["framework/go.mod"] = "module github.com/magefile/mage\n\ngo 1.26\n"
	files["framework/mg/mg.go"] = "// Package mg stands for mage's own.\npackage mg\n"
	for file, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(file))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	command := exec.CommandContext(t.Context(), linter, "run", "--enable-only="+name)
	command.Dir = dir
	command.Stderr = t.Output()
	out, err := command.Output()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "no linter found anything")
	require.Equal(t, 1, exit.ExitCode(), "the linters failed")
	require.NotContains(t, string(out), "(typecheck)")
	var found []string
	for line := range strings.Lines(string(out)) {
		if position, finding, _ := strings.Cut(strings.TrimSpace(line), ": "); strings.HasSuffix(finding, " ("+name+")") {
			file, _, _ := strings.Cut(position, ":")
			found = append(found, file+": "+finding)
		}
	}
	return found
}

func TestLinterRefusesForbiddenImports(t *testing.T) {
	sources := map[string]string{}
	for file, imported := range map[string]string{
		"magefile.go":              "todo-chatbot/mage/pipeline",
		"mage/targets/a.go":        "todo-chatbot/mage/image",
		"mage/pipeline/a.go":       "todo-chatbot/mage/targets",
		"mage/pipeline/b.go":       "github.com/magefile/mage/mg",
		"mage/doctor/a.go":         "todo-chatbot/mage/pipeline",
		"mage/image/a.go":          "todo-chatbot/mage/cluster",
		"mage/image/a_test.go":     "todo-chatbot/mage/config",
		"mage/engine/runtime/a.go": "todo-chatbot/mage/airgap/recipes",
		"mage/config/a.go":         "todo-chatbot/mage/smoke",
		"mage/progress/a.go":       "todo-chatbot/mage/host",
		"images/gateway/a.go":      "todo-chatbot/mage/host",
		"scripts/wrapper/a.go":     "todo-chatbot/mage/pipeline",

		"mage/targets/good.go":     "todo-chatbot/mage/pipeline",
		"mage/targets/good2.go":    "github.com/magefile/mage/mg",
		"mage/pipeline/good.go":    "todo-chatbot/mage/smoke",
		"mage/doctor/good.go":      "todo-chatbot/mage/cluster",
		"mage/smoke/good.go":       "todo-chatbot/mage/progress",
		"mage/host/good.go":        "todo-chatbot/mage/progress",
		"mage/config/good.go":      "todo-chatbot/mage/cache",
		"test/integration/good.go": "todo-chatbot/mage/pipeline",
		"scripts/wrapper/good.go":  "todo-chatbot/mage/engine/runtime",
	} {
		if folder, ok := strings.CutPrefix(imported, "todo-chatbot/"); ok {
			imported += "/empty" // a rule is for the folders below too; this one makes no import cycle
			sources[folder+"/empty/empty.go"] = "package empty\n"
		}
		sources[file] = "package x\n\nimport _ \"" + imported + "\"\n"
	}
	sources["magefile.go"] = "//go:build mage\n\n" + sources["magefile.go"]
	rule := regexp.MustCompile(`^(\S+): .* from list '(\w+)'`)
	broken := map[string]string{} // file → rule
	for _, finding := range lint(t, "depguard", sources) {
		parts := rule.FindStringSubmatch(finding)
		require.NotNil(t, parts, finding)
		broken[parts[1]] = parts[2]
	}
	assert.Equal(t, map[string]string{
		"magefile.go":              "magefile",
		"mage/targets/a.go":        "image",
		"mage/pipeline/a.go":       "targets",
		"mage/pipeline/b.go":       "mage",
		"mage/doctor/a.go":         "pipeline",
		"mage/image/a.go":          "cluster",
		"mage/image/a_test.go":     "config",
		"mage/engine/runtime/a.go": "airgap",
		"mage/config/a.go":         "smoke",
		"mage/progress/a.go":       "progress",
		"images/gateway/a.go":      "images",
		"scripts/wrapper/a.go":     "pipeline",
	}, broken)
}

func TestLinterRefusesLibrariesThatMeddle(t *testing.T) {
	using := func(expression string) string {
		return "package x\n\nimport (\n\t\"fmt\"\n\t\"os\"\n)\n\nfunc _() {\n\t_ = fmt.Errorf(os.DevNull)\n\t" + expression + "\n}\n"
	}
	const prints, exits = "a library prints nothing: take a progress.Reporter or an io.Writer", "a library returns errors"
	const reads = "mage/config alone reads environment variables"
	assert.ElementsMatch(t, []string{
		"mage/image/a.go: use of `fmt.Println` forbidden because \"" + prints + "\" (forbidigo)",
		"mage/chart/a.go: use of `os.Stderr` forbidden because \"" + prints + "\" (forbidigo)",
		"mage/cluster/a.go: use of `os.Getenv` forbidden because \"" + reads + "\" (forbidigo)",
		"mage/targets/a.go: use of `os.Setenv` forbidden because \"settings are parameters; a test uses t.Setenv\" (forbidigo)",
		"mage/release/a.go: use of `os.Exit` forbidden because \"" + exits + "\" (forbidigo)",
	}, lint(t, "forbidigo", map[string]string{
		"mage/image/a.go":          using(`fmt.Println("hello")`),
		"mage/chart/a.go":          using(`fmt.Fprintln(os.Stderr, "hello")`),
		"mage/cluster/a.go":        using(`os.Getenv("HOME")`),
		"mage/targets/a.go":        using(`os.Setenv("A", "b")`),
		"mage/release/a.go":        using(`os.Exit(1)`),
		"mage/targets/b.go":        using(`fmt.Fprintln(os.Stdout, os.Getenv("HOME"))`),
		"mage/config/a.go":         using(`os.LookupEnv("HOME")`),
		"mage/image/a_test.go":     using(`fmt.Println("hello")`),
		"mage/airgap/tool/main.go": using(`os.Exit(1)`),
	}))
}

func TestLinterRefusesVariablesThatChange(t *testing.T) {
	assert.ElementsMatch(t, []string{
		"mage/image/a.go: counter is a global variable (gochecknoglobals)",
		"mage/image/a.go: seen is a global variable (gochecknoglobals)",
		"mage/image/a.go: made is a global variable (gochecknoglobals)",
		"mage/image/a.go: pointer is a global variable (gochecknoglobals)",
		"mage/image/a.go: lock is a global variable (gochecknoglobals)",
	}, lint(t, "gochecknoglobals", map[string]string{
		"mage/image/a.go": `package x

import (
	"errors"
	"regexp"
	"sync"
)

type pair struct{ a, b int }

var (
	counter   int
	seen      = map[string]bool{}
	made      = make([]string, 0, 3)
	pointer   = &pair{a: 1}
	lock      sync.Mutex
	words     = []string{"a", "b"}
	table     = map[string]bool{"a": true}
	long      = map[string]pair{
		"a": {1, 2},
	}
	both      = pair{a: 1}
	errAbsent = errors.New("absent")
	letters   = regexp.MustCompile("[a-z]+")
	once      = sync.OnceValue(func() int { return 1 })
)
`,
	}))
}
