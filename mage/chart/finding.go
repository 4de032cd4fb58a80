package chart

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Finding is one fault of a chart or of its values.
type Finding struct {
	Rule    string // name of the broken rule; Rules has its reason
	File    string // chart file, values file, or the origin of an override
	Line    int    // 1-based; 0 if unknown
	Object  string // kind and name of a rendered resource; empty if the finding is not about one
	Key     string // key of the values, or field of the object; may be empty
	Message string
	Fix     string // the next step; empty if the message says it
	Origin  string // the values that decide the field; empty if they were not traced
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
	if f.Fix != "" {
		b.WriteString("; " + f.Fix)
	}
	if f.Origin != "" {
		fmt.Fprintf(&b, " (%s)", f.Origin)
	}
	if f.Object != "" {
		fmt.Fprintf(&b, " [%s]", f.Rule)
	}
	return b.String()
}

// Findings are sorted by file, line, object and key, without duplicates.
type Findings []Finding

// Err returns all findings as one error with a line each. Without findings it is nil.
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

// place identifies a mistake: two renderings can report the same one with
// different messages.
type place struct{ rule, file, object, key string }

func (f Finding) place() place { return place{f.Rule, f.File, f.Object, f.Key} }
