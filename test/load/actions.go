package main

import (
	"context"
	"fmt"
	mrand "math/rand/v2"
	"net/http"
	"strings"
)

// action is something that a person does.
type action struct {
	route string // as it is reported; a chat's begins with "chat"
	share int    // how often, of a hundred
	needs bool   // the action needs a todo
	do    func(*user, context.Context) error
}

// actions are the actions of people with a list of todos; most of them read it.
var actions = []action{
	{route: "GET tasks", share: 40, do: (*user).lists},
	{route: "GET task", share: 10, needs: true, do: (*user).reads},
	{route: "POST task", share: 15, do: (*user).adds},
	{route: "PUT task", share: 10, needs: true, do: (*user).edits},
	{route: "PATCH task", share: 10, needs: true, do: (*user).completes},
	{route: "DELETE task", share: 5, needs: true, do: (*user).deletes},
	{route: "chat", share: 10, do: (*user).talks},
}

// chooses picks an action by its share. A user without todos adds one, and a user
// with many deletes one, so that the length of the list stays realistic.
func (u *user) chooses() action {
	if len(u.todos) > keep {
		return actions[5]
	}
	at := mrand.IntN(100)
	for _, a := range actions {
		if at -= a.share; at < 0 {
			if a.needs && len(u.todos) == 0 {
				return actions[2]
			}
			return a
		}
	}
	panic("the shares of the actions are not a hundred")
}

type todo struct {
	ID        int64  `json:"id"`
	Title     string `json:"title"`
	Completed bool   `json:"completed"`
}

func (u *user) tasks() string { return u.API("tasks") }

func (u *user) one() (id int64, path string) {
	id = u.todos[mrand.IntN(len(u.todos))]
	return id, fmt.Sprintf("%s/%d", u.tasks(), id)
}

func (u *user) lists(ctx context.Context) error {
	var found []todo
	if err := u.ask(ctx, http.MethodGet, u.tasks(), nil, http.StatusOK, &found); err != nil {
		return err
	}
	u.todos = u.todos[:0]
	for _, t := range found {
		u.todos = append(u.todos, t.ID)
	}
	return nil
}

func (u *user) reads(ctx context.Context) error {
	id, path := u.one()
	var found todo
	if err := u.ask(ctx, http.MethodGet, path, nil, http.StatusOK, &found); err != nil {
		return err
	}
	if found.ID != id {
		return fmt.Errorf("GET %s: got todo %d", path, found.ID)
	}
	return nil
}

func (u *user) adds(ctx context.Context) error {
	u.said++
	title := fmt.Sprintf("Todo %d", u.said)
	var made todo
	if err := u.ask(ctx, http.MethodPost, u.tasks(), map[string]string{"title": title}, http.StatusCreated, &made); err != nil {
		return err
	}
	if made.Title != title {
		return fmt.Errorf("POST %s: got title %q, want %q", u.tasks(), made.Title, title)
	}
	u.todos = append(u.todos, made.ID)
	return nil
}

func (u *user) edits(ctx context.Context) error {
	_, path := u.one()
	u.said++
	title := fmt.Sprintf("Todo %d, edited", u.said)
	var changed todo
	if err := u.ask(ctx, http.MethodPut, path, map[string]string{"title": title}, http.StatusOK, &changed); err != nil {
		return err
	}
	if changed.Title != title {
		return fmt.Errorf("PUT %s: got title %q, want %q", path, changed.Title, title)
	}
	return nil
}

func (u *user) completes(ctx context.Context) error {
	_, path := u.one()
	return u.ask(ctx, http.MethodPatch, path+"/complete", nil, http.StatusOK, nil)
}

func (u *user) deletes(ctx context.Context) error {
	id, path := u.one()
	if err := u.ask(ctx, http.MethodDelete, path, nil, http.StatusNoContent, nil); err != nil {
		return err
	}
	for i, other := range u.todos {
		if other == id {
			u.todos = append(u.todos[:i], u.todos[i+1:]...)
			break
		}
	}
	return nil
}

// talks asks the assistant to add a todo and checks the tools that it called; the
// next action reads the todo.
func (u *user) talks(ctx context.Context) error {
	u.said++
	message := map[string]string{"message": fmt.Sprintf("Add a task to call person %d", u.said)}
	var reply struct {
		Response  string `json:"response"`
		ToolCalls []struct {
			Name string `json:"name"`
		} `json:"tool_calls"`
	}
	path := u.API("chat")
	if err := u.ask(ctx, http.MethodPost, path, message, http.StatusOK, &reply); err != nil {
		return err
	}
	for _, call := range reply.ToolCalls {
		if call.Name == "add_task" {
			return nil
		}
	}
	return fmt.Errorf("POST %s: the assistant called %v and said %q", path, reply.ToolCalls, strings.TrimSpace(reply.Response))
}
