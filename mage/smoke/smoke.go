// Package smoke checks a deployed application as a browser uses it: over HTTP, through
// its published address only. It is not a load test, and it does not know clusters or
// releases.
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

// Check asks the running application one question.
type Check struct {
	Name  string        // area and fact, such as "task: create"; unique
	Needs []string      // earlier checks that must pass first
	Bound time.Duration // 0 means PerCheck

	// Run returns a short detail to show, or the cause of the failure.
	Run func(ctx context.Context) (detail string, err error)
	// Cleanup removes data that Run created and no later check removed. It may be nil.
	// It is called after all checks, also after an interrupt.
	Cleanup func(ctx context.Context) error
}

// area returns the part of the name before the colon, or "".
func (c Check) area() string {
	return c.Name[:max(0, strings.Index(c.Name, ":"))]
}

// Outcome is the outcome of a check.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped"
)

// Result is the result of one check.
type Result struct {
	Name     string
	Outcome  Outcome
	Duration time.Duration
	Err      error  // set if the check failed
	Detail   string // detail of a passed check, or the reason for skipping it
}

// Verdict is the result of all checks, in their order.
type Verdict struct {
	Results []Result
}

// OK reports whether all checks passed. Without checks it is false.
func (v Verdict) OK() bool {
	for _, r := range v.Results {
		if r.Outcome != Passed {
			return false
		}
	}
	return len(v.Results) > 0
}

// Failed returns the names of failed checks, without skipped ones.
func (v Verdict) Failed() []string {
	var names []string
	for _, r := range v.Results {
		if r.Outcome == Failed {
			names = append(names, r.Name)
		}
	}
	return names
}

// Run runs the checks, each within its bound, and reports each to r, which may be nil.
// Areas run concurrently, and the checks of one area run one after another. A check
// starts after the checks that it needs. It is skipped if one of them did not pass, or
// if ctx has ended.
func Run(ctx context.Context, checks []Check, r *progress.Reporter) Verdict {
	ctx, cancel := context.WithTimeoutCause(ctx, Overall, fmt.Errorf("the checks took longer than %s", Overall))
	defer cancel()
	turns := make([]*turn, len(checks))
	last := map[string]*turn{} // by area
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

// turn is a scheduled check.
type turn struct {
	check  Check
	after  *turn   // the previous check of the area, or nil
	needs  []*turn // an element is nil if there is no such earlier check
	done   chan struct{}
	result Result // valid after done is closed
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

// clean calls Cleanup with a context of its own, so that it also works after Ctrl-C. A
// failure is printed and does not change the verdict.
func clean(ctx context.Context, check Check, r *progress.Reporter) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), cleanupBound, &tooSlow{cleanupBound})
	defer cancel()
	if err := check.Cleanup(ctx); err != nil {
		r.Note("smoke    %s: test data was not removed: %v", check.Name, err)
	}
}

// tooSlow is the cause of a context that a bound has ended.
type tooSlow struct{ bound time.Duration }

func (t *tooSlow) Error() string { return fmt.Sprintf("no answer within %s", t.bound) }

// Unwrap makes tooSlow a context.DeadlineExceeded.
func (t *tooSlow) Unwrap() error { return context.DeadlineExceeded }
