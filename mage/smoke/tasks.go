package smoke

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

type task struct {
	ID          int64   `json:"id"`
	UserID      string  `json:"user_id"`
	Title       string  `json:"title"`
	Description *string `json:"description"`
	Completed   bool    `json:"completed"`
	CreatedAt   string  `json:"created_at"`
	UpdatedAt   string  `json:"updated_at"`
}

const about = "made by a smoke test"

// tasks returns a request for the user's task list or, with an id, for one task.
func (v *visit) tasks(method string, id int64, body any) ask {
	path := api(v.userID, "tasks")
	if id != 0 {
		path += fmt.Sprintf("/%d", id)
	}
	return ask{method: method, path: path, body: body, token: v.token}
}

// list returns the user's tasks with a status: all, pending or completed.
func (v *visit) list(ctx context.Context, status string) (*answer, []task, error) {
	a := v.tasks(http.MethodGet, 0, nil)
	a.path += "?status=" + status
	var found []task
	got, err := v.decode(ctx, a, http.StatusOK, &found)
	return got, found, err
}

// listed requires that the list of a status contains the task.
func (v *visit) listed(ctx context.Context, status string) error {
	got, found, err := v.list(ctx, status)
	if err == nil && !v.among(found) {
		err = got.unexpected("a list with task %d", v.task.ID)
	}
	return err
}

// notListed requires that the list of a status does not contain the task.
func (v *visit) notListed(ctx context.Context, status string) error {
	got, found, err := v.list(ctx, status)
	if err == nil && v.among(found) {
		err = got.unexpected("a list without task %d", v.task.ID)
	}
	return err
}

func (v *visit) among(tasks []task) bool {
	return slices.ContainsFunc(tasks, func(t task) bool { return t.ID == v.task.ID })
}

// same requires that a task in an answer has the expected state.
func (v *visit) same(got *answer, t task) error {
	description := "none"
	if t.Description != nil {
		description = *t.Description
	}
	if t.ID != v.task.ID || t.UserID != v.userID || t.Title != v.task.Title || description != about ||
		t.Completed != v.task.Completed || t.CreatedAt == "" || t.UpdatedAt == "" {
		return got.unexpected("task %d of this user, titled %q, described %q, completed %t, with its times",
			v.task.ID, v.task.Title, about, v.task.Completed)
	}
	return nil
}

// stored reads the task and requires the expected state.
func (v *visit) stored(ctx context.Context) error {
	var read task
	got, err := v.decode(ctx, v.tasks(http.MethodGet, v.task.ID, nil), http.StatusOK, &read)
	if err != nil {
		return err
	}
	return v.same(got, read)
}

func (v *visit) createTask(ctx context.Context) (string, error) {
	v.wrote.Store(true)
	v.task = &task{Title: "Smoke test " + v.id}
	var made task
	body := map[string]any{"title": v.task.Title, "description": about}
	got, err := v.decode(ctx, v.tasks(http.MethodPost, 0, body), http.StatusCreated, &made)
	if err != nil {
		return "", err
	}
	if made.ID <= 0 {
		return "", got.unexpected("a task with an id")
	}
	v.task.ID = made.ID
	return "", v.same(got, made)
}

func (v *visit) readTask(ctx context.Context) (string, error) {
	if err := v.stored(ctx); err != nil {
		return "", err
	}
	if err := v.listed(ctx, "all"); err != nil {
		return "", err
	}
	return "", v.notListed(ctx, "completed")
}

func (v *visit) changeTask(ctx context.Context) (string, error) {
	v.task.Title = "Smoke test, changed " + v.id
	var changed task
	got, err := v.decode(ctx, v.tasks(http.MethodPut, v.task.ID, map[string]any{"title": v.task.Title}), http.StatusOK, &changed)
	if err != nil {
		return "", err
	}
	if err := v.same(got, changed); err != nil {
		return "", err
	}
	return "", v.stored(ctx)
}

func (v *visit) completeTask(ctx context.Context) (string, error) {
	a := v.tasks(http.MethodPatch, v.task.ID, nil)
	a.path += "/complete"
	var completed task
	got, err := v.decode(ctx, a, http.StatusOK, &completed)
	if err != nil {
		return "", err
	}
	if !completed.Completed || completed.ID != v.task.ID {
		return "", got.unexpected("task %d, completed", v.task.ID)
	}
	if err := v.notListed(ctx, "pending"); err != nil {
		return "", err
	}
	return "", v.listed(ctx, "completed")
}

func (v *visit) deleteTask(ctx context.Context) (string, error) {
	if _, err := v.want(ctx, v.tasks(http.MethodDelete, v.task.ID, nil), http.StatusNoContent); err != nil {
		return "", err
	}
	_, err := v.want(ctx, v.tasks(http.MethodGet, v.task.ID, nil), http.StatusNotFound)
	return "", err
}

// removeAll deletes all tasks and the conversation of this run's account.
func (v *visit) removeAll(ctx context.Context) error {
	if !v.wrote.Load() {
		return nil
	}
	_, found, err := v.list(ctx, "all")
	errs := []error{err}
	for _, t := range found {
		errs = append(errs, v.remove(ctx, v.tasks(http.MethodDelete, t.ID, nil)))
	}
	if v.conversation != 0 {
		path := api(v.userID, fmt.Sprintf("conversations/%d", v.conversation))
		errs = append(errs, v.remove(ctx, ask{method: http.MethodDelete, path: path, token: v.token}))
	}
	return errors.Join(errs...)
}

// remove deletes a resource that may be deleted already.
func (v *visit) remove(ctx context.Context, a ask) error {
	got, err := v.send(ctx, a)
	if err != nil {
		return err
	}
	if got.status >= 300 && got.status != http.StatusNotFound {
		return got.unexpected("a successful deletion")
	}
	return nil
}
