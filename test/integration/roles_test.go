package integration

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
)

// queryAs runs SQL in dev's database as a component does: over TCP, with its role
// and its password, which the server's pod has too.
func (f *fixture) queryAs(t *testing.T, component, sql string) (string, error) {
	t.Helper()
	const psql = `export PGPASSWORD="$(cat "/run/secrets/postgresql/$1-database-password")"
		exec psql -qAtX -v ON_ERROR_STOP=1 -h 127.0.0.1 -U "todo_$1" -d todo -c "$2"`
	request := f.client(t).CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name("todo-postgresql-0").SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: "postgresql", Command: []string{"sh", "-c", psql, "sh", component, sql}, Stdout: true, Stderr: true}, scheme.ParameterCodec)
	executor, err := remotecommand.NewWebSocketExecutor(f.clients(t).Config, http.MethodGet, request.URL().String())
	require.NoError(t, err)
	var out, problems bytes.Buffer // two, since they are written concurrently
	err = executor.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdout: &out, Stderr: &problems})
	return strings.TrimSpace(out.String() + problems.String()), err
}

// keepsComponentsApart requires for every table that either the frontend or the
// backend has all rights to its rows, and the other one has none.
func (f *fixture) keepsComponentsApart(t *testing.T) {
	t.Helper()
	const tables = `SELECT c.relname || ' ' || concat_ws(',', VARIADIC ARRAY(SELECT right_ FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) right_
		WHERE has_table_privilege(c.oid, right_))) FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1`
	const all, none = "SELECT,INSERT,UPDATE,DELETE", ""
	rights := map[string]map[string]string{}
	for _, component := range []string{"frontend", "backend"} {
		out, err := f.queryAs(t, component, tables)
		require.NoError(t, err, out)
		rights[component] = map[string]string{}
		for line := range strings.Lines(out) {
			table, may, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			rights[component][table] = may
		}
	}
	require.Subset(t, rights["backend"], map[string]string{"task": all, "message": all, "alembic_version": "SELECT", "user": none, "session": none, "account": none})
	require.Subset(t, rights["frontend"], map[string]string{"user": all, "session": all, "account": all, "task": none, "message": none})
	for table, may := range rights["frontend"] {
		owners := 0
		for _, one := range []string{may, rights["backend"][table]} {
			if one != none {
				owners++
			}
		}
		assert.Equal(t, 1, owners, "table %s: one component must have rights; the frontend has %q, the backend %q", table, may, rights["backend"][table])
	}
	for component, sql := range map[string]string{"frontend": "SELECT title FROM task", "backend": "SELECT password FROM account"} {
		out, err := f.queryAs(t, component, sql)
		require.Error(t, err, out)
		assert.Contains(t, out, "permission denied for table")
	}
	for _, component := range []string{"frontend", "backend"} {
		out, err := f.queryAs(t, component, "CREATE FUNCTION public.lower(varchar) RETURNS text RETURN 'planted'")
		require.Error(t, err, out)
		assert.Contains(t, out, "permission denied for schema public")
	}
}
