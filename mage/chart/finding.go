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
	File    string // chart file, values file, or the origin of an override
	Line    int    // 1-based; 0 where it is not known
	Key     string // key or field, such as "frontend.replicas"; may be empty
	Message string // what is wrong and, where there is one, the cure
}

func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	if f.Key != "" {
		fmt.Fprintf(&b, ": %s", f.Key)
	}
	fmt.Fprintf(&b, ": %s", f.Message)
	return b.String()
}

// Findings are sorted by file, line and key, without repetition.
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
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Key, b.Key), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(f)
}
