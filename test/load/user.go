package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"todo-chatbot/test/person"
)

const (
	patience    = 30 * time.Second // for one answer
	joinsAtOnce = 2                // each costs the frontend a password hash
	joinTries   = 10
	// A person waits 0.5 to 1.5 seconds between two actions.
	shortestThought, longestThought = 500 * time.Millisecond, 1500 * time.Millisecond
	// keep is the number of todos that a person keeps.
	keep = 10
)

// user is a person with a list of todos.
type user struct {
	*person.Person
	todos []int64
	said  int
}

// join makes accounts, a few at a time; sign-up is not measured.
func join(ctx context.Context, base string, n int) ([]*user, error) {
	people := make([]*user, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(joinsAtOnce)
	for i := range n {
		group.Go(func() (err error) {
			people[i], err = newUser(ctx, base)
			return err
		})
	}
	return people, group.Wait()
}

func newUser(ctx context.Context, base string) (*user, error) {
	// Separate connections, as of a browser; no proxy, since it is this machine.
	client := &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 2}}
	u := &user{Person: person.New(base, "load", client)}
	for try := 1; ; try++ {
		err := u.SignUp(ctx)
		var other *person.OtherStatusError
		// The frontend refuses too many sign-ups at once.
		if err == nil || try == joinTries || !errors.As(err, &other) || other.Status != http.StatusServiceUnavailable {
			return u, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// ask requires a status and decodes the answer into a value that is not nil.
func (u *user) ask(ctx context.Context, method, path string, body any, want int, into any) error {
	answer, err := u.Want(ctx, want, method, path, body)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// everybody uses the application until the time is over. The users start at different
// moments.
func everybody(ctx context.Context, people []*user, lasting time.Duration, log *log) {
	ctx, cancel := context.WithTimeout(ctx, lasting)
	defer cancel()
	var all sync.WaitGroup
	for _, u := range people {
		all.Go(func() {
			for u.thinks(ctx) {
				action := u.chooses()
				began := time.Now()
				// The last action is not cancelled, so that its time is measured.
				err := action.do(u, context.WithoutCancel(ctx))
				log.note(action.route, time.Since(began), err)
			}
		})
	}
	all.Wait()
}

func (u *user) thinks(ctx context.Context) bool {
	thought := shortestThought + mrand.N(longestThought-shortestThought)
	select {
	case <-ctx.Done():
		return false
	case <-time.After(thought):
		return true
	}
}

// tidy removes the todos; accounts cannot be removed.
func tidy(ctx context.Context, people []*user) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var group errgroup.Group
	group.SetLimit(4)
	for _, u := range people {
		group.Go(func() error {
			for _, id := range u.todos {
				_ = u.ask(ctx, http.MethodDelete, u.API(fmt.Sprintf("tasks/%d", id)), nil, http.StatusNoContent, nil)
			}
			return nil
		})
	}
	_ = group.Wait()
}
