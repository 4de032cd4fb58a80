package kube

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

var (
	errNotReady  = errors.New("not ready")
	errForbidden = apierrors.NewForbidden(pods, "a", errors.New("no"))
)

func TestPollTriesAtOnceAndThenAtItsInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		err := Poll{Every: time.Second}.Until(t.Context(), func(context.Context) error {
			if at = append(at, time.Since(began)); len(at) < 3 {
				return errNotReady
			}
			return nil
		})
		require.NoError(t, err)
		assert.Equal(t, []time.Duration{0, time.Second, 2 * time.Second}, at)
	})
}

func TestPollReturnsTheLastErrorWhenItsBoundPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := Poll{Within: time.Second}.Until(t.Context(), func(context.Context) error { return errNotReady })
		require.EqualError(t, err, "after 1s: not ready")
		assert.ErrorIs(t, err, errNotReady)
	})
}

func TestPollLetsAnAttemptFinishWhenItsBoundPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := Poll{Within: time.Second}.Until(t.Context(), func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(5 * time.Second):
				return errNotReady
			}
		})
		assert.EqualError(t, err, "after 1s: not ready")
	})
}

func TestPollBoundsEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		err := Poll{Attempt: 2 * time.Second}.Until(t.Context(), func(ctx context.Context) error {
			if attempts++; attempts > 1 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})
		require.NoError(t, err)
		assert.Equal(t, 2, attempts)
	})
}

func TestPollEndsWithItsContextAndKeepsTheLastError(t *testing.T) {
	interrupted := errors.New("interrupted")
	for name, first := range map[string]error{
		"interrupted; last error: not ready": errNotReady,
		"interrupted":                        context.Canceled, // the only attempt was cut short
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			err := Poll{Every: time.Millisecond}.Until(ctx, func(context.Context) error {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				cancel(interrupted)
				return first
			})
			require.EqualError(t, err, name)
			assert.ErrorIs(t, err, interrupted)
		})
	}
}

func TestPollStopsAtErrorsThatWaitingDoesNotChange(t *testing.T) {
	for name, c := range map[string]struct {
		poll  Poll
		tried error
		want  error
	}{
		"refusal":                              {Poll{}, errForbidden, errForbidden},
		"error made by Stop":                   {Poll{}, Stop(errNotReady), errNotReady},
		"error made by Stop, refusals retried": {Poll{RetryRefusals: true}, Stop(errForbidden), errForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			attempts := 0
			err := c.poll.Until(t.Context(), func(context.Context) error { attempts++; return c.tried })
			assert.Equal(t, c.want, err)
			assert.Equal(t, 1, attempts)
		})
	}
}

func TestPollRetriesRefusalsWhereAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		err := Poll{RetryRefusals: true}.Until(t.Context(), func(context.Context) error {
			if attempts++; attempts == 1 {
				return errForbidden
			}
			return nil
		})
		require.NoError(t, err)
		assert.Equal(t, 2, attempts)
	})
}
