// Package smoke proves that a deployed application works, by using it as a
// browser would: over HTTP, through its published address, and through nothing
// else. It is not a load test, and it knows neither clusters nor releases.
package smoke

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"todo-chatbot/mage/progress"
)

const (
	// PerCheck bounds a check that sets no bound of its own.
	PerCheck = 5 * time.Second
	// Overall bounds all checks of one Run together.
	Overall = 90 * time.Second

	cleanupBound = 5 * time.Second
)

// Check is one fact about the running application.
type Check struct {
	Name  string        // area and fact, such as "task: create"; unique
	Needs []string      // earlier checks without which this one would say nothing
	Bound time.Duration // 0 means PerCheck

	// Run returns a few words worth showing, or what is wrong.
	Run func(ctx context.Context) (detail string, err error)
	// Cleanup removes what Run made and no later check removed. It may be nil,
	// and is called after all checks, also when they were interrupted.
	Cleanup func(ctx context.Context) error
}

// area is what the check's name begins with, or "".
func (c Check) area() string {
	return c.Name[:max(0, strings.Index(c.Name, ":"))]
}

// Outcome is what became of a check.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped"
)

// Result is one check's part of a Verdict.
type Result struct {
	Name     string
	Outcome  Outcome
	Duration time.Duration
	Err      error  // only of a failed check
	Detail   string // of a passed check, or why one was skipped
}

// Verdict holds the results in the order of the checks.
type Verdict struct {
	Results []Result
}

// OK reports whether there were checks and all of them passed.
func (v Verdict) OK() bool {
	for _, r := range v.Results {
		if r.Outcome != Passed {
			return false
		}
	}
	return len(v.Results) > 0
}

// Failed names the checks that failed, not those skipped because of them.
func (v Verdict) Failed() []string {
	var names []string
	for _, r := range v.Results {
		if r.Outcome == Failed {
			names = append(names, r.Name)
		}
	}
	return names
}

// Run runs the checks, each within its bound, and reports each to r, which may
// be nil. Checks of one area go one after another, areas at the same time, and
// each after what it needs; one whose needs did not pass is skipped, as are all
// that are left when ctx ends.
func Run(ctx context.Context, checks []Check, r *progress.Reporter) Verdict {
	ctx, cancel := context.WithTimeoutCause(ctx, Overall, fmt.Errorf("the checks took longer than %s", Overall))
	defer cancel()
	turns := make([]*turn, len(checks))
	last := map[string]*turn{} // of each area
	named := map[string]*turn{}
	for i, check := range checks {
		area := check.area()
		t := &turn{check: check, after: last[area], needs: make([]*turn, len(check.Needs)), done: make(chan struct{})}
		for i, name := range check.Needs {
			t.needs[i] = named[name]
		}
		turns[i], last[area], named[check.Name] = t, t, t
		go t.take(ctx, r)
	}
	var verdict Verdict
	for _, t := range turns {
		<-t.done
		verdict.Results = append(verdict.Results, t.result)
	}
	for _, t := range slices.Backward(turns) {
		if t.check.Cleanup != nil && t.result.Outcome != Skipped {
			clean(ctx, t.check, r)
		}
	}
	return verdict
}

// turn is one check's place among the others.
type turn struct {
	check  Check
	after  *turn   // the check before it in its area, or nil
	needs  []*turn // nil for what is no earlier check
	done   chan struct{}
	result Result // once done is closed
}

func (t *turn) take(ctx context.Context, r *progress.Reporter) {
	defer close(t.done)
	for _, other := range append(t.needs, t.after) {
		if other != nil {
			<-other.done
		}
	}
	step := r.Start("smoke", t.check.Name)
	if reason := t.blocked(ctx); reason != "" {
		t.result = Result{Name: t.check.Name, Outcome: Skipped, Detail: reason}
		step.Done(string(Skipped), reason)
		return
	}
	t.result = perform(ctx, t.check)
	finish(step, t.result)
}

func (t *turn) blocked(ctx context.Context) string {
	if ctx.Err() != nil {
		return "not run: " + context.Cause(ctx).Error()
	}
	if i := slices.IndexFunc(t.needs, func(n *turn) bool { return n == nil || n.result.Outcome != Passed }); i >= 0 {
		return fmt.Sprintf("needs %q, which did not pass", t.check.Needs[i])
	}
	return ""
}

func perform(ctx context.Context, check Check) Result {
	bound := check.Bound
	if bound == 0 {
		bound = PerCheck
	}
	ctx, cancel := context.WithTimeoutCause(ctx, bound, &tooSlow{bound})
	defer cancel()
	began := time.Now()
	detail, err := check.Run(ctx)
	result := Result{Name: check.Name, Outcome: Passed, Duration: time.Since(began), Detail: detail}
	if err != nil {
		result.Outcome, result.Err, result.Detail = Failed, err, ""
	}
	return result
}

func finish(step *progress.Step, result Result) {
	if result.Err != nil {
		fmt.Fprintln(step, result.Err)
		_ = step.Fail(result.Err)
		return
	}
	step.Done("ok", result.Detail)
}

// clean gives a check's Cleanup time of its own, so that it also runs after
// Ctrl-C. What cannot be removed is said, and does not change the verdict.
func clean(ctx context.Context, check Check, r *progress.Reporter) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), cleanupBound, &tooSlow{cleanupBound})
	defer cancel()
	if err := check.Cleanup(ctx); err != nil {
		r.Note("smoke    %s: left something behind: %v", check.Name, err)
	}
}

// tooSlow is the cause of a context that ended because of a check's bound.
type tooSlow struct{ bound time.Duration }

func (t *tooSlow) Error() string { return fmt.Sprintf("no answer within %s", t.bound) }

// Unwrap makes it a context.DeadlineExceeded, as without a cause.
func (t *tooSlow) Unwrap() error { return context.DeadlineExceeded }
