package pipeline

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/config"
)

func TestShowWritesAddressOnlyIfFrontendAnswers(t *testing.T) {
	status := http.StatusOK
	asked := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.Path
		w.WriteHeader(status)
	}))
	defer server.Close()
	p := New(&config.Environment{Name: "dev"}, Options{})

	var out bytes.Buffer
	require.NoError(t, p.show(t.Context(), &out, server.URL, OpenOptions{}))
	assert.Equal(t, "url "+server.URL+"\n", out.String())
	assert.Equal(t, "GET /livez", asked)

	for _, status = range []int{http.StatusServiceUnavailable, http.StatusFound} {
		out.Reset()
		err := p.show(t.Context(), &out, server.URL, OpenOptions{})
		assert.ErrorContains(t, err, http.StatusText(status))
		assert.ErrorContains(t, err, "mage deploy:to dev")
		assert.Empty(t, out.String())
	}

	server.Close()
	assert.ErrorContains(t, p.show(t.Context(), &out, server.URL, OpenOptions{}), "does not answer")
}

func TestBrowserCommandOfEachSystem(t *testing.T) {
	for goos, want := range map[string]string{"linux": "xdg-open", "darwin": "open", "windows": "rundll32"} {
		args := browserCommand(goos, "http://127.0.0.1:8080")
		assert.Equal(t, want, args[0], goos)
		assert.Equal(t, "http://127.0.0.1:8080", args[len(args)-1], goos)
	}
}
