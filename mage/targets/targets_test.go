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

var update = flag.Bool("update", false, "write the golden files")

// functions returns the functions of the magefile and of its imports.
func functions(info *parse.PkgInfo) []*parse.Function {
	all := slices.Clone([]*parse.Function(info.Funcs))
	for _, imported := range info.Imports {
		all = append(all, imported.Info.Funcs...)
	}
	return all
}

// TestTargetsAreDescribedAndMatchGoldenFile finds targets that vanish: mage leaves out a
// function whose parameters it does not support, without an error.
func TestTargetsAreDescribedAndMatchGoldenFile(t *testing.T) {
	info, err := parse.PrimaryPackage("go", "../..", []string{"magefile.go"}, false)
	require.NoError(t, err)
	var lines []string
	for _, f := range functions(info) {
		assert.NotEmpty(t, f.Synopsis, "`mage -l` prints no description of %s", targetName(f))
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

// targetName returns the name that mage lists.
func targetName(f *parse.Function) string {
	parts := strings.Split(f.TargetName(), ":")
	for i, part := range parts {
		parts[i] = strings.ToLower(part[:1]) + part[1:]
	}
	return strings.Join(parts, ":")
}

func TestExitPassesExitCodeToMage(t *testing.T) {
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

func TestUnknownEnvironmentIsUsageErrorThatListsKnownOnes(t *testing.T) {
	t.Chdir("../..")
	env := "prod"
	err := ChartTemplate(Flags{Env: &env})
	require.Error(t, err)
	assert.Equal(t, 2, mg.ExitStatus(err))
	assert.ErrorContains(t, err, `unknown environment "prod"; known are dev, remote, staging`)
}

func TestNobodyIsAskedWithYesOrInCI(t *testing.T) {
	yes := true
	assert.Nil(t, confirm(&yes))
	require.NotNil(t, confirmLoss(&yes))
	assert.True(t, confirmLoss(&yes)("Delete everything"), "-yes also confirms the loss of data")
	t.Setenv("CI", "true")
	assert.Nil(t, confirm(nil))
	assert.Nil(t, confirmLoss(nil), "the pipeline then refuses")
}

func TestAgreesOnlyWithGivenAnswers(t *testing.T) {
	for answer, want := range map[string]struct{ confirmed, lossConfirmed bool }{
		"\n": {true, false}, "y\n": {true, true}, " YES \r\n": {true, true}, "n\n": {false, false}, "yep\n": {false, false}, "": {false, false},
	} {
		assert.Equal(t, want.confirmed, agrees(strings.NewReader(answer), "", "y", "yes"), "%q", answer)
		assert.Equal(t, want.lossConfirmed, agrees(strings.NewReader(answer), "y", "yes"), "%q", answer)
	}
}
