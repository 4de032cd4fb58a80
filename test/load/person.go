package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	patience    = 30 * time.Second // with one answer
	joinsAtOnce = 2                // each costs the frontend a password hash
	joinTries   = 10
	answerLimit = 4 << 20 // bytes
	// A person thinks between two actions, half a second to a second and a half.
	shortestThought, longestThought = 500 * time.Millisecond, 1500 * time.Millisecond
	// keep is how many todos a person keeps on their list.
	keep = 10
)

// person is somebody with an account and a list of todos.
type person struct {
	base, id, token string
	http            *http.Client
	todos           []int64
	said            int
}

// join makes accounts, a few at a time: signing up is not what is measured.
func join(ctx context.Context, base string, n int) ([]*person, error) {
	people := make([]*person, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(joinsAtOnce)
	for i := range n {
		group.Go(func() (err error) {
			people[i], err = newPerson(ctx, base)
			return err
		})
	}
	return people, group.Wait()
}

func newPerson(ctx context.Context, base string) (*person, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	// A browser's own connections, and no proxy between: it is this machine.
	p := &person{base: base, http: &http.Client{Jar: jar, Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 2}}}
	name := strings.ToLower(rand.Text()[:12])
	account := map[string]string{"name": "Load Test", "email": "load-" + name + "@example.com", "password": rand.Text()}
	for try := 1; ; try++ {
		err = p.ask(ctx, http.MethodPost, "/api/auth/sign-up/email", account, http.StatusOK, nil)
		var other *otherStatus
		// The frontend says so when too many sign up at once.
		if err == nil || try == joinTries || !errors.As(err, &other) || other.status != http.StatusServiceUnavailable {
			break
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Second):
		}
	}
	if err != nil {
		return nil, fmt.Errorf("make an account: %w", err)
	}
	var given struct {
		Token  string `json:"token"`
		UserID string `json:"user_id"`
	}
	if err := p.ask(ctx, http.MethodGet, "/api/auth/token", nil, http.StatusOK, &given); err != nil {
		return nil, fmt.Errorf("get a token: %w", err)
	}
	p.id, p.token = given.UserID, given.Token
	return p, nil
}

// otherStatus says that an answer did not have the status that it should.
type otherStatus struct {
	method, path string
	status, want int
	body         string
}

func (o *otherStatus) Error() string {
	return fmt.Sprintf("%s %s: want status %d, got %d: %.200s", o.method, o.path, o.want, o.status, o.body)
}

func (p *person) ask(ctx context.Context, method, path string, body any, want int, into any) error {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, p.base+path, reader)
	if err != nil {
		return err
	}
	request.Header.Set("Origin", p.base)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if p.token != "" {
		request.Header.Set("Authorization", "Bearer "+p.token)
	}
	response, err := p.http.Do(request)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if response.StatusCode != want {
		return &otherStatus{method: method, path: path, status: response.StatusCode, want: want, body: string(text)}
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// everybody uses the application until the time is over. People begin spread
// over the length of one thought.
func everybody(ctx context.Context, people []*person, lasting time.Duration, log *log) {
	ctx, cancel := context.WithTimeout(ctx, lasting)
	defer cancel()
	var all sync.WaitGroup
	for _, p := range people {
		all.Go(func() {
			for p.thinks(ctx) {
				action := p.chooses()
				began := time.Now()
				// An action that was begun is finished: its time would be missing.
				err := action.do(p, context.WithoutCancel(ctx))
				log.note(action.route, time.Since(began), err)
			}
		})
	}
	all.Wait()
}

func (p *person) thinks(ctx context.Context) bool {
	thought := shortestThought + mrand.N(longestThought-shortestThought)
	select {
	case <-ctx.Done():
		return false
	case <-time.After(thought):
		return true
	}
}

// tidy removes the todos; an account cannot be removed.
func tidy(ctx context.Context, people []*person) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var group errgroup.Group
	group.SetLimit(4)
	for _, p := range people {
		group.Go(func() error {
			for _, id := range p.todos {
				_ = p.ask(ctx, http.MethodDelete, fmt.Sprintf("/api/%s/tasks/%d", p.id, id), nil, http.StatusNoContent, nil)
			}
			return nil
		})
	}
	_ = group.Wait()
}
