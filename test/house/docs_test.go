package house

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// handbook returns the files of the documentation for users.
func handbook(t *testing.T, project fs.FS) []string {
	t.Helper()
	return slices.DeleteFunc(files(t, project, ".md"), func(name string) bool {
		return name != "README.md" && path.Dir(name) != "docs"
	})
}

var (
	fenced  = regexp.MustCompile("(?ms)^```.*?^```\\s*?$")
	span    = regexp.MustCompile("`([^`]+)`")
	comment = regexp.MustCompile(`\s#.*`)
	// calling matches mage with its arguments, up to another command.
	calling  = regexp.MustCompile(`(?:^|\s)mage\s+([^;&|]+)`)
	targeted = regexp.MustCompile(`^[a-zA-Z0-9]+:[a-zA-Z0-9]+\b`)
	linked   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	proving  = regexp.MustCompile(`(?:^|/)tests?/|[._]test\.`)
)

// documentedCommandsExist requires that the magefile declares every mage command of the
// handbook with its options and arguments, and every target NAMESPACE:NAME in code.
func documentedCommandsExist(t *testing.T, project fs.FS) []string {
	commands := commandsOf(t, read(t, project, "magefile.go"))
	var violations []string
	for _, name := range handbook(t, project) {
		text := read(t, project, name)
		var code []string
		for _, block := range fenced.FindAllString(text, -1) {
			code = append(code, strings.Split(comment.ReplaceAllString(block, ""), "\n")...)
		}
		for _, found := range span.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			inline := strings.Join(strings.Fields(found[1]), " ")
			if namespace, _, _ := strings.Cut(inline, ":"); targeted.MatchString(inline) && commands.has(namespace) {
				inline = "mage " + inline
			}
			code = append(code, inline)
		}
		for _, line := range code {
			for _, call := range calling.FindAllStringSubmatch(line, -1) {
				if why := commands.refuse(strings.Fields(call[1])); why != "" {
					violations = append(violations, fmt.Sprintf("%s: `mage %s`: %s", name, strings.TrimSpace(call[1]), why))
				}
			}
		}
	}
	return violations
}

// documentedLinksHaveTargets requires that the file and the heading of each link exist.
func documentedLinksHaveTargets(t *testing.T, project fs.FS) []string {
	var violations []string
	for _, name := range handbook(t, project) {
		for _, found := range linked.FindAllStringSubmatch(fenced.ReplaceAllString(read(t, project, name), ""), -1) {
			file, heading, _ := strings.Cut(found[1], "#")
			if strings.Contains(found[1], ":") {
				continue // a URL
			}
			target := name
			if file != "" {
				target = path.Join(path.Dir(name), file)
			}
			if _, err := fs.Stat(project, target); err != nil {
				violations = append(violations, fmt.Sprintf("%s: the link %s has no target file", name, found[1]))
			} else if heading != "" && !slices.Contains(headings(read(t, project, target)), heading) {
				violations = append(violations, fmt.Sprintf("%s: the link %s has no target heading", name, found[1]))
			}
		}
	}
	return violations
}

// troubles has tables that quote the pipeline's messages as code in the first column.
const troubles = "docs/troubleshooting.md"

// quotedWordsArePrinted requires that one line of a source contains each of these quotes;
// "…" matches any text.
func quotedWordsArePrinted(t *testing.T, project fs.FS) []string {
	var sources []string
	for _, name := range files(t, project, ".go", ".py", ".ts", ".mjs", ".sh", ".tpl", "entrypoint") {
		if !proving.MatchString(name) {
			sources = append(sources, read(t, project, name))
		}
	}
	printed := func(quote string) bool {
		parts := strings.Split(quote, "…")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(strings.TrimSpace(parts[i]))
		}
		words := regexp.MustCompile(strings.Join(parts, `[^\n]*`))
		return slices.ContainsFunc(sources, words.MatchString)
	}
	var violations []string
	for line := range strings.Lines(read(t, project, troubles)) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 || strings.TrimSpace(cells[0]) != "" {
			continue
		}
		for _, quote := range span.FindAllStringSubmatch(cells[1], -1) {
			if !printed(quote[1]) {
				violations = append(violations, fmt.Sprintf("%s: nothing prints %q", troubles, quote[1]))
			}
		}
	}
	return violations
}

