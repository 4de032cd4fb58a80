package image

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/registry"
)

// locked is a registry for user "todo" with password "right". Requests that open
// accepts need no login.
func locked(t *testing.T, open func(r *http.Request) bool) (*server, string) {
	t.Helper()
	s, host := serve(t)
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		user, password, _ := r.BasicAuth()
		if user == "todo" && password == "right" || open != nil && open(r) {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`, http.StatusUnauthorized)
		return true
	}
	return s, host
}

// logins is docker's configuration.
type logins map[string]authn.AuthConfig

func (l logins) Resolve(of authn.Resource) (authn.Authenticator, error) {
	if config, ok := l[of.RegistryStr()]; ok {
		return authn.FromConfig(config), nil
	}
	return authn.Anonymous, nil
}

func publisherWith(t *testing.T, push string, opts PublisherOptions) *Publisher {
	t.Helper()
	p, err := NewPublisher(push, push, opts)
	require.NoError(t, err)
	return p
}

func TestPublishUsesDockerLoginAndPathOfRegistry(t *testing.T) {
	s, host := locked(t, nil)
	p := publisherWith(t, host+"/team", PublisherOptions{Keychain: logins{host: {Username: "todo", Password: "right"}}})
	img := sampleImage(t)
	require.NoError(t, p.Permitted(t.Context(), repo))
	done, err := p.Publish(t.Context(), repo, img, []string{"1.0.0", Key{1}.Tag()})
	require.NoError(t, err)
	assert.Equal(t, host+"/team/"+repo+"@"+digestOf(t, img).String(), done.Digest.String())
	assert.Equal(t, "team/"+repo, done.Digest.RepositoryStr(), "the reference for pods has the path too")
	assert.Positive(t, s.count("PUT /v2/team/"+repo+"/manifests/"))

	got, found, err := p.Lookup(t.Context(), repo, Key{1})
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, done.Digest, got)
	require.NoError(t, p.Tag(t.Context(), repo, digestOf(t, img), "2.0.0"))
	again, found, err := p.Find(t.Context(), repo, digestOf(t, img))
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, done.Digest, again)
}

func TestPermittedReportsAllRefusalsWithFixAndSendsNothing(t *testing.T) {
	reading := func(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }
	s, host := locked(t, reading)
	for name, keychain := range map[string]authn.Keychain{
		"no login":      logins{},
		"a wrong login": logins{host: {Username: "todo", Password: "wrong"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := publisherWith(t, host+"/team", PublisherOptions{Keychain: keychain})
			err := p.Permitted(t.Context(), "a", "b")
			require.ErrorContains(t, err, `check that "`+host+`/team/a" may be pushed to`)
			assert.ErrorContains(t, err, `check that "`+host+`/team/b" may be pushed to`)
			assert.ErrorContains(t, err, "`docker login "+host+"` with an account that may push there")
			assert.NotContains(t, err.Error(), "wrong\"")
			assert.Zero(t, s.count(http.MethodPut))
		})
	}
}

func TestRegistryOfClusterUsesItsOwnLoginOnly(t *testing.T) {
	_, host := locked(t, nil)
	dockers := logins{host: {Username: "todo", Password: "right"}}
	p := publisherWith(t, host, PublisherOptions{Login: registry.NewLogin("todo", "wrong"), Keychain: dockers})
	_, _, err := p.Lookup(t.Context(), repo, Key{})
	require.ErrorContains(t, err, "`mage cluster:up` renews its password")
	p = publisherWith(t, host, PublisherOptions{Login: registry.NewLogin("todo", "right")})
	_, err = p.Publish(t.Context(), repo, sampleImage(t), []string{"1.0.0"})
	require.NoError(t, err)
}

func TestGuardedNeedsLoginAndChallenge(t *testing.T) {
	_, open := serve(t)
	_, closed := locked(t, nil)
	login := registry.NewLogin("todo", "right")
	for name, c := range map[string]struct {
		host  string
		login *registry.Login
		want  bool
	}{
		"login given and wanted":     {closed, login, true},
		"login wanted and missing":   {closed, nil, false},
		"login given and not wanted": {open, login, false},
		"no login":                   {open, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := publisherWith(t, c.host, PublisherOptions{Login: c.login}).Guarded(t.Context())
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestPermittedEndsWithContextAndSendsUserAgent(t *testing.T) {
	s, host := serve(t)
	require.NoError(t, publisher(t, host, nil).Permitted(t.Context(), repo))
	for agent := range s.agents {
		assert.True(t, strings.HasPrefix(agent, userAgent), "%s: Minikube's proxy answers 404 to net/http's own", agent)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, publisher(t, host, remote.DefaultTransport).Permitted(ended, repo), context.Canceled)
}
