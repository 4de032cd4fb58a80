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
	needs bool   // a todo to do it to
	do    func(*person, context.Context) error
}

// actions are what people do with a list of todos: mostly they look at it.
var actions = []action{
	{route: "GET tasks", share: 40, do: (*person).lists},
	{route: "GET task", share: 10, needs: true, do: (*person).reads},
	{route: "POST task", share: 15, do: (*person).adds},
	{route: "PUT task", share: 10, needs: true, do: (*person).edits},
	{route: "PATCH task", share: 10, needs: true, do: (*person).completes},
	{route: "DELETE task", share: 5, needs: true, do: (*person).deletes},
	{route: "chat", share: 10, do: (*person).talks},
}

// chooses picks an action by its share. Who has no todo adds one, and who has
// many deletes one, so that a list stays as long as people keep theirs.
func (p *person) chooses() action {
	if len(p.todos) > keep {
		return actions[5]
	}
	at := mrand.IntN(100)
	for _, a := range actions {
		if at -= a.share; at < 0 {
			if a.needs && len(p.todos) == 0 {
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

func (p *person) tasks() string { return "/api/" + p.id + "/tasks" }

func (p *person) one() (id int64, path string) {
	id = p.todos[mrand.IntN(len(p.todos))]
	return id, fmt.Sprintf("%s/%d", p.tasks(), id)
}

func (p *person) lists(ctx context.Context) error {
	var found []todo
	if err := p.ask(ctx, http.MethodGet, p.tasks(), nil, http.StatusOK, &found); err != nil {
		return err
	}
	p.todos = p.todos[:0]
	for _, t := range found {
		p.todos = append(p.todos, t.ID)
	}
	return nil
}

func (p *person) reads(ctx context.Context) error {
	id, path := p.one()
	var found todo
	if err := p.ask(ctx, http.MethodGet, path, nil, http.StatusOK, &found); err != nil {
		return err
	}
	if found.ID != id {
		return fmt.Errorf("GET %s: it is todo %d", path, found.ID)
	}
	return nil
}

func (p *person) adds(ctx context.Context) error {
	p.said++
	title := fmt.Sprintf("Todo %d", p.said)
	var made todo
	if err := p.ask(ctx, http.MethodPost, p.tasks(), map[string]string{"title": title}, http.StatusCreated, &made); err != nil {
		return err
	}
	if made.Title != title {
		return fmt.Errorf("POST %s: it is titled %q, not %q", p.tasks(), made.Title, title)
	}
	p.todos = append(p.todos, made.ID)
	return nil
}

func (p *person) edits(ctx context.Context) error {
	_, path := p.one()
	p.said++
	title := fmt.Sprintf("Todo %d, edited", p.said)
	var changed todo
	if err := p.ask(ctx, http.MethodPut, path, map[string]string{"title": title}, http.StatusOK, &changed); err != nil {
		return err
	}
	if changed.Title != title {
		return fmt.Errorf("PUT %s: it is titled %q, not %q", path, changed.Title, title)
	}
	return nil
}

func (p *person) completes(ctx context.Context) error {
	_, path := p.one()
	return p.ask(ctx, http.MethodPatch, path+"/complete", nil, http.StatusOK, nil)
}

func (p *person) deletes(ctx context.Context) error {
	id, path := p.one()
	if err := p.ask(ctx, http.MethodDelete, path, nil, http.StatusNoContent, nil); err != nil {
		return err
	}
	for i, other := range p.todos {
		if other == id {
			p.todos = append(p.todos[:i], p.todos[i+1:]...)
			break
		}
	}
	return nil
}

// talks has the assistant add a todo, and believes what it called. The next look
// at the list finds it.
func (p *person) talks(ctx context.Context) error {
	p.said++
	message := map[string]string{"message": fmt.Sprintf("Add a task to call person %d", p.said)}
	var reply struct {
		Response  string `json:"response"`
		ToolCalls []struct {
			Name string `json:"name"`
		} `json:"tool_calls"`
	}
	path := "/api/" + p.id + "/chat"
	if err := p.ask(ctx, http.MethodPost, path, message, http.StatusOK, &reply); err != nil {
		return err
	}
	for _, call := range reply.ToolCalls {
		if call.Name == "add_task" {
			return nil
		}
	}
	return fmt.Errorf("POST %s: the assistant called %v and said %q", path, reply.ToolCalls, strings.TrimSpace(reply.Response))
}
