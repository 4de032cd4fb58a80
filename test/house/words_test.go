package house

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// tells are expressions that often make a sentence hard to read, with the plain one.
var tells = []struct {
	pattern *regexp.Regexp
	plain   string
}{
	{regexp.MustCompile(`(?i)\b(?:is|are|was|were|be|it's) no\b`), `"is not a" or "there is no"`},
	{regexp.MustCompile(`(?i)\b(?:anew|afresh)\b`), `"again"`},
	{regexp.MustCompile(`(?i)\bin vain\b`), `"without success" or "without effect"`},
	{regexp.MustCompile(`(?i)\bmend(?:s|ed|ing)?\b`), `"repair" or "fix"`},
	{regexp.MustCompile(`(?i)\bcur(?:e|es|ed|ing)\b`), `"fix", or "next step" for the noun`},
	{regexp.MustCompile(`(?i)\bbeside\b`), `"next to", "along with" or "besides"`},
	{regexp.MustCompile(`(?i)\bleads? (?:to )?(?:nowhere|no)\b`), `what is missing, as in "the link has no target"`},
	{regexp.MustCompile(`(?i)\bjourneys?\b`), `"flow"`},
	{regexp.MustCompile(`(?i)\bdoors?\b`), `"endpoint" or "entry"`},
	{regexp.MustCompile(`(?i)\bwish(?:es|ed)?\b`), `"intent" or "wanted"`},
	{regexp.MustCompile(`\bfunc .*?(?:(?:Is|Are)No[A-Z]|[a-z](?:Anew|InVain|Mend|Cure|Journey|Aftermath|Beside))\w*`), `a name with plain words`},
}

var (
	// thereIs is the text before "is no" in "there is no", which is plain.
	thereIs = regexp.MustCompile(`(?i)\bthere(?:\s+\w+){0,2}\W*$`)
	// goesOn is the text after "is no" in "is no longer", which is plain.
	goesOn = regexp.MustCompile(`(?i)^ (?:longer|more|less|later|earlier|matter)\b`)
	// margin is the beginning of a line of a comment.
	margin = regexp.MustCompile(`^\s*(?://|#|\*)?\s*`)
)

// quoting are the files that quote the tells or hold texts of other people.
var quoting = []string{"CONTRIBUTING.md", "docs/glossary.md", "test/house/words_test.go"}

// peoplesWords is the folder that reads messages of people: their words are in its
// patterns, so only its comments are checked.
const peoplesWords = "images/backend/app/agent/builtin/"

var prose = []string{".go", ".ts", ".tsx", ".mjs", ".py", ".yaml", ".yml", ".md"}

// sentencesArePlain refuses the tells.
func sentencesArePlain(t *testing.T, project fs.FS) []string {
	var violations []string
	eachLine(t, project, func(name string, number int, before, line string) {
		for _, tell := range tells {
			for _, at := range tell.pattern.FindAllStringIndex(line, -1) {
				found := line[at[0]:at[1]]
				no := strings.HasSuffix(strings.ToLower(found), " no")
				if no && (thereIs.MatchString(before+" "+line[:at[0]]) || goesOn.MatchString(line[at[1]:])) {
					continue
				}
				violations = append(violations, fmt.Sprintf("%s:%d: %q: write %s", name, number, found, tell.plain))
			}
		}
	})
	return violations
}

// eachLine calls see for the lines of the project's prose and sources; before is the
// line above without its margin.
func eachLine(t *testing.T, project fs.FS, see func(name string, number int, before, line string)) {
	t.Helper()
	for _, name := range files(t, project, prose...) {
		content := read(t, project, name)
		if slices.Contains(quoting, name) || isGenerated(content) || strings.Contains(name, "-lock.") {
			continue
		}
		before := ""
		for i, line := range strings.Split(content, "\n") {
			if strings.HasPrefix(name, peoplesWords) {
				_, line, _ = strings.Cut(line, "# ")
			}
			line = margin.ReplaceAllString(line, "")
			see(name, i+1, before, line)
			before = line
		}
	}
}

// otherUses are words of the glossary's last column that the project also uses for
// something else: a stage of a Dockerfile, a profile of Minikube or of a browser, a
// fingerprint of a chart, the replacement of a text.
var otherUses = []string{"stage", "profile", "fingerprint", "replacement"}

// termsHaveOneName refuses the words that docs/glossary.md does not allow for a term.
func termsHaveOneName(t *testing.T, project fs.FS) []string {
	terms := map[string]string{} // refused word → term
	for line := range strings.Lines(read(t, project, "docs/glossary.md")) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || strings.HasPrefix(cells[1], "--") || strings.TrimSpace(cells[1]) == "term" {
			continue
		}
		for word := range strings.SplitSeq(cells[3], ",") {
			if word = strings.TrimSpace(word); word != "" && !slices.Contains(otherUses, word) {
				terms[word] = strings.TrimSpace(cells[1])
			}
		}
	}
	require.NotEmpty(t, terms, "docs/glossary.md refuses no word")
	patterns := map[string]*regexp.Regexp{}
	for word := range terms {
		patterns[word] = regexp.MustCompile(`(?i)\b` + regexp.QuoteMeta(word) + `s?\b`)
	}
	var violations []string
	eachLine(t, project, func(name string, number int, _, line string) {
		for word, pattern := range patterns {
			if pattern.MatchString(line) {
				violations = append(violations, fmt.Sprintf("%s:%d: %q: the glossary's term is %q", name, number, word, terms[word]))
			}
		}
	})
	return violations
}

func TestSentencesArePlain(t *testing.T) { keeps(t, sentencesArePlain) }

func TestTermsHaveOneName(t *testing.T) { keeps(t, termsHaveOneName) }

func TestTellsAreRefused(t *testing.T) {
	refuses(t, sentencesArePlain, map[string]string{
		"mage/a.go":           "package a\n\n// a is no file.\n// There is no file, there\n// is no other, there may well be no third, and it is no longer here.\nfunc TestPathIsNoFile() {}\n",
		"docs/a.md":           "It waits in vain.\nRun it anew beside the other.\n",
		"values/a.yaml":       "# Mended by hand; the link leads to no page.\n",
		"images/a/app.py":     "\"\"\"The wish of a person.\"\"\"\n",
		peoplesWords + "a.py": "WORDS = r\"wish|anew\"  # what is no word\n",
		"a.txt":               "in vain\n", "CONTRIBUTING.md": "not \"is no\"\n",
	},
		`mage/a.go:3: "is no": write "is not a" or "there is no"`,
		`mage/a.go:6: "func TestPathIsNoFile": write a name with plain words`,
		`docs/a.md:1: "in vain": write "without success" or "without effect"`,
		`docs/a.md:2: "anew": write "again"`,
		`docs/a.md:2: "beside": write "next to", "along with" or "besides"`,
		`values/a.yaml:1: "Mended": write "repair" or "fix"`,
		`values/a.yaml:1: "leads to no": write what is missing, as in "the link has no target"`,
		`images/a/app.py:1: "wish": write "intent" or "wanted"`,
		peoplesWords+`a.py:1: "is no": write "is not a" or "there is no"`,
	)
}

func TestOtherWordsForTermsAreRefused(t *testing.T) {
	refuses(t, termsHaveOneName, map[string]string{
		"docs/glossary.md": "| term | meaning | not |\n|---|---|---|\n| scenario | One test. | chapter, stage |\n| check, verdict | A question. | |\n",
		"mage/a.go":        "package a\n\n// Chapters follow one another in a stage.\n",
		"docs/a.md":        "A scenario.\n",
	}, `mage/a.go:3: "chapter": the glossary's term is "scenario"`)
}
