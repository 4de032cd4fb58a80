package smoke

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// impatient gives every check a short bound, because failures are retried until then.
func impatient(checks []Check, bound time.Duration) []Check {
	for i := range checks {
		checks[i].Bound = bound
	}
	return checks
}

func set(key string, value any) func(map[string]any) {
	return func(object map[string]any) { object[key] = value }
}

func servePage(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(body))
	}
}

func TestWorkingApplicationPassesAndKeepsNoTestData(t *testing.T) {
	t.Parallel()
	app, url := newApplication(t)
	checks := Checks(url+"/", Options{})
	verdict := Run(t.Context(), checks, nil)
	for _, r := range verdict.Results {
		assert.Equal(t, Passed, r.Outcome, "%s: %v %s", r.Name, r.Err, r.Detail)
	}
	assert.True(t, verdict.OK())
	assert.Len(t, verdict.Results, len(checks))
	assert.Empty(t, app.tasks, "tasks are removed")
	assert.Empty(t, app.talks, "the conversation is removed")
}

// faultCase is a fault, the check that finds it, and a part of the error.
type faultCase struct {
	name  string
	fault fault
	check string
	says  string
}

func faultCases() []faultCase {
	const list = "/api/{user}/tasks?status="
	return []faultCase{
		{"the frontend is not live", fault{method: "GET", path: "/livez", answer: respond(500, "boom")},
			"frontend: live", `GET /livez: want status 200, got 500 Internal Server Error with the body "boom"`},
		{"the page breaks", fault{method: "GET", path: "/sign-in", answer: respond(500, "boom")},
			"frontend: page", `GET /: want status 200, got 500`},
		{"the page is not HTML", fault{method: "GET", path: "/", answer: respond(200, "{}")},
			"frontend: page", `want HTML, but the type is "application/json"`},
		{"the page belongs to another program", fault{method: "GET", path: "/", answer: servePage("<title>It works!</title>")},
			"frontend: page", `want a page whose title names the Todo Chatbot`},
		{"the page redirects to another host", fault{method: "GET", path: "/", answer: http.RedirectHandler("http://elsewhere.example/", http.StatusFound).ServeHTTP},
			"frontend: page", `GET /: redirect to another address, "http://elsewhere.example", refused`},
		{"the page has no assets", fault{method: "GET", path: "/", answer: servePage("<title>Todo</title>")},
			"frontend: static asset", `want a page that refers to a script or style`},
		{"the asset is missing", fault{method: "GET", path: "/_next/static/chunks/main.js?a=1&b=2", answer: respond(404, "")},
			"frontend: static asset", `GET /_next/static/chunks/main.js?a=1&b=2: want status 200, got 404 Not Found`},
		{"the asset is a page", fault{method: "GET", path: "/_next/static/chunks/main.js?a=1&b=2", answer: servePage("<title>")},
			"frontend: static asset", `want a script or style, but the type is "text/html"`},
		{"the asset is not cacheable", fault{method: "GET", path: "/_next/static/chunks/main.js?a=1&b=2", answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/css")
			w.Header().Set("Cache-Control", "max-age=0")
			_, _ = w.Write([]byte("a{}"))
		}}, "frontend: static asset", `want Cache-Control with immutable, but it is "max-age=0"`},
		{"the backend does not answer", fault{method: "GET", path: "/api/livez", answer: respond(502, `{"detail":"The todo service cannot be reached"}`)},
			"backend: live", `GET /api/livez: want status 200, got 502 Bad Gateway with the body "{\"detail\":`},
		{"the backend hangs", fault{method: "GET", path: "/api/livez", answer: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
			"backend: live", `GET /api/livez: no answer within 1s`},
		{"the database is missing", fault{method: "GET", path: "/api/readyz", answer: respond(503, `{"status":"unavailable","checks":{"database":"out of reach"}}`)},
			"backend: ready", `want status 200, got 503 Service Unavailable with the body "{\"status\":\"unavailable\"`},
		{"the schema is behind", fault{method: "GET", path: "/api/readyz", edit: func(o map[string]any) { o["checks"].(map[string]any)["schema"] = "is at 1" }},
			"backend: ready", `want status, database and schema ok`},
		{"readiness reports no checks", fault{method: "GET", path: "/api/readyz", answer: respond(200, `{}`)},
			"backend: ready", `want status, database and schema ok`},
		{"sign-up breaks", fault{method: "POST", path: "/api/auth/sign-up/email", answer: respond(500, `{}`)},
			"account: sign up", `POST /api/auth/sign-up/email: want status 200, got 500`},
		{"sign-up sets no cookie", fault{method: "POST", path: "/api/auth/sign-up/email", answer: respond(200, `{}`)},
			"account: sign up", `GET /api/auth/token: want status 200, got 401`},
		{"the token belongs to another user", fault{method: "GET", path: "/api/auth/token", edit: set("user_id", "user-2")},
			"account: sign up", `want a user_id and a JWT for that user`},
		{"the token is not a JWT", fault{method: "GET", path: "/api/auth/token", edit: set("token", "x.y.z")},
			"account: sign up", `want a user_id and a JWT for that user`},
		{"the token's answer is not JSON", fault{method: "GET", path: "/api/auth/token", answer: servePage("<p>")},
			"account: sign up", `want JSON of the documented form`},
		{"tasks need no token", fault{method: "GET", path: "/api/{user}/tasks", answer: respond(200, `[]`)},
			"access: no token", `GET /api/user-1/tasks: want status 401, got 200 OK`},
		{"tokens are read but not verified", fault{method: "GET", path: "/api/{user}/tasks", answer: func(w http.ResponseWriter, r *http.Request) {
			if subject(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) == "user-1" {
				respond(200, `[]`)(w, r)
				return
			}
			respond(401, `{}`)(w, r)
		}}, "access: no token", `GET /api/user-1/tasks: want status 401, got 200 OK`},
		{"the path decides instead of the token", fault{method: "GET", path: "/api/someone-*", answer: respond(200, `[{"title":"a secret"}]`)},
			"access: another user", `/tasks: want status 403, got 200 OK`},
		{"a task is created as a page", fault{method: "POST", path: "/api/{user}/tasks", answer: servePage("<p>")},
			"task: create", `POST /api/user-1/tasks: want status 201, got 200`},
		{"a created task has no id", fault{method: "POST", path: "/api/{user}/tasks", edit: set("id", 0)},
			"task: create", `want a task with an id`},
		{"a created task has another title", fault{method: "POST", path: "/api/{user}/tasks", edit: set("title", "x")},
			"task: create", `titled "Smoke test `},
		{"a task is not found", fault{method: "GET", path: list + "all", answer: respond(200, `[{"id":99,"title":"Buy groceries"}]`)},
			"task: read", `want a list with task 7`},
		{"the filter is ignored", fault{method: "GET", path: list + "completed", answer: respond(200, `[{"id":7}]`)},
			"task: read", `GET /api/user-1/tasks?status=completed: want a list without task 7`},
		{"a change is refused", fault{method: "PUT", path: "/api/{user}/tasks/{id}", answer: respond(405, `{}`)},
			"task: change", `PUT /api/user-1/tasks/7: want status 200, got 405 Method Not Allowed`},
		{"a change is not stored", fault{method: "PUT", path: "/api/{user}/tasks/{id}", answer: func(w http.ResponseWriter, r *http.Request) {
			body := new(strings.Builder)
			_ = r.Write(body)
			_, sent, _ := strings.Cut(body.String(), "\r\n\r\n")
			respond(200, strings.Replace(sent, "{", `{"id":7,"user_id":"user-1","description":"made by a smoke test","created_at":"t","updated_at":"t",`, 1))(w, r)
		}}, "task: change", `GET /api/user-1/tasks/7: want task 7 of this user, titled "Smoke test, changed `},
		{"a change drops the description", fault{method: "PUT", path: "/api/{user}/tasks/{id}", edit: set("description", nil)},
			"task: change", `described "made by a smoke test"`},
		{"completing has no effect", fault{method: "PATCH", path: "/api/{user}/tasks/{id}/complete", edit: set("completed", false)},
			"task: complete", `PATCH /api/user-1/tasks/7/complete: want task 7, completed`},
		{"a completed task stays pending", fault{method: "GET", path: list + "pending", answer: respond(200, `[{"id":7}]`)},
			"task: complete", `GET /api/user-1/tasks?status=pending: want a list without task 7`},
		{"a task cannot be deleted", fault{method: "DELETE", path: "/api/{user}/tasks/{id}", answer: respond(500, `{}`)},
			"task: delete", `DELETE /api/user-1/tasks/7: want status 204, got 500`},
		{"a deleted task still exists", fault{method: "DELETE", path: "/api/{user}/tasks/{id}", answer: respond(204, ``)},
			"task: delete", `GET /api/user-1/tasks/7: want status 404, got 200 OK`},
		{"the chat breaks", fault{method: "POST", path: "/api/{user}/chat", answer: respond(500, `{}`)},
			"chat: add a task", `POST /api/user-1/chat: want status 200, got 500`},
		{"the chat says nothing", fault{method: "POST", path: "/api/{user}/chat", edit: set("response", " ")},
			"chat: add a task", `want a conversation_id and a response`},
		{"the chat calls no tool", fault{method: "POST", path: "/api/{user}/chat", edit: set("tool_calls", []any{})},
			"chat: add a task", `want tool_calls with add_task`},
		{"the chat calls another tool", fault{method: "POST", path: "/api/{user}/chat", edit: set("tool_calls", []any{map[string]any{"name": "list_tasks"}})},
			"chat: add a task", `want tool_calls with add_task`},
		{"the chat reports a task that it did not add", fault{method: "POST", path: "/api/{user}/chat", answer: respond(200, `{"conversation_id":1,"response":"Done","tool_calls":[{"name":"add_task"}]}`)},
			"chat: add a task", `want a list with the pending task "Buy groceries", which the assistant reported as added`},
	}
}

