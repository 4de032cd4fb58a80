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
	patience    = 30 * time.Second // with one answer
	joinsAtOnce = 2                // each costs the frontend a password hash
	joinTries   = 10
	// A person thinks between two actions, half a second to a second and a half.
	shortestThought, longestThought = 500 * time.Millisecond, 1500 * time.Millisecond
	// keep is how many todos a person keeps on their list.
	keep = 10
)

// user is a person with a list of todos.
type user struct {
	*person.Person
	todos []int64
	said  int
}

// join makes accounts, a few at a time: signing up is not what is measured.
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
	// A browser's own connections, and no proxy between: it is this machine.
	client := &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 2}}
	u := &user{Person: person.New(base, "load", client)}
	for try := 1; ; try++ {
		err := u.SignUp(ctx)
		var other *person.OtherStatusError
		// The frontend says so when too many sign up at once.
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

// ask wants an answer of a status, and reads it into a value that is not nil.
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

// everybody uses the application until the time is over. People begin spread
// over the length of one thought.
func everybody(ctx context.Context, people []*user, lasting time.Duration, log *log) {
	ctx, cancel := context.WithTimeout(ctx, lasting)
	defer cancel()
	var all sync.WaitGroup
	for _, u := range people {
		all.Go(func() {
			for u.thinks(ctx) {
				action := u.chooses()
				began := time.Now()
				// An action that was begun is finished: its time would be missing.
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

// tidy removes the todos; an account cannot be removed.
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
