package smoke

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// application implements the API of the application in memory. Its faults replace or
// change answers.
type application struct {
	mu     sync.Mutex
	tasks  map[int64]*task
	owner  map[int64]string
	talks  map[int64]bool
	asked  []string // method and path of each request
	faults []fault
}

// fault is one fault of the application.
type fault struct {
	method, path string // {id} and {user} are replaced; a * at the end matches everything
	// answer handles the whole request.
	answer http.HandlerFunc
	// edit changes the JSON object of the correct answer.
	edit func(map[string]any)
}

func newApplication(t *testing.T, faults ...fault) (*application, string) {
	t.Helper()
	a := &application{tasks: map[int64]*task{}, owner: map[int64]string{}, talks: map[int64]bool{}, faults: faults}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", respond(200, `{"status":"ok"}`))
	mux.Handle("GET /{$}", http.RedirectHandler("/sign-in", http.StatusTemporaryRedirect))
	mux.HandleFunc("GET /sign-in", a.page)
	mux.HandleFunc("GET /_next/static/chunks/main.js", a.asset)
	mux.HandleFunc("GET /api/livez", respond(200, `{"status":"ok"}`))
	mux.HandleFunc("GET /api/readyz", respond(200, `{"status":"ok","checks":{"database":"ok","schema":"ok"}}`))
	mux.HandleFunc("POST /api/auth/sign-up/email", a.signUp)
	mux.HandleFunc("GET /api/auth/token", a.token)
	mux.HandleFunc("GET /api/{user}/tasks", a.mine(a.list))
	mux.HandleFunc("POST /api/{user}/tasks", a.mine(a.create))
	mux.HandleFunc("GET /api/{user}/tasks/{id}", a.mine(a.one))
	mux.HandleFunc("PUT /api/{user}/tasks/{id}", a.mine(a.one))
	mux.HandleFunc("DELETE /api/{user}/tasks/{id}", a.mine(a.one))
	mux.HandleFunc("PATCH /api/{user}/tasks/{id}/complete", a.mine(a.one))
	mux.HandleFunc("POST /api/{user}/chat", a.mine(a.chat))
	mux.HandleFunc("DELETE /api/{user}/conversations/{id}", a.mine(a.forget))
	server := httptest.NewServer(a.broken(mux))
	t.Cleanup(server.Close)
	return a, server.URL
}

func respond(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func (a *application) broken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.asked = append(a.asked, r.Method+" "+r.URL.RequestURI())
		a.mu.Unlock()
		for _, f := range a.faults {
			path := strings.NewReplacer("{user}", "user-1", "{id}", "7").Replace(f.path)
			prefix, open := strings.CutSuffix(path, "*")
			if f.method != r.Method || path != r.URL.RequestURI() && !(open && strings.HasPrefix(r.URL.Path, prefix)) {
				continue
			}
			if f.answer != nil {
				f.answer(w, r)
				return
			}
			recorded := httptest.NewRecorder()
			next.ServeHTTP(recorded, r)
			var object map[string]any
			if err := json.Unmarshal(recorded.Body.Bytes(), &object); err != nil {
				panic(err)
			}
			f.edit(object)
			changed, _ := json.Marshal(object)
			respond(recorded.Code, string(changed))(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (*application) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, `<!DOCTYPE html><html><head><title>Sign in · Todo Chatbot</title><script src="/_next/static/chunks/main.js?a=1&amp;b=2" async=""></script></head></html>`)
}

func (*application) asset(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("b") != "2" {
		http.Error(w, "the page's address was not read as HTML", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/javascript; charset=UTF-8")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	fmt.Fprint(w, "console.log(1)")
}

func (*application) signUp(w http.ResponseWriter, r *http.Request) {
	var given struct{ Name, Email, Password string }
	if json.NewDecoder(r.Body).Decode(&given) != nil || given.Name == "" || len(given.Password) < 8 || !strings.HasPrefix(given.Email, "smoke-") {
		respond(422, `{"message":"bad account"}`)(w, r)
		return
	}
	if r.Header.Get("Origin") != "http://"+r.Host {
		respond(403, `{"message":"Invalid origin"}`)(w, r)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "session", Value: "one", Path: "/", HttpOnly: true})
	respond(200, `{"token":"session-token","user":{"id":"user-1"}}`)(w, r)
}

func signed(user string) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(`{"alg":"HS256"}`) + "." + part(`{"sub":"`+user+`"}`) + "." + part("signature of "+user)
}

func (*application) token(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie("session"); err != nil || cookie.Value != "one" {
		respond(401, `{"message":"Sign in first."}`)(w, r)
		return
	}
	respond(200, `{"token":"`+signed("user-1")+`","user_id":"user-1"}`)(w, r)
}

func (a *application) mine(next func(w http.ResponseWriter, r *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer "+signed("user-1"):
			respond(401, `{"detail":"Sign in first."}`)(w, r)
		case r.PathValue("user") != "user-1":
			respond(403, `{"detail":"This is not yours."}`)(w, r)
		default:
			a.mu.Lock()
			defer a.mu.Unlock()
			next(w, r)
		}
	}
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (a *application) list(w http.ResponseWriter, r *http.Request) {
	found := []*task{}
	for _, t := range a.tasks {
		status := r.URL.Query().Get("status")
		if status == "all" || status == "completed" && t.Completed || status == "pending" && !t.Completed {
			found = append(found, t)
		}
	}
	write(w, 200, found)
}

func (a *application) add(id int64, title string, description *string) *task {
	now := "2026-01-02T03:04:05Z"
	t := &task{ID: id, UserID: "user-1", Title: title, Description: description, CreatedAt: now, UpdatedAt: now}
	a.tasks[t.ID] = t
	return t
}

func (a *application) create(w http.ResponseWriter, r *http.Request) {
	var given struct {
		Title       string
		Description *string
	}
	_ = json.NewDecoder(r.Body).Decode(&given)
	write(w, 201, a.add(7, given.Title, given.Description))
}

func (a *application) one(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	t := a.tasks[id]
	if t == nil {
		respond(404, `{"detail":"There is no such todo."}`)(w, r)
		return
	}
	switch r.Method {
	case http.MethodPut:
		_ = json.NewDecoder(r.Body).Decode(t)
	case http.MethodPatch:
		t.Completed = !t.Completed
	case http.MethodDelete:
		delete(a.tasks, id)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	write(w, 200, t)
}

func (a *application) chat(w http.ResponseWriter, r *http.Request) {
	var given struct{ Message string }
	_ = json.NewDecoder(r.Body).Decode(&given)
	if given.Message == "Add a task to buy groceries" {
		a.add(8, "Buy groceries", nil)
	}
	a.talks[3] = true
	write(w, 200, map[string]any{"conversation_id": 3, "response": "I added it.",
		"tool_calls": []any{map[string]any{"name": "add_task", "arguments": map[string]any{"title": "Buy groceries"}, "result": nil}}})
}

func (a *application) forget(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	delete(a.talks, id)
	w.WriteHeader(http.StatusNoContent)
}
