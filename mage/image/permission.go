package image

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Permitted checks that the registry allows this machine to push to each of repos: it
// starts an upload and cancels it. The error holds every refusal.
func (p *Publisher) Permitted(ctx context.Context, repos ...string) error {
	problems := make([]error, len(repos))
	var group sync.WaitGroup
	for i, repo := range repos {
		group.Go(func() {
			r, err := p.repository(repo)
			if err == nil {
				err = remote.CheckPushPermission(r.Tag("latest"), p.keychain(),
					&bound{ctx, transport.NewUserAgent(p.opts.Transport, userAgent)})
			}
			if err != nil {
				problems[i] = p.explain(fmt.Errorf("check that %q may be pushed to: %w", r, err))
			}
		})
	}
	group.Wait()
	return errors.Join(problems...)
}

// Guarded reports whether the registry wants a login and this machine has one. The
// images of such a registry were pushed by people with a login.
func (p *Publisher) Guarded(ctx context.Context) (bool, error) {
	auth, err := authn.Resolve(ctx, p.keychain(), p.push.Registry)
	if err != nil || auth == authn.Anonymous {
		return false, err
	}
	answer, err := transport.Ping(ctx, p.push.Registry, transport.NewUserAgent(p.opts.Transport, userAgent))
	if err != nil {
		return false, p.explain(fmt.Errorf("check whether registry %q wants a login: %w", p.push, err))
	}
	return answer.Scheme != "", nil // with a challenge
}

// keychain gives the registry's own login if there is one, else the keychain.
func (p *Publisher) keychain() authn.Keychain {
	switch {
	case p.opts.Login != nil:
		return single{p.opts.Login.Authenticator()}
	case p.opts.Keychain != nil:
		return p.opts.Keychain
	}
	return single{authn.Anonymous}
}

// single is a Keychain with one login for everything.
type single struct{ auth authn.Authenticator }

func (s single) Resolve(authn.Resource) (authn.Authenticator, error) { return s.auth, nil }

// bound adds a context to requests of code that does not take one.
type bound struct {
	ctx  context.Context
	next http.RoundTripper
}

func (b *bound) RoundTrip(req *http.Request) (*http.Response, error) {
	return b.next.RoundTrip(req.WithContext(b.ctx))
}