func TestEachFaultFailsExactlyOneCheck(t *testing.T) {
	for _, c := range faultCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, url := newApplication(t, c.fault)
			checks := Checks(url, Options{})
			if c.check == "backend: live" {
				checks = impatient(checks, time.Second)
			}
			verdict := Run(t.Context(), checks, nil)
			assert.False(t, verdict.OK())
			require.Equal(t, []string{c.check}, verdict.Failed())
			for _, r := range verdict.Results {
				if r.Outcome == Failed {
					assert.ErrorContains(t, r.Err, c.says)
					assert.NotContains(t, r.Err.Error(), "eyJ", "the error contains no token")
					assert.NotContains(t, r.Err.Error(), "session-token")
				}
			}
		})
	}
}

func TestEveryCheckIsCoveredByAFault(t *testing.T) {
	t.Parallel()
	covered := map[string]bool{}
	for _, c := range faultCases() {
		covered[c.check] = true
	}
	for _, check := range Checks("http://127.0.0.1:1", Options{}) {
		assert.True(t, covered[check.Name], "%s has no fault", check.Name)
	}
}

func TestMissingConnectionFailsTheFirstCheckOnly(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())

	verdict := Run(t.Context(), impatient(Checks("http://"+address, Options{}), 300*time.Millisecond), nil)
	require.Equal(t, []string{"frontend: live"}, verdict.Failed())
	assert.ErrorContains(t, verdict.Results[0].Err, "GET /livez: no connection to "+address+": check that the release is deployed and its port is published")
	for _, r := range verdict.Results[1:] {
		assert.Equal(t, Skipped, r.Outcome)
		assert.Contains(t, r.Detail, "which did not pass")
	}
}

