package smoke

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Options shapes the checks; the zero value suits a local address.
type Options struct {
	// HTTP sends the requests; nil means a client without a proxy. Its cookies
	// and its handling of redirects are replaced in a copy.
	HTTP *http.Client
	// ChatBound bounds the chat; 0 means 30 s, because a real model may answer.
	ChatBound time.Duration
	// Images are those that must answer.
	Images Images
}

// Images name, by digest or tag, the image that must answer as each component.
// Answers of a component without one are not compared.
type Images struct{ Frontend, Backend, Gateway string }

// Names of the checks that others need.
const (
	frontendLive = "frontend: live"
	frontendPage = "frontend: page"
	backendLive  = "backend: live"
	backendReady = "backend: ready"
	signUp       = "account: sign up"
	taskCreate   = "task: create"

	// firstUse bounds what a frontend that has just started does for the first
	// time, with a third of a CPU: compile its code, draw a page, hash a password.
	firstUse = 15 * time.Second
)

// Checks returns the application's checks against baseURL, such as
// http://127.0.0.1:8080. They share a new account, so they must run in order
// and once. An address that is none makes the first check fail.
func Checks(baseURL string, opts Options) []Check {
	c, err := newClient(baseURL, opts.HTTP)
	if err != nil {
		return []Check{{Name: frontendLive, Run: func(context.Context) (string, error) { return "", err }}}
	}
	if opts.ChatBound == 0 {
		opts.ChatBound = 30 * time.Second
	}
	v := &visit{client: c, images: opts.Images, id: strings.ToLower(rand.Text()[:12])}
	return []Check{
		{Name: frontendLive, Bound: identityBound, Run: v.frontendLive},
		{Name: frontendPage, Needs: []string{frontendLive}, Bound: firstUse, Run: v.page},
		{Name: "frontend: static asset", Needs: []string{frontendPage}, Run: v.asset},
		{Name: backendLive, Needs: []string{frontendLive}, Bound: identityBound, Run: v.backendLive},
		{Name: backendReady, Needs: []string{backendLive}, Bound: identityBound, Run: v.backendReady},
		{Name: signUp, Needs: []string{frontendLive}, Bound: firstUse, Run: v.signUp, Cleanup: v.removeAll},
		{Name: "access: no token", Needs: []string{backendLive, signUp}, Run: v.noToken},
		{Name: "access: another user", Needs: []string{backendLive, signUp}, Run: v.anotherUser},
		{Name: taskCreate, Needs: []string{backendReady, signUp}, Run: v.createTask},
		{Name: "task: read", Needs: []string{taskCreate}, Run: v.readTask},
		{Name: "task: change", Needs: []string{taskCreate}, Run: v.changeTask},
		{Name: "task: complete", Needs: []string{taskCreate}, Run: v.completeTask},
		{Name: "task: delete", Needs: []string{taskCreate}, Run: v.deleteTask},
		{Name: "chat: add a task", Needs: []string{backendReady, signUp}, Bound: opts.ChatBound, Run: v.chat},
	}
}

// visit is what one run of the checks knows and has made.
type visit struct {
	*client
	images Images
	id     string // in every name that this run makes

	assetPath    string // path of a static asset that the page refers to
	userID       string
	token        string
	task         *task       // as the checks left it
	wrote        atomic.Bool // something that may have to be removed was asked for
	conversation int64
}
