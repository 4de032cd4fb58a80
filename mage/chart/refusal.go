package chart

import (
	"errors"
	"path"
	"regexp"
	"slices"
	"strconv"

	"helm.sh/helm/v3/pkg/chart"
)

// templateError is what a template of the chart cannot do, or refuses.
type templateError struct{ error }

func (e *templateError) Unwrap() error { return e.error }

// How Helm reports what `required` and `fail` say, and what a template cannot
// do: where, and why.
var (
	refusal = regexp.MustCompile(`(?s)^execution error at \((.+?):(\d+):\d+\): (.*)$`)
	failure = regexp.MustCompile(`(?s)^template: (.+?):(\d+):\d+: (.*)$`)
)

// finding places the error in the chart, as far as it says where it happened.
func (e *templateError) finding(c *chart.Chart) Finding {
	for _, form := range []*regexp.Regexp{refusal, failure} {
		if at := form.FindStringSubmatch(e.Error()); at != nil {
			line, _ := strconv.Atoi(at[2]) // the expression lets digits through only
			return Finding{Rule: ruleTemplate, File: at[1], Line: line, Message: at[3]}
		}
	}
	return Finding{Rule: ruleTemplate, File: path.Join(c.Name(), "templates"), Message: e.Error()}
}

// refused is what a template refuses, and what it was given.
type refused struct {
	chart     *chart.Chart
	values    Values
	opts      Options
	effective map[string]any
	finding   Finding
}

// blame notes with a template's refusal the values that it comes from. As trace
// does, it asks: it takes a value away, or gives another, and renders. The
// chart's own values are asked only where none of the user's is the cause.
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

// outcome is what becomes of a refusal when a value is another; the better the
// less.
type outcome int

const (
	nothing outcome = iota // nothing is refused any more
	another                // something else is refused
	same
)

// causes returns those of the values without which nothing is refused; where
// there are none, those without which something else is.
func (r refused) causes(paths [][]string) [][]string {
	byOutcome := map[outcome][][]string{}
	for _, leaf := range paths {
		became := same
		if now, there := follow(r.effective, leaf); there { // what the user took away has no kind to keep
			instead := r.values.Map()
			put(instead, leaf, other(now), r.effective)
			became = r.after(instead)
		}
		if without := r.values.Map(); takeAway(without, leaf) {
			became = min(became, r.after(without))
		}
		byOutcome[became] = append(byOutcome[became], leaf)
	}
	if len(byOutcome[nothing]) > 0 {
		return byOutcome[nothing]
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
			return nothing
		}
		return same // without its subchart no template refuses anything
	}
	broken, ok := errors.AsType[*templateError](err)
	if !ok || !refusal.MatchString(broken.Error()) {
		return same // the other value is of no use to the template
	}
	now := broken.finding(r.chart)
	if now.File == r.finding.File && now.Line == r.finding.Line && now.Message == r.finding.Message {
		return same
	}
	return another
}

// takeAway removes the value at path, if it is the user's and not in a list.
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
