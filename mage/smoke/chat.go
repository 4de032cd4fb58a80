package smoke

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

const (
	said    = "Add a task to buy groceries"
	asTitle = "Buy groceries"
)

// chat asks the assistant to add a task, and checks the task list instead of the reply.
func (v *visit) chat(ctx context.Context) (string, error) {
	var reply struct {
		ConversationID int64  `json:"conversation_id"`
		Response       string `json:"response"`
		ToolCalls      []struct {
			Name string `json:"name"`
		} `json:"tool_calls"`
	}
	v.wrote.Store(true)
	message := map[string]string{"message": said}
	got, err := v.decode(ctx, ask{method: http.MethodPost, path: api(v.userID, "chat"), body: message, token: v.token}, http.StatusOK, &reply)
	if err != nil {
		return "", err
	}
	v.conversation = reply.ConversationID
	if reply.ConversationID <= 0 || strings.TrimSpace(reply.Response) == "" {
		return "", got.unexpected("a conversation_id and a response")
	}
	called := false
	for _, call := range reply.ToolCalls {
		called = called || call.Name == "add_task"
	}
	if !called {
		return "", got.unexpected("tool_calls with add_task")
	}
	listed, found, err := v.list(ctx, "all")
	if err != nil {
		return "", err
	}
	for _, t := range found {
		if t.Title == asTitle && !t.Completed {
			return fmt.Sprintf("added %q", t.Title), nil
		}
	}
	return "", listed.unexpected("a list with the pending task %q, which the assistant reported as added", asTitle)
}
