package integration

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"todo-chatbot/test/person"
	"todo-chatbot/test/project"
)

// guest is a person in a test, which ends where they cannot go on.
type guest struct{ *person.Person }

// signedUp is a new guest with an account.
func (l *life) signedUp(t *testing.T, name string) guest {
	t.Helper()
	return signUp(t, person.New(l.address("dev"), name, browser()))
}

func signUp(t *testing.T, p *person.Person) guest {
	t.Helper()
	require.NoError(t, p.SignUp(t.Context()))
	return guest{p}
}

// browser follows no redirect by itself.
func browser() *http.Client {
	return &http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// address is where an environment is published.
func (l *life) address(environment string) string {
	return "http://127.0.0.1:" + strconv.Itoa(l.Ports[environment])
}

// ask is the status and the answer, or 0 and what went wrong.
func (g guest) ask(t *testing.T, method, path string, body any) (status int, answer string) {
	t.Helper()
	status, text, err := g.Ask(t.Context(), method, path, body)
	if err != nil {
		return 0, err.Error()
	}
	return status, string(text)
}

// must is an ask for a resource of theirs that has to end in a status.
func (g guest) must(t *testing.T, want int, method, path string, body any) string {
	t.Helper()
	answer, err := g.Want(t.Context(), want, method, g.API(path), body)
	require.NoError(t, err)
	return string(answer)
}

// rows is all that the application holds of the person, with every field, id
// and time.
func (g guest) rows(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, path := range []string{"tasks?sort=id&limit=200", "conversations"} {
		all[path] = g.must(t, http.StatusOK, http.MethodGet, path, nil)
	}
	var conversations []struct{ ID int }
	require.NoError(t, json.Unmarshal([]byte(all["conversations"]), &conversations))
	for _, one := range conversations {
		path := fmt.Sprintf("conversations/%d/messages", one.ID)
		all[path] = g.must(t, http.StatusOK, http.MethodGet, path, nil)
	}
	return all
}

// use leaves tasks and a conversation.
func (g guest) use(t *testing.T) {
	t.Helper()
	for i := range 20 {
		g.must(t, http.StatusCreated, http.MethodPost, "tasks", map[string]any{
			"title": fmt.Sprintf("task %d: \"quoted\" \\ ñ 漢", i), "description": "line one\nline two\t'end'", "completed": i%3 == 0,
		})
	}
	g.must(t, http.StatusOK, http.MethodPost, "chat", map[string]any{"message": "Add a task to buy milk"})
}

// data is a deployment's data through a backup, changes, files that are no
// backups, restores that are cut short, and new credentials.
func (l *life) data(t *testing.T) {
	ada := l.signedUp(t, "ada-of-the-data")
	ada.use(t)
	before := ada.rows(t)
	require.Len(t, before, 3, "tasks, conversations, and the messages of one")
	l.keepsComponentsApart(t)

	backup := l.mage(t, "db:backup")
	require.Zero(t, backup.Code, backup.Stderr)
	file := strings.TrimSpace(backup.Stdout)
	require.FileExists(t, file)
	require.FileExists(t, file+".sha256")
	listed := l.mage(t, "db:list")
	assert.Regexp(t, `(?m)^host `+filepath.Base(file)+` \d+ \S+ ok$`, listed.Stdout)

	ada.must(t, http.StatusCreated, http.MethodPost, "tasks", map[string]any{"title": "of the day after"})
	var tasks []struct{ ID int }
	require.NoError(t, json.Unmarshal([]byte(ada.must(t, http.StatusOK, http.MethodGet, "tasks?sort=id", nil)), &tasks))
	ada.must(t, http.StatusNoContent, http.MethodDelete, fmt.Sprintf("tasks/%d", tasks[0].ID), nil)
	ada.must(t, http.StatusOK, http.MethodPut, fmt.Sprintf("tasks/%d", tasks[1].ID), map[string]any{"title": "changed"})
	late := l.signedUp(t, "late-of-the-data")
	l.refusesNoBackups(t, file, ada)

	restored := l.mage(t, "db:restore", filepath.Base(file), "-yes")
	require.Zero(t, restored.Code, restored.Stderr)
	assert.Equal(t, []string{"passed"}, restored.Lines("verdict"))
	assert.Equal(t, before, ada.rows(t), "every row, with its id and times; the session is one of them")
	var refused *person.OtherStatusError
	require.ErrorAs(t, late.SignIn(t.Context()), &refused, "who came after the backup has no account")
	assert.Equal(t, http.StatusUnauthorized, refused.Status)
	require.NoError(t, ada.SignIn(t.Context()))
	l.restoresWhatWasCutShort(t, file, ada, before)
	l.keepsComponentsApart(t) // whose rights a restored database has not
	l.rotates(t, ada, before)
}

// refusesNoBackups tries what is no whole backup of this application.
func (l *life) refusesNoBackups(t *testing.T, file string, ada guest) {
	t.Helper()
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	changed := ada.rows(t)
	dir := t.TempDir()
	for name, content := range map[string][]byte{"truncated": whole[:len(whole)/2], "foreign": []byte("Dear Bob,\nhow are you?\n"), "empty": {}} {
		path := filepath.Join(dir, name+".dump")
		require.NoError(t, os.WriteFile(path, content, 0o600))
		require.NoError(t, os.WriteFile(path+".sha256", fmt.Appendf(nil, "%x  %s.dump\n", sha256.Sum256(content), name), 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "torn.dump"), whole[:len(whole)/2], 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "torn.dump.sha256"), fmt.Appendf(nil, "%x  torn.dump\n", sha256.Sum256(whole)), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bare.dump"), whole, 0o600))
	for name, says := range map[string]string{
		"truncated": "PostgreSQL cannot read it", "foreign": "PostgreSQL cannot read it", "empty": "PostgreSQL cannot read it",
		"torn": "its checksum does not fit", "bare": "there is no checksum beside it", "absent": "neither this machine nor the volume has it",
	} {
		result := l.mage(t, "db:restore", filepath.Join(dir, name+".dump"), "-yes")
		assert.Equal(t, 2, result.Code, name)
		assert.Contains(t, result.Stderr, says)
		assert.Contains(t, result.Stderr, "nothing was changed")
	}
	assert.Equal(t, changed, ada.rows(t))
}

// restoresWhatWasCutShort stops restores as they begin to end the pods: after
// Ctrl-C the application comes back by itself, after a kill by the next restore.
func (l *life) restoresWhatWasCutShort(t *testing.T, file string, ada guest, before map[string]string) {
	t.Helper()
	stopped, err := l.MageStopped(t.Context(), project.Stop{Seen: "restored beside"}, "db:restore", file, "-yes")
	require.NoError(t, err)
	assert.NotZero(t, stopped.Code)
	require.Eventually(t, func() bool {
		status, _ := ada.ask(t, http.MethodGet, ada.API("tasks"), nil)
		return status == http.StatusOK
	}, 2*time.Minute, time.Second, "frontend and backend come back")
	assert.Equal(t, before, ada.rows(t))

	_, err = l.MageStopped(t.Context(), project.Stop{Seen: "restored beside", After: 300 * time.Millisecond, Kill: true}, "db:restore", file, "-yes")
	require.NoError(t, err)
	restored := l.mage(t, "db:restore", file, "-yes")
	require.Zero(t, restored.Code, restored.Stderr)
	assert.Equal(t, before, ada.rows(t))
}

// rotates changes the credentials, after which everyone has to sign in again, and nothing else.
func (l *life) rotates(t *testing.T, ada guest, before map[string]string) {
	t.Helper()
	read := func() map[string][]byte {
		secret, err := l.client(t).CoreV1().Secrets(namespace).Get(t.Context(), "todo-credentials", metav1.GetOptions{})
		require.NoError(t, err)
		assert.Empty(t, secret.Annotations, "no rotation is half done")
		return secret.Data
	}
	require.NoError(t, ada.SignIn(t.Context()), "the session of the last time went with the restore")
	was := read()
	rotated := l.mage(t, "secrets:rotate")
	require.Zero(t, rotated.Code, rotated.Stderr)
	assert.Equal(t, []string{"passed"}, rotated.Lines("verdict"))
	is := read()
	for _, key := range []string{"database-password", "frontend-database-password", "backend-database-password", "auth-secret"} {
		assert.NotEqual(t, was[key], is[key], key)
		assert.NotContains(t, rotated.Stdout+rotated.Stderr, string(is[key]))
	}

	status, answer := ada.ask(t, http.MethodGet, ada.API("tasks"), nil)
	assert.Equal(t, http.StatusUnauthorized, status, "a token of before: %s", answer)
	status, answer = ada.ask(t, http.MethodGet, "/api/auth/token", nil)
	assert.Equal(t, http.StatusUnauthorized, status, "a session of before: %s", answer)
	status, _ = ada.ask(t, http.MethodGet, "/", nil)
	assert.Contains(t, []int{http.StatusOK, http.StatusTemporaryRedirect}, status, "the sign-in page, or the way to it, and no error")
	status, _ = ada.ask(t, http.MethodGet, "/sign-in", nil)
	assert.Equal(t, http.StatusOK, status)
	require.NoError(t, ada.SignIn(t.Context()), "the account of before")
	assert.Equal(t, before, ada.rows(t))
	unchanged := l.deploy(t)
	assert.Contains(t, unchanged.Lines("revision")[0], "unchanged", "a deploy finds nothing to do")
}
