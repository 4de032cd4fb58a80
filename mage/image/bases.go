package image

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// scratch is the empty base, which has no image.
const scratch = "scratch"

// Base is the image of an upstream reference in a Dockerfile.
type Base struct {
	Ref    string   // as Refs returns it
	Image  v1.Image // used instead of Ref; if nil, BuildKit pulls Ref at Digest
	Digest v1.Hash  // of the image; may be empty if Image is set
}

// stage is one stage with its dependencies.
type stage struct {
	name     string
	needs    []int // other stages
	upstream []string
}

func (df *dockerfile) bases(src Source) ([]string, error) {
	stages, problems := df.resolve(src)
	target := len(stages) - 1
	if src.Target != "" {
		target = slices.IndexFunc(stages, func(s stage) bool { return strings.EqualFold(s.name, src.Target) })
		if target < 0 {
			problems = append(problems, fmt.Errorf("%s: no stage is named %q", df.path, src.Target))
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	found := []string{}
	seen := make([]bool, len(stages))
	queue := []int{target}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		if seen[i] {
			continue
		}
		seen[i] = true
		found = append(found, stages[i].upstream...)
		queue = append(queue, stages[i].needs...)
	}
	if df.syntax != "" {
		found = append(found, df.syntax)
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// resolve finds the dependencies of every stage by the rules of BuildKit's frontend:
// FROM sees earlier stages only, --from sees all stages, and names ignore case.
func (df *dockerfile) resolve(src Source) (stages []stage, problems []error) {
	lex := shell.NewLex(df.escape)
	env, problems := df.globals(src, lex)
	stages = make([]stage, len(df.stages))
	named := map[string]int{}
	report := func(ranges []parser.Range, format string, args ...any) {
		problems = append(problems, at(df.path, line(ranges), fmt.Errorf(format, args...)))
	}
	need := func(i int, ref string, ranges []parser.Range) {
		if j, ok := named[strings.ToLower(ref)]; ok {
			stages[i].needs = append(stages[i].needs, j)
		} else if ref != scratch {
			short, err := shortName(ref)
			if err != nil {
				report(ranges, "%q is neither a stage nor an image: %w", ref, err)
			}
			stages[i].upstream = append(stages[i].upstream, short)
		}
	}
	for i, st := range df.stages {
		base, _, err := lex.ProcessWord(st.BaseName, env)
		switch {
		case err != nil:
			report(st.Location, "FROM %s: %w", st.BaseName, err)
		case base == "":
			report(st.Location, "FROM %s is empty: give its argument a default or a value", st.BaseName)
		default:
			need(i, base, st.Location)
		}
		stages[i].name = st.Name
		if st.Name != "" {
			named[strings.ToLower(st.Name)] = i
		}
	}
	for i, st := range df.stages {
		for _, from := range froms(st) {
			n, err := strconv.Atoi(from.ref)
			switch {
			case err == nil && from.copies && (n < 0 || n >= len(df.stages)):
				report(from.at, "--from=%d: there are %d stages, counted from 0", n, len(df.stages))
			case err == nil && from.copies:
				stages[i].needs = append(stages[i].needs, n)
			case strings.Contains(from.ref, "$"):
				report(from.at, "--from=%s: BuildKit does not expand variables here; name a stage that starts FROM it", from.ref)
			default:
				need(i, from.ref, from.at)
			}
		}
	}
	return stages, problems
}

// from is a COPY --from or a RUN --mount=from. COPY --from may be a number.
type from struct {
	ref    string
	copies bool
	at     []parser.Range
}

func froms(st instructions.Stage) []from {
	var found []from
	for _, command := range st.Commands {
		switch c := command.(type) {
		case *instructions.CopyCommand:
			if c.From != "" {
				found = append(found, from{c.From, true, c.Location()})
			}
		case *instructions.RunCommand:
			for _, m := range instructions.GetMounts(c) {
				if m.From != "" {
					found = append(found, from{m.From, false, c.Location()})
				}
			}
		}
	}
	return found
}

// globals are the variables of FROM: BuildKit's platform arguments
// and the ARG instructions before the first stage.
func (df *dockerfile) globals(src Source, lex *shell.Lex) (shell.EnvGetter, []error) {
	target := src.platform()
	values := map[string]string{
		"BUILDPLATFORM": "linux/" + runtime.GOARCH, "BUILDOS": "linux", "BUILDARCH": runtime.GOARCH, "BUILDVARIANT": "",
		"TARGETPLATFORM": target.String(), "TARGETOS": target.OS, "TARGETARCH": target.Architecture, "TARGETVARIANT": target.Variant,
	}
	for name := range values {
		if v, ok := src.Args[name]; ok {
			values[name] = v
		}
	}
	env := func() shell.EnvGetter {
		list := make([]string, 0, len(values))
		for k, v := range values {
			list = append(list, k+"="+v)
		}
		return shell.EnvsFromSlice(list)
	}
	var problems []error
	for _, command := range df.args {
		for _, arg := range command.Args {
			if v, ok := src.Args[arg.Key]; ok {
				values[arg.Key] = v
			} else if arg.Value != nil {
				v, _, err := lex.ProcessWord(*arg.Value, env())
				if err != nil {
					problems = append(problems, at(df.path, line(command.Location()), fmt.Errorf("ARG %s: %w", arg.Key, err)))
				}
				values[arg.Key] = v
			}
		}
	}
	return env(), problems
}

// shortName is the form of ref under which BuildKit looks up a named context.
func shortName(ref string) (string, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(reference.FamiliarString(reference.TagNameOnly(named)), ":latest"), nil
}
