package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Error is an error that the user can fix by another command line, file or variable:
// *Unknown or *Invalid. Its exit status is 2; mage exits with it.
type Error interface {
	error
	ExitStatus() int
}

const usage = 2

// Unknown reports that no environment has the name.
type Unknown struct {
	Name  string
	Known []string // sorted
}

// ExitStatus makes Unknown an Error.
func (*Unknown) ExitStatus() int { return usage }

func (u *Unknown) Error() string {
	if len(u.Known) == 0 {
		return fmt.Sprintf("unknown environment %q: no environment exists yet; write values/dev.yaml with a pipeline block (README, settings)", u.Name)
	}
	message := fmt.Sprintf("unknown environment %q; known are %s", u.Name, strings.Join(u.Known, ", "))
	if err := label(u.Name, 40); err != nil {
		return message
	}
	return message + fmt.Sprintf("; to add it, copy values/%s.yaml to values/%s.yaml and change its namespace, url.port and nodePort", u.Known[0], u.Name)
}

// Invalid holds every problem of one environment.
type Invalid struct {
	Environment string // empty if the folder of the environments cannot be read
	Problems    []Problem
}

// ExitStatus makes Invalid an Error.
func (*Invalid) ExitStatus() int { return usage }

func (v *Invalid) Error() string {
	what := "configuration"
	if v.Environment != "" {
		what = fmt.Sprintf("configuration of environment %q", v.Environment)
	}
	if len(v.Problems) == 1 {
		return what + ": " + v.Problems[0].Error()
	}
	lines := []string{fmt.Sprintf("%s: %d problems", what, len(v.Problems))}
	for _, p := range v.Problems {
		lines = append(lines, "  "+p.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the problems one by one.
func (v *Invalid) Unwrap() []error {
	errs := make([]error, len(v.Problems))
	for i, p := range v.Problems {
		errs[i] = p
	}
	return errs
}

// Problem is one mistake in a file or a variable.
type Problem struct {
	File     string // below the project's root, with forward slashes
	Line     int    // 0 if something is missing
	Key      string // such as pipeline.url.port; may be empty
	Variable string // environment variable with the value, if it comes from one
	Message  string
}

func (p Problem) Error() string {
	where := p.File
	switch {
	case p.Variable != "":
		where = "environment variable " + p.Variable
	case p.Line > 0:
		where = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	if p.Key != "" && p.Variable == "" {
		where += ": " + p.Key
	}
	return where + ": " + p.Message
}

// faults collects the problems of one file and the variables that override it.
type faults struct {
	file       string
	found      []Problem
	unreadable bool               // missing settings cannot be reported
	origin     map[string]Problem // by key: the location of its value, without a message
}

func newFaults(file string) *faults { return &faults{file: file, origin: map[string]Problem{}} }

func (f *faults) add(line int, key, format string, args ...any) {
	f.found = append(f.found, Problem{File: f.file, Line: line, Key: key, Message: fmt.Sprintf(format, args...)})
}

// report adds err, unless it is nil, with the location of the key's value.
func (f *faults) report(key string, err error) {
	if err == nil {
		return
	}
	p := f.origin[key]
	p.Message = err.Error()
	f.found = append(f.found, p)
}

// cause is the message of a file error without the path, which the problem names.
func cause(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