// headings returns the link anchors of a file's headings.
func headings(text string) []string {
	var all []string
	for line := range strings.Lines(fenced.ReplaceAllString(text, "")) {
		title, isHeading := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
		if !strings.HasPrefix(line, "#") || !isHeading {
			continue
		}
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(title)))
	}
	return all
}

func TestDocumentedCommandsExist(t *testing.T) { keeps(t, documentedCommandsExist) }

func TestDocumentedLinksHaveTargets(t *testing.T) { keeps(t, documentedLinksHaveTargets) }

func TestQuotedWordsArePrinted(t *testing.T) { keeps(t, quotedWordsArePrinted) }

const magefile = `package main

var Aliases = map[string]any{"clean": Clean.Deployed, "check": Doctor}

type Deploy mg.Namespace

func (Deploy) Dev(ctx context.Context, yes *bool) error { return nil }
func (Deploy) To(ctx context.Context, env string, yes, keepFailed *bool) error { return nil }
func (Clean) Deployed(env *string) error { return nil }
func Doctor() error { return nil }
func helper() error { return nil }
`

func TestUnknownDocumentedCommandsAreRefused(t *testing.T) {
	refuses(t, documentedCommandsExist, map[string]string{
		"magefile.go": magefile,
		"README.md":   "Run `mage deploy:dev`, `go tool mage deploy:prod`, `mage -l`, `mage deploy:dev -now` or\n`mage\ndeploy:stage`; `mage helper`, `mage …` and\n```console\n$ go tool mage clean -env=qa   # and mage gone:wrong\n$ go tool mage clen\n```\n",
		"docs/a.md":   "`deploy:to <env>`, `deploy:to qa -yes -keepFailed`, `deploy:to`, `deploy:nowhere` and `node:24-alpine`. `mage check doctor -v`. mage is a word, and so is mage nonsense.\n",
		"docs/b.md":   "    indented\n\n`TODO_PORT=1 go tool mage doctor` and `mage -x doctor`, `mage -t 5m DOCTOR`, `mage deploy:to qa prod`, `mage/targets`\n",
		"notes.md":    "`mage nothing`",
	},
		"README.md: `mage deploy:prod`: there is no such target",
		"README.md: `mage deploy:dev -now`: deploy:dev has no option -now",
		"README.md: `mage deploy:stage`: there is no such target",
		"README.md: `mage helper`: there is no such target",
		"README.md: `mage clen`: there is no such target",
		"docs/a.md: `mage deploy:to`: deploy:to wants 1 more argument",
		"docs/a.md: `mage deploy:nowhere`: there is no such target",
		"docs/a.md: `mage check doctor -v`: doctor has no option -v",
		"docs/b.md: `mage -x doctor`: mage has no option -x",
		"docs/b.md: `mage deploy:to qa prod`: there is no such target",
	)
}

func TestBrokenLinksAreRefused(t *testing.T) {
	refuses(t, documentedLinksHaveTargets, map[string]string{
		"README.md": "[a](docs/a.md) [b](docs/b.md) [mage](https://magefile.org) [here](#the-title-of-it) [there](#nowhere)\n\n# The title, of it\n",
		"docs/a.md": "[up](../README.md#the-title-of-it) [next](b.md) [folder](../mage) [gone](../README.md#gone)\n```\n[c](c.md)\n# gone\n```\n",
		"mage/a.go": "package a\n",
	},
		"README.md: the link docs/b.md has no target file",
		"README.md: the link #nowhere has no target heading",
		"docs/a.md: the link b.md has no target file",
		"docs/a.md: the link ../README.md#gone has no target heading",
	)
}

func TestQuotesThatNothingPrintsAreRefused(t *testing.T) {
	refuses(t, quotedWordsArePrinted, map[string]string{
		"mage/a.go":         "package a\n\nvar err = fmt.Errorf(\"port %d is taken: %w\")\nvar next = \"by hand\"\n",
		"mage/a_test.go":    "package a\n\nvar text = \"only in a test\"\n",
		"images/a/app/x.py": "raise ValueError(f\"{name} is empty\")\n",
		troubles:            "| says | cause |\n|---|---|\n| `port … is taken`, `is empty` | `nothing here` |\n| `port … is free` | |\n| `taken … by hand` | on two lines |\n| `only in a test` | |\n| words | |\nA line with `other code`.\n",
	},
		troubles+`: nothing prints "port … is free"`,
		troubles+`: nothing prints "taken … by hand"`,
		troubles+`: nothing prints "only in a test"`,
	)
}
