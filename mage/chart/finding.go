package chart

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Finding is one thing that is wrong with a chart or its values.
type Finding struct {
	Rule    string // name of the rule that it breaks; Rules says why there is one
	File    string // chart file, values file, or the origin of an override
	Line    int    // 1-based; 0 where it is not known
	Object  string // kind and name of a rendered resource; empty for what is not about one
	Key     string // key of the values, or field of the object; may be empty
	Message string // what is wrong
	Cure    string // what to do, where the message does not say it
	Origin  string // value that the field was rendered from; empty where it was not looked for
}

func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	for _, part := range []string{f.Object, f.Key, f.Message} {
		if part != "" {
			b.WriteString(": " + part)
		}
	}
	if f.Cure != "" {
		b.WriteString("; " + f.Cure)
	}
	if f.Origin != "" {
		fmt.Fprintf(&b, " (%s)", f.Origin)
	}
	if f.Object != "" {
		fmt.Fprintf(&b, " [%s]", f.Rule)
	}
	return b.String()
}

// Findings are sorted by file, line, object and key, without repetition.
type Findings []Finding

// Err returns all findings as one error, a line each, or nil.
func (f Findings) Err() error {
	errs := make([]error, 0, len(f))
	for _, finding := range f {
		errs = append(errs, errors.New(finding.String()))
	}
	return errors.Join(errs...)
}

func (f Findings) sorted() Findings {
	slices.SortFunc(f, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Object, b.Object),
			cmp.Compare(a.Key, b.Key), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(f)
}

// place is where a finding is and what it breaks: the same in two renderings is
// the same mistake, however it is worded.
type place struct{ rule, file, object, key string }

func (f Finding) place() place { return place{f.Rule, f.File, f.Object, f.Key} }
