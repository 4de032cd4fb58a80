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

// guest is a person in a test; a step that fails ends the test.
type guest struct{ *person.Person }

// signedUp returns a new guest with an account in dev.
func (f *fixture) signedUp(t *testing.T, name string) guest {
	t.Helper()
	return signUp(t, person.New(f.address("dev"), name, browser()))
}

func signUp(t *testing.T, p *person.Person) guest {
	t.Helper()
	require.NoError(t, p.SignUp(t.Context()))
	return guest{p}
}

// browser returns a client that follows no redirect.
func browser() *http.Client {
	return &http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// address is the URL of an environment.
func (f *fixture) address(environment string) string {
	return "http://127.0.0.1:" + strconv.Itoa(f.Ports[environment])
}

// ask returns the status and the answer, or 0 and the error's text.
func (g guest) ask(t *testing.T, method, path string, body any) (status int, answer string) {
	t.Helper()
	status, text, err := g.Ask(t.Context(), method, path, body)
	if err != nil {
		return 0, err.Error()
	}
	return status, string(text)
}

// must asks for one of the guest's resources and requires a status.
func (g guest) must(t *testing.T, want int, method, path string, body any) string {
	t.Helper()
	answer, err := g.Want(t.Context(), want, method, g.API(path), body)
	require.NoError(t, err)
	return string(answer)
}

// rows returns all todos, conversations and messages of the guest, with every id and time.
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

// use adds todos and a conversation.
func (g guest) use(t *testing.T) {
	t.Helper()
	for i := range 20 {
		g.must(t, http.StatusCreated, http.MethodPost, "tasks", map[string]any{
			"title": fmt.Sprintf("task %d: \"quoted\" \\ ñ 漢", i), "description": "line one\nline two\t'end'", "completed": i%3 == 0,
		})
	}
	g.must(t, http.StatusOK, http.MethodPost, "chat", map[string]any{"message": "Add a task to buy milk"})
}

// backup makes a backup, changes the data, tries unusable backups, restores,
// interrupts restores, and rotates the credentials.
func (f *fixture) backup(t *testing.T) {
	ada := f.signedUp(t, "ada-of-the-backup")
	ada.use(t)
	before := ada.rows(t)
	require.Len(t, before, 3, "tasks, conversations, and the messages of one")
	f.keepsComponentsApart(t)

	made := f.mage(t, "db:backup")
	require.Zero(t, made.Code, made.Stderr)
	file := strings.TrimSpace(made.Stdout)
	require.FileExists(t, file)
	require.FileExists(t, file+".sha256")
	listed := f.mage(t, "db:list")
	assert.Regexp(t, `(?m)^host `+filepath.Base(file)+` \d+ \S+ ok$`, listed.Stdout)

	ada.must(t, http.StatusCreated, http.MethodPost, "tasks", map[string]any{"title": "added after the backup"})
	var tasks []struct{ ID int }
	require.NoError(t, json.Unmarshal([]byte(ada.must(t, http.StatusOK, http.MethodGet, "tasks?sort=id", nil)), &tasks))
	ada.must(t, http.StatusNoContent, http.MethodDelete, fmt.Sprintf("tasks/%d", tasks[0].ID), nil)
	ada.must(t, http.StatusOK, http.MethodPut, fmt.Sprintf("tasks/%d", tasks[1].ID), map[string]any{"title": "changed"})
	late := f.signedUp(t, "late-of-the-backup")
	f.refusesUnusableBackups(t, file, ada)

	restored := f.mage(t, "db:restore", filepath.Base(file), "-yes")
	require.Zero(t, restored.Code, restored.Stderr)
	assert.Equal(t, []string{"passed"}, restored.Lines("verdict"))
	assert.Equal(t, before, ada.rows(t), "every row is back, with its id and times; the session too")
	var refused *person.OtherStatusError
	require.ErrorAs(t, late.SignIn(t.Context()), &refused, "an account made after the backup is gone")
	assert.Equal(t, http.StatusUnauthorized, refused.Status)
	require.NoError(t, ada.SignIn(t.Context()))
	f.restoresAfterInterruption(t, file, ada, before)
	f.keepsComponentsApart(t) // the backup does not hold the rights of the roles
	f.rotates(t, ada, before)
}

// refusesUnusableBackups tries files that are not a complete backup of this application.
func (f *fixture) refusesUnusableBackups(t *testing.T, file string, ada guest) {
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
		"torn": "its checksum does not match", "bare": "its checksum file bare.dump.sha256 is missing", "absent": "neither this machine nor the volume has it",
	} {
		result := f.mage(t, "db:restore", filepath.Join(dir, name+".dump"), "-yes")
		assert.Equal(t, 2, result.Code, name)
		assert.Contains(t, result.Stderr, says)
		assert.Contains(t, result.Stderr, "nothing was changed")
	}
	assert.Equal(t, changed, ada.rows(t))
}

