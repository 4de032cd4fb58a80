package kube

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

const pollEvery = 250 * time.Millisecond

// Poll says how to wait for a condition; the zero value tries every 250 ms until
// the context ends.
type Poll struct {
	Every   time.Duration // between two attempts; 0 means 250 ms
	Within  time.Duration // bound of the whole wait; 0 means that only the context bounds it
	Attempt time.Duration // bound of one attempt, so that a stuck connection does not use up Within; 0 means none

	// RetryRefusals goes on after an answer such as "forbidden", which is final
	// otherwise: a new cluster refuses its administrator for some seconds.
	RetryRefusals bool
}

// Until calls try, at once and then every Every, until it returns nil. It returns
// early, with the error itself, when try returns a Final error or one made by
// Stop. When Within passes or ctx ends, the error contains the last error of
// try. An attempt that has begun before Within passes may finish.
func (p Poll) Until(ctx context.Context, try func(context.Context) error) error {
	every := p.Every
	if every <= 0 {
		every = pollEvery
	}
	bounded := ctx
	if p.Within > 0 {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, p.Within)
		defer cancel()
	}
	var last, end error
	waited := wait.PollUntilContextCancel(bounded, every, true, func(context.Context) (bool, error) {
		err := p.attempt(ctx, try)
		if err == nil {
			return true, nil
		}
		if end = p.final(err); end != nil {
			return true, nil
		}
		if last == nil || ctx.Err() == nil { // an attempt that ctx cut short says less than the one before
			last = err
		}
		return false, nil
	})
	switch {
	case end != nil:
		return end
	case waited == nil:
		return nil
	case ctx.Err() == nil:
		return fmt.Errorf("after %s: %w", p.Within, last)
	case errors.Is(last, ctx.Err()):
		return context.Cause(ctx)
	}
	return fmt.Errorf("%w; last error: %w", context.Cause(ctx), last)
}

func (p Poll) attempt(ctx context.Context, try func(context.Context) error) error {
	if p.Attempt > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.Attempt)
		defer cancel()
	}
	return try(ctx)
}

// final is the error with which the wait ends at once, or nil.
func (p Poll) final(err error) error {
	if stopped, ok := errors.AsType[*stop](err); ok {
		return stopped.err
	}
	if untrusted(err) || !p.RetryRefusals && Final(err) {
		return err
	}
	return nil
}

// Stop marks an error of an attempt as one that waiting does not change: Until
// returns err itself. Stop(nil) is nil.
func Stop(err error) error {
	if err == nil {
		return nil
	}
	return &stop{err}
}

type stop struct{ err error }

func (s *stop) Error() string { return s.err.Error() }
func (s *stop) Unwrap() error { return s.err }
