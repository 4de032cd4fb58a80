package chart

import (
	"errors"
	"path"
	"regexp"
	"slices"
	"strconv"

	"helm.sh/helm/v3/pkg/chart"
)

// templateError is an error that a template raises, or that its execution causes.
type templateError struct{ error }

func (e *templateError) Unwrap() error { return e.error }

// Helm reports the messages of `required` and `fail` in the first form, and other
// errors of a template in the second. Both name file, line and cause.
var (
	refusal = regexp.MustCompile(`(?s)^execution error at \((.+?):(\d+):\d+\): (.*)$`)
	failure = regexp.MustCompile(`(?s)^template: (.+?):(\d+):\d+: (.*)$`)
)

// finding returns the error as a finding, with file and line if the error names them.
func (e *templateError) finding(c *chart.Chart) Finding {
	for _, form := range []*regexp.Regexp{refusal, failure} {
		if at := form.FindStringSubmatch(e.Error()); at != nil {
			line, _ := strconv.Atoi(at[2]) // the expression matches digits only
			return Finding{Rule: ruleTemplate, File: at[1], Line: line, Message: at[3]}
		}
	}
	return Finding{Rule: ruleTemplate, File: path.Join(c.Name(), "templates"), Message: e.Error()}
}

// refused is a refusal of a template, with the values that caused it.
type refused struct {
	chart     *chart.Chart
	values    Values
	opts      Options
	effective map[string]any
	finding   Finding
}

// blame sets the origin of a template's refusal. Like trace, it removes or changes
// one value after another and renders. It tries the chart's defaults only if no
// value of the user is the cause.
func blame(c *chart.Chart, values Values, opts Options, found Finding) Finding {
	effective, err := effectiveValues(clone(c), values.Map())
	if err != nil {
		return found
	}
	r := refused{c, values, opts, effective, found}
	given := leaves(values.Map(), nil, nil)
	causes := r.causes(given)
	if len(causes) == 0 {
		causes = r.causes(slices.DeleteFunc(leaves(effective, nil, nil), func(leaf []string) bool {
			copied := len(leaf) > 1 && leaf[1] == "global"
			return copied || slices.ContainsFunc(given, func(g []string) bool { return slices.Equal(g, leaf) })
		}))
	}
	if len(causes) > 0 {
		t := tracer{chart: c, values: values, opts: opts, defaults: map[string]map[string]int{}}
		found.Origin = t.say(causes)
	}
	return found
}

// outcome is the result of a rendering with a changed value. A smaller outcome
// makes the value more likely to be the cause.
type outcome int

const (
	accepted outcome = iota // no template refuses anything
	another                 // a template refuses something else
	same                    // the refusal is the same
)

// causes returns the values whose change makes the chart acceptable. If there are
// none, it returns those whose change leads to another refusal.
func (r refused) causes(paths [][]string) [][]string {
	byOutcome := map[outcome][][]string{}
	for _, leaf := range paths {
		became := same
		if now, there := follow(r.effective, leaf); there { // a value that the user removed has no type to go by
			instead := r.values.Map()
			put(instead, leaf, other(now), r.effective)
			became = r.after(instead)
		}
		if without := r.values.Map(); takeAway(without, leaf) {
			became = min(became, r.after(without))
		}
		byOutcome[became] = append(byOutcome[became], leaf)
	}
	if len(byOutcome[accepted]) > 0 {
		return byOutcome[accepted]
	}
	return byOutcome[another]
}

func (r refused) after(user map[string]any) outcome {
	caps, err := capabilities(r.opts.KubeVersion)
	if err != nil {
		return same
	}
	files, err := execute(r.chart, user, r.opts, caps)
	if err == nil {
		if _, rendered := files[r.finding.File]; rendered {
			return accepted
		}
		return same // the change disabled the subchart that refuses
	}
	broken, ok := errors.AsType[*templateError](err)
	if !ok || !refusal.MatchString(broken.Error()) {
		return same // the template cannot use the changed value
	}
	now := broken.finding(r.chart)
	if now.File == r.finding.File && now.Line == r.finding.Line && now.Message == r.finding.Message {
		return same
	}
	return another
}

// takeAway removes the value at path from user values and reports whether it was
// there. It removes nothing from lists.
func takeAway(user map[string]any, path []string) bool {
	last := len(path) - 1
	table, _ := follow(user, path[:last])
	in, ok := table.(map[string]any)
	if !ok {
		return false
	}
	_, there := in[path[last]]
	delete(in, path[last])
	return there
}