// restoresAfterInterruption stops restores when they begin to stop the pods. After
// Ctrl-C the application serves again by itself, after a kill with the next restore.
func (f *fixture) restoresAfterInterruption(t *testing.T, file string, ada guest, before map[string]string) {
	t.Helper()
	stopped, err := f.MageStopped(t.Context(), project.Stop{Seen: "into a second database"}, "db:restore", file, "-yes")
	require.NoError(t, err)
	assert.NotZero(t, stopped.Code)
	require.Eventually(t, func() bool {
		status, _ := ada.ask(t, http.MethodGet, ada.API("tasks"), nil)
		return status == http.StatusOK
	}, 2*time.Minute, time.Second, "frontend and backend serve again")
	assert.Equal(t, before, ada.rows(t))

	_, err = f.MageStopped(t.Context(), project.Stop{Seen: "into a second database", After: 300 * time.Millisecond, Kill: true}, "db:restore", file, "-yes")
	require.NoError(t, err)
	restored := f.mage(t, "db:restore", file, "-yes")
	require.Zero(t, restored.Code, restored.Stderr)
	assert.Equal(t, before, ada.rows(t))
}

// rotates changes the credentials. Everybody has to sign in again; nothing else changes.
func (f *fixture) rotates(t *testing.T, ada guest, rows map[string]string) {
	t.Helper()
	read := func() map[string][]byte {
		secret, err := f.client(t).CoreV1().Secrets(namespace).Get(t.Context(), "todo-credentials", metav1.GetOptions{})
		require.NoError(t, err)
		assert.Empty(t, secret.Annotations, "a rotation is not complete")
		return secret.Data
	}
	require.NoError(t, ada.SignIn(t.Context()), "the restore removed the last session")
	before := read()
	rotated := f.mage(t, "secrets:rotate")
	require.Zero(t, rotated.Code, rotated.Stderr)
	assert.Equal(t, []string{"passed"}, rotated.Lines("verdict"))
	after := read()
	for _, key := range []string{"database-password", "frontend-database-password", "backend-database-password", "auth-secret"} {
		assert.NotEqual(t, before[key], after[key], key)
		assert.NotContains(t, rotated.Stdout+rotated.Stderr, string(after[key]))
	}

	status, answer := ada.ask(t, http.MethodGet, ada.API("tasks"), nil)
	assert.Equal(t, http.StatusUnauthorized, status, "an old token: %s", answer)
	status, answer = ada.ask(t, http.MethodGet, "/api/auth/token", nil)
	assert.Equal(t, http.StatusUnauthorized, status, "an old session: %s", answer)
	status, _ = ada.ask(t, http.MethodGet, "/", nil)
	assert.Contains(t, []int{http.StatusOK, http.StatusTemporaryRedirect}, status, "the sign-in page or a redirect to it")
	status, _ = ada.ask(t, http.MethodGet, "/sign-in", nil)
	assert.Equal(t, http.StatusOK, status)
	require.NoError(t, ada.SignIn(t.Context()), "the account is kept")
	assert.Equal(t, rows, ada.rows(t))
	unchanged := f.deploy(t)
	assert.Contains(t, unchanged.Lines("revision")[0], "unchanged", "a deploy changes nothing")
}