func TestConnectionClosedWithoutAnAnswerIsReported(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_ = connection.Close()
		}
	}()
	verdict := Run(t.Context(), impatient(Checks("http://"+listener.Addr().String(), Options{}), 300*time.Millisecond), nil)
	require.Equal(t, []string{"frontend: live"}, verdict.Failed())
	assert.ErrorContains(t, verdict.Results[0].Err, "closes connections without an answer")
}

func TestSendRetriesOnlySafeFailures(t *testing.T) {
	t.Parallel()
	var lives, readies, chats atomic.Int32
	stumble := func(count *atomic.Int32, status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if count.Add(1) < 3 {
				panic(http.ErrAbortHandler) // ends the connection
			}
			respond(status, "{}")(w, r)
		}
	}
	_, url := newApplication(t,
		fault{method: "GET", path: "/api/livez", answer: stumble(&lives, 200)},
		fault{method: "GET", path: "/api/readyz", answer: func(w http.ResponseWriter, r *http.Request) {
			if readies.Add(1) < 3 {
				respond(502, `{}`)(w, r)
				return
			}
			respond(200, `{"status":"ok","checks":{"database":"ok","schema":"ok"}}`)(w, r)
		}},
		fault{method: "POST", path: "/api/{user}/chat", answer: stumble(&chats, 200)})
	verdict := Run(t.Context(), Checks(url, Options{}), nil)
	assert.Equal(t, []string{"chat: add a task"}, verdict.Failed())
	assert.EqualValues(t, 3, lives.Load(), "a GET is retried after a lost connection")
	assert.EqualValues(t, 3, readies.Load(), "a GET is retried after 502")
	assert.EqualValues(t, 1, chats.Load(), "a POST is not retried, because the server may have processed it")
}

