// Package smoke proves that a deployed application works, by using it as a
// browser would: over HTTP, through its published address, and through nothing
// else. It is not a load test, and it knows neither clusters nor releases.
package smoke

import (
	"context"
	"fmt"
	"slices"
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

// Run runs the checks one after another, each within its bound, and reports
// each to r, which may be nil. A check whose needs did not pass is skipped, as
// are all that are left when ctx ends.
func Run(ctx context.Context, checks []Check, r *progress.Reporter) Verdict {
	ctx, cancel := context.WithTimeoutCause(ctx, Overall, fmt.Errorf("the checks took longer than %s", Overall))
	defer cancel()
	var verdict Verdict
	passed := map[string]bool{}
	for _, check := range checks {
		step := r.Start("smoke", check.Name)
		result := Result{Name: check.Name, Outcome: Skipped}
		if reason := blocked(ctx, check, passed); reason != "" {
			result.Detail = reason
			step.Done(string(Skipped), reason)
		} else {
			if check.Cleanup != nil {
				defer clean(ctx, check, r)
			}
			result = perform(ctx, check)
			finish(step, result)
		}
		passed[check.Name] = result.Outcome == Passed
		verdict.Results = append(verdict.Results, result)
	}
	return verdict
}

func blocked(ctx context.Context, check Check, passed map[string]bool) string {
	if ctx.Err() != nil {
		return "not run: " + context.Cause(ctx).Error()
	}
	if i := slices.IndexFunc(check.Needs, func(name string) bool { return !passed[name] }); i >= 0 {
		return fmt.Sprintf("needs %q, which did not pass", check.Needs[i])
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
