package registry

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseReadsRegistryWithOrWithoutPath(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:5000":        "127.0.0.1:5000/todo-chatbot/backend",
		"localhost:5000/a/b":    "localhost:5000/a/b/todo-chatbot/backend",
		"registry.example":      "registry.example/todo-chatbot/backend",
		"registry.example/team": "registry.example/team/todo-chatbot/backend",
		"docker.io/team":        "index.docker.io/team/todo-chatbot/backend",
	} {
		place, err := Parse(text)
		require.NoError(t, err, text)
		repository, err := place.Repository("todo-chatbot/backend")
		require.NoError(t, err, text)
		assert.Equal(t, want, repository.Name(), text)
	}
}

func TestParseRefusesInvalidRegistry(t *testing.T) {
	for _, text := range []string{
		"", "registry", "registry/team", "http://127.0.0.1:5000", "registry.example/", "registry.example//team",
		"registry.example/Team", "registry.example/team/", "registry.example/team:1", "local host:5000",
	} {
		_, err := Parse(text)
		assert.ErrorContains(t, err, fmt.Sprintf("%q is not the name of an image registry: use HOST:PORT or HOST.DOMAIN", text))
	}
}

func TestPasswordIsNeverPrinted(t *testing.T) {
	login := NewLogin("todo", "very-secret")
	held := struct{ Login *Login }{login}
	encoded, err := json.Marshal(held)
	require.NoError(t, err)
	for _, text := range []string{fmt.Sprint(login), fmt.Sprintf("%+v %#v %s %q", login, login, login, login), fmt.Sprintf("%+v", held), string(encoded)} {
		assert.NotContains(t, text, "very-secret")
	}
	assert.Contains(t, fmt.Sprint(login), "todo")
	assert.Equal(t, "no login", fmt.Sprint(NewLogin("todo", "")))
	given, err := login.Authenticator().Authorization()
	require.NoError(t, err)
	assert.Equal(t, "very-secret", given.Password)
}