func TestMissingAssetIsRequestedAgain(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	_, url := newApplication(t, fault{method: "GET", path: "/_next/static/chunks/main.js?a=1&b=2", answer: func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			respond(404, "")(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/javascript")
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		fmt.Fprint(w, "1")
	}})
	assert.True(t, Run(t.Context(), Checks(url, Options{}), nil).OK())
	assert.EqualValues(t, 2, asked.Load())
}

func TestInterruptedRunRemovesItsTestData(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	app, url := newApplication(t, fault{method: "PUT", path: "/api/{user}/tasks/{id}", answer: func(http.ResponseWriter, *http.Request) { cancel() }})
	verdict := Run(ctx, Checks(url, Options{}), nil)
	assert.False(t, verdict.OK())
	assert.Contains(t, verdict.Failed(), "task: change")
	assert.Contains(t, app.asked, "DELETE /api/user-1/tasks/7")
	assert.Empty(t, app.tasks)
	next := verdict.Results[slices.IndexFunc(verdict.Results, func(r Result) bool { return r.Name == "task: complete" })]
	assert.Equal(t, Skipped, next.Outcome)
	assert.Equal(t, "not run: context canceled", next.Detail)
}

func TestInvalidAddressFailsTheFirstCheck(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "127.0.0.1:8080", "ftp://x", "http://"} {
		verdict := Run(t.Context(), Checks(address, Options{}), nil)
		assert.Equal(t, []string{"frontend: live"}, verdict.Failed(), address)
		assert.ErrorContains(t, verdict.Results[0].Err, "is not http://HOST:PORT")
	}
}

func TestGivenClientIsNotChanged(t *testing.T) {
	t.Parallel()
	_, url := newApplication(t)
	given := &http.Client{Timeout: time.Minute}
	assert.True(t, Run(t.Context(), Checks(url, Options{HTTP: given}), nil).OK())
	assert.Nil(t, given.Jar)
	assert.Nil(t, given.CheckRedirect)
}
