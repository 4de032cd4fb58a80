package targets

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/magefile/mage/mg"
	"github.com/magefile/mage/parse"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/config"
	"todo-chatbot/mage/pipeline"
)

var update = flag.Bool("update", false, "write the golden files anew")

// functions are those of the magefile and of what it imports.
func functions(info *parse.PkgInfo) []*parse.Function {
	all := slices.Clone([]*parse.Function(info.Funcs))
	for _, imported := range info.Imports {
		all = append(all, imported.Info.Funcs...)
	}
	return all
}

// TestTheTargetsAreTheGoldenOnesAndEachIsDescribed guards against targets that vanish: mage
// says nothing of a function whose parameters it does not understand.
func TestTheTargetsAreTheGoldenOnesAndEachIsDescribed(t *testing.T) {
	info, err := parse.PrimaryPackage("go", "../..", []string{"magefile.go"}, false)
	require.NoError(t, err)
	var lines []string
	for _, f := range functions(info) {
		assert.NotEmpty(t, f.Synopsis, "`mage -l` shows nothing beside %s", targetName(f))
		words := []string{targetName(f)}
		for _, arg := range f.Args {
			word := fmt.Sprintf("<%s %s>", arg.Name, arg.Type)
			if arg.Optional {
				word = fmt.Sprintf("[-%s %s]", arg.Name, arg.Type)
			}
			words = append(words, word)
		}
		lines = append(lines, strings.Join(words, " "))
	}
	for alias, f := range info.Aliases {
		lines = append(lines, alias+" = "+targetName(f))
	}
	slices.Sort(lines)
	got := strings.Join(lines, "\n") + "\n"
	golden := filepath.Join("testdata", "targets.txt")
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o755))
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err, "make it with -update")
	assert.Equal(t, string(want), got, "if this is meant: go test ./mage/targets -update")
}

// targetName is the name as mage lists it.
func targetName(f *parse.Function) string {
	parts := strings.Split(f.TargetName(), ":")
	for i, part := range parts {
		parts[i] = strings.ToLower(part[:1]) + part[1:]
	}
	return strings.Join(parts, ":")
}

func TestExitCarriesThePipelinesCodeToMage(t *testing.T) {
	require.NoError(t, exit(nil))
	for want, err := range map[int]error{
		1: errors.New("disk on fire"),
		2: &config.Unknown{Name: "prod"},
		3: &pipeline.Error{Code: pipeline.ExitRed, Err: errors.New("red")},
	} {
		assert.Equal(t, want, mg.ExitStatus(exit(err)))
		assert.EqualError(t, exit(err), err.Error())
	}
}

func TestAnUnknownEnvironmentEndsWithTwoAndTheKnownOnes(t *testing.T) {
	t.Chdir("../..")
	env := "prod"
	err := ChartTemplate(&env)
	require.Error(t, err)
	assert.Equal(t, 2, mg.ExitStatus(err))
	assert.ErrorContains(t, err, `unknown environment "prod": there is dev, remote, staging`)
}

func TestNobodyIsAskedWithTheFlagOrInAutomation(t *testing.T) {
	yes := true
	assert.Nil(t, confirm(&yes))
	require.NotNil(t, sure(&yes))
	assert.True(t, sure(&yes)("Delete everything"), "-yes is a yes to what cannot be undone")
	t.Setenv("CI", "true")
	assert.Nil(t, confirm(nil))
	assert.Nil(t, sure(nil), "what cannot be undone is then refused")
}

func TestWhatCannotBeUndoneTakesATypedYes(t *testing.T) {
	for answer, want := range map[string]struct{ confirmed, sure bool }{
		"\n": {true, false}, "y\n": {true, true}, " YES \r\n": {true, true}, "n\n": {false, false}, "yep\n": {false, false}, "": {false, false},
	} {
		assert.Equal(t, want.confirmed, agrees(strings.NewReader(answer), yesByDefault), "%q", answer)
		assert.Equal(t, want.sure, agrees(strings.NewReader(answer), yesWhenTyped), "%q", answer)
	}
}
