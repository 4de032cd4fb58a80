// Package doctor checks what a deploy needs, and names a fix for each problem.
// It gathers Facts and decides Findings from them; it changes nothing and
// prints nothing.
package doctor

import (
	"fmt"
	"strings"
)

// Level says how serious a Finding is.
type Level string

// Levels of a Finding.
const (
	OK   Level = "ok"
	Warn Level = "warn" // a deploy works, or fixes the problem itself
	Fail Level = "fail" // a deploy fails
)

// Finding is the result of one check.
type Finding struct {
	Level Level
	Name  string
	Found string
	Fix   string // empty where the user has nothing to do
}

// Findings are in the order in which a deploy needs their subjects.
type Findings []Finding

// Err is nil unless a finding has the level Fail.
func (all Findings) Err() error {
	var failed []string
	for _, f := range all {
		if f.Level == Fail {
			failed = append(failed, f.Name)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d checks fail: %s: the fixes are in the table", len(failed), len(all), strings.Join(failed, ", "))
}
