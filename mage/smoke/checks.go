package smoke

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Options configures the checks; the zero value is for an address of this machine.
type Options struct {
	// HTTP sends the requests; nil means a client without a proxy. The checks use a copy
	// with their own cookies and redirect policy.
	HTTP *http.Client
	// Images are the images that must answer.
	Images Images
}

// Images holds the digest or tag of the image that must answer for each component. The
// answers of a component without an image are not compared.
type Images struct{ Frontend, Backend, Gateway string }

// Names of the checks that others need.
const (
	frontendLive = "frontend: live"
	frontendPage = "frontend: page"
	backendLive  = "backend: live"
	backendReady = "backend: ready"
	signUp       = "account: sign up"
	taskCreate   = "task: create"

	// firstUse bounds the first requests to a new frontend, which has a third of a CPU to
	// compile its code, render a page and hash a password.
	firstUse = 15 * time.Second
	// chatBound bounds a chat answer, because a real model may be slow.
	chatBound = 30 * time.Second
)

// Checks returns the checks of the application at baseURL, such as
// http://127.0.0.1:8080. They share a new account, so they must run once and in order.
// With an invalid address the first check fails.
func Checks(baseURL string, opts Options) []Check {
	c, err := newClient(baseURL, opts.HTTP)
	if err != nil {
		return []Check{{Name: frontendLive, Run: func(context.Context) (string, error) { return "", err }}}
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
		{Name: "chat: add a task", Needs: []string{backendReady, signUp}, Bound: chatBound, Run: v.chat},
	}
}

// visit holds the state of one run of the checks.
type visit struct {
	*client
	images Images
	id     string // part of every name that this run creates

	assetPath    string // static asset that the page refers to
	userID       string
	token        string
	task         *task       // its expected state
	wrote        atomic.Bool // a request may have created data to remove
	conversation int64
}
