package diagnose

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"todo-chatbot/mage/kube"
)

func TestCauseHasTheLogOfTheFailedInstance(t *testing.T) {
	const failed = "Traceback\nRuntimeError: no migration\n"
	for name, c := range map[string]struct {
		now, before string
		want        []string
		says        string
	}{
		"container has not restarted":            {failed, "", []string{"Traceback", "RuntimeError: no migration"}, ": RuntimeError: no migration"},
		"container restarted and logged nothing": {"", failed, []string{"Traceback", "RuntimeError: no migration"}, ": RuntimeError: no migration"},
		"no log at all":                          {"", "", nil, ""},
		"container restarted and logged more":    {"KeyError: x\n", failed, []string{"KeyError: x"}, ": KeyError: x"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				text := c.now
				if r.URL.Query().Get("previous") == "true" {
					if c.before == "" {
						http.Error(w, "previous terminated container not found", http.StatusBadRequest)
						return
					}
					text = c.before
				}
				_, _ = w.Write([]byte(text))
			}))
			defer server.Close()
			clients, err := kube.Connect(&rest.Config{Host: server.URL})
			require.NoError(t, err)
			w := NewWatcher(clients.Clientset, testNamespace)
			w.found = []finding{
				{Cause: Cause{Kind: KindInit, Object: "deployment/todo-backend", Pod: "todo-backend-1", Container: "migrate", Message: "exits with code 1"}},
			}
			f := w.Failure(t.Context())
			assert.Equal(t, c.want, f.Causes[0].Logs)
			assert.Equal(t, `deployment/todo-backend: container "migrate" exits with code 1`+c.says, f.Error())
		})
	}
}
