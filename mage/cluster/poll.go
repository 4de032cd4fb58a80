package cluster

import (
	"context"
	"fmt"
	"time"

	"todo-chatbot/mage/kube"
)

const (
	pollEvery = 200 * time.Millisecond
	pollTry   = 5 * time.Second // one attempt; a stuck connection must not eat the whole bound
)

// poll calls try until it returns nil, the bound has passed or ctx ends. It
// keeps the last error, which says what was waited for in vain. An attempt
// under way when the bound passes is let finish, for the sake of its error. It
// does not wait for trust or a login, which do not come by themselves. Other
// refusals may pass: a new cluster refuses its administrator for some seconds.
func poll(ctx context.Context, bound time.Duration, try func(context.Context) error) error {
	over := time.NewTimer(bound)
	defer over.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var last error
	for {
		once, done := context.WithTimeout(ctx, pollTry)
		err := try(once)
		done()
		if err == nil || kube.Untrusted(err) {
			return err
		}
		if last == nil || ctx.Err() == nil { // an attempt cut short says less than the one before
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; last: %w", context.Cause(ctx), last)
		case <-over.C:
			return fmt.Errorf("after %s: %w", bound, last)
		case <-tick.C:
		}
	}
}
