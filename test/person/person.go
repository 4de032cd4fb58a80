// Package person is a client of the deployed application: a person with an account
// and one browser.
package person

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
)

// answerLimit is the largest answer, in bytes.
const answerLimit = 16 << 20

// Person sends requests to the application at Base. SignUp and SignIn set ID and Token.
type Person struct {
	Base, Email, Password string
	ID, Token             string
	HTTP                  *http.Client
}

// New returns a person without an account. The name is a part of the email address;
// the client gets a cookie jar for the session.
func New(base, name string, client *http.Client) *Person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // impossible without options
	}
	client.Jar = jar
	email := fmt.Sprintf("%s-%s@example.com", name, strings.ToLower(rand.Text()[:12]))
	return &Person{Base: base, Email: email, Password: rand.Text(), HTTP: client}
}

// OtherStatusError is an answer with another status than the wanted one.
type OtherStatusError struct {
	Method, Path string
	Status, Want int
	Body         string
}

func (e *OtherStatusError) Error() string {
	return fmt.Sprintf("%s %s: want status %d, got %d: %.200s", e.Method, e.Path, e.Want, e.Status, strings.TrimSpace(e.Body))
}

// SignUp makes an account and takes a token.
func (p *Person) SignUp(ctx context.Context) error {
	account := map[string]string{"name": "Test", "email": p.Email, "password": p.Password}
	if _, err := p.Want(ctx, http.StatusOK, http.MethodPost, "/api/auth/sign-up/email", account); err != nil {
		return err
	}
	return p.TakeToken(ctx)
}

// SignIn starts another session and takes a token.
func (p *Person) SignIn(ctx context.Context) error {
	account := map[string]string{"email": p.Email, "password": p.Password}
	if _, err := p.Want(ctx, http.StatusOK, http.MethodPost, "/api/auth/sign-in/email", account); err != nil {
		return err
	}
	return p.TakeToken(ctx)
}

// TakeToken exchanges the session for the backend's token.
func (p *Person) TakeToken(ctx context.Context) error {
	answer, err := p.Want(ctx, http.StatusOK, http.MethodGet, "/api/auth/token", nil)
	if err != nil {
		return err
	}
	var given struct {
		Token  string `json:"token"`
		UserID string `json:"user_id"`
	}
	if err := json.Unmarshal(answer, &given); err != nil {
		return fmt.Errorf("read the token: %w", err)
	}
	if given.Token == "" || given.UserID == "" {
		return fmt.Errorf("GET /api/auth/token: want a token and a user_id")
	}
	p.ID, p.Token = given.UserID, given.Token
	return nil
}

// API returns the path of a resource of the person.
func (p *Person) API(path string) string { return "/api/" + p.ID + "/" + path }

// Ask sends a request as the application's pages do. A body is sent as JSON.
func (p *Person) Ask(ctx context.Context, method, path string, body any) (status int, answer []byte, err error) {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, p.Base+path, sent)
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Origin", p.Base)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if p.Token != "" {
		request.Header.Set("Authorization", "Bearer "+p.Token)
	}
	response, err := p.HTTP.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		return 0, nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return response.StatusCode, answer, nil
}

// Want is Ask, and returns an OtherStatusError for any other status.
func (p *Person) Want(ctx context.Context, want int, method, path string, body any) ([]byte, error) {
	status, answer, err := p.Ask(ctx, method, path, body)
	if err == nil && status != want {
		err = &OtherStatusError{Method: method, Path: path, Status: status, Want: want, Body: string(answer)}
	}
	return answer, err
}
