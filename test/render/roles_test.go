package render_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// login is a container's access to the database: its role, the source of the password,
// and the role that gets rights from it.
func login(t *testing.T, r rendering, component string, c corev1.Container) string {
	t.Helper()
	user := get[corev1.ConfigMap](t, r, "ConfigMap", "todo-"+component).Data["DATABASE_USER"]
	grants := ""
	for _, env := range c.Env { // overrides the ConfigMap
		switch env.Name {
		case "DATABASE_USER":
			user = env.Value
		case "DATABASE_ROLE":
			grants = " for " + env.Value
		}
	}
	return user + " " + from(c, "DATABASE_PASSWORD") + grants
}

// logins returns the login of each container of frontend and backend.
func logins(t *testing.T, r rendering) map[string]string {
	t.Helper()
	all := map[string]string{}
	for component, spec := range both(t, r) {
		for _, c := range append(spec.InitContainers, spec.Containers...) {
			if from(c, "DATABASE_PASSWORD") != "" {
				all[component+"/"+c.Name] = login(t, r, component, c)
			}
		}
	}
	return all
}

func databaseRoles(t *testing.T, r rendering) {
	assert.Equal(t, map[string]string{
		"frontend/migrate":  "app todo-db-app/password for app_accounts",
		"frontend/frontend": "app_accounts todo-db-accounts/password",
		"backend/migrate":   "app todo-db-app/password for app_backend",
		"backend/backend":   "app_backend todo-db-todos/password",
	}, logins(t, r))
}

func TestOnlyMigrationsHaveOwnersPassword(t *testing.T) {
	r := render(t, "")
	assert.Equal(t, map[string]string{
		"frontend/migrate":  "todo todo-credentials/database-password for todo_frontend",
		"frontend/frontend": "todo_frontend todo-credentials/frontend-database-password",
		"backend/migrate":   "todo todo-credentials/database-password for todo_backend",
		"backend/backend":   "todo_backend todo-credentials/backend-database-password",
	}, logins(t, r))
	for name, spec := range both(t, r) {
		assert.Equal(t, "todo", get[corev1.ConfigMap](t, r, "ConfigMap", "todo-"+name).Data["DATABASE_USER"],
			"a pod of the release before that restarts during an upgrade has the owner's password")
		for _, c := range spec.Containers {
			for _, env := range c.Env {
				if env.ValueFrom != nil && env.ValueFrom.SecretKeyRef != nil {
					assert.NotEqual(t, "database-password", env.ValueFrom.SecretKeyRef.Key, "%s of %s: %s", c.Name, name, env.Name)
				}
			}
			assert.Empty(t, c.EnvFrom[0].SecretRef)
		}
		for _, v := range spec.Volumes {
			assert.Nil(t, v.Secret, "%s mounts no credentials", name)
		}
	}
}

func TestServerGetsEveryRoleAndStartsWithoutNewPasswords(t *testing.T) {
	r := render(t, "")
	config := get[corev1.ConfigMap](t, r, "ConfigMap", "todo-postgresql").Data
	set := get[appsv1.StatefulSet](t, r, "StatefulSet", "todo-postgresql").Spec.Template.Spec
	folder := mountOf(t, set.Containers[0], "password").MountPath
	optional := map[string]bool{}
	for _, source := range volumeOf(t, set, "password").Projected.Sources {
		require.Len(t, source.Secret.Items, 1)
		assert.Equal(t, "todo-credentials", source.Secret.Name)
		assert.Equal(t, source.Secret.Items[0].Key, source.Secret.Items[0].Path)
		optional[filepath.Join(folder, source.Secret.Items[0].Path)] = source.Secret.Optional != nil && *source.Secret.Optional
	}
	assert.Equal(t, map[string]bool{
		config["POSTGRES_PASSWORD_FILE"]: false, config["POSTGRES_FRONTEND_PASSWORD_FILE"]: true, config["POSTGRES_BACKEND_PASSWORD_FILE"]: true,
	}, optional, "a Secret of an earlier release has only the owner's, and what runs needs the server")
	assert.Equal(t, "todo todo_frontend todo_backend",
		strings.Join([]string{config["POSTGRES_USER"], config["POSTGRES_FRONTEND_USER"], config["POSTGRES_BACKEND_USER"]}, " "))

	backup := get[batchv1.Job](t, feature(t, "backups.yaml"), "Job", "todo-postgresql-backup").Spec.Template.Spec
	assert.Equal(t, []corev1.KeyToPath{{Key: "database-password", Path: "database-password"}}, volumeOf(t, backup, "password").Secret.Items)
}

// An existing Secret may have no password for a second role.
func TestExistingCredentialsKeepSingleRole(t *testing.T) {
	for name, values := range map[string]string{
		"a Secret for all":         "global: {credentialsSecret: mine}",
		"a Secret for the owner's": "global: {database: {passwordSecret: {name: mine}}}",
		"a database of one's own":  "postgresql: {enabled: false}\nglobal: {database: {host: db.test}}",
		"because it is wanted":     "global: {database: {roles: single}}",
	} {
		t.Run(name, func(t *testing.T) {
			r := render(t, values)
			all := map[string]bool{}
			for _, one := range logins(t, r) {
				all[one] = true
			}
			assert.Len(t, all, 1, "%v", all)
			assert.NotContains(t, r.text(), "todo_frontend")
			assert.NotContains(t, r.text(), "backend-database-password")
			assert.NotContains(t, r.text(), "DATABASE_ROLE")
		})
	}
	separate := logins(t, render(t, "global: {credentialsSecret: mine, database: {roles: separate}}"))
	assert.Equal(t, "todo_backend mine/backend-database-password", separate["backend/backend"])
}

func TestPreflightChecksPasswordsOfAllRoles(t *testing.T) {
	wanted := func(values string) (keys []string) {
		for _, env := range get[batchv1.Job](t, render(t, values), "Job", "todo-preflight").Spec.Template.Spec.Containers[0].Env {
			if env.ValueFrom != nil {
				keys = append(keys, env.ValueFrom.SecretKeyRef.Key)
			}
		}
		return keys
	}
	assert.Equal(t, []string{"database-password", "auth-secret", "frontend-database-password", "backend-database-password"}, wanted(""))
	assert.Equal(t, []string{"database-password", "auth-secret"}, wanted("global: {database: {roles: single}}"))
}

func TestEqualRolesAreRefused(t *testing.T) {
	for values, says := range map[string]string{
		"global: {database: {backend: {user: todo}}}":                         "separate roles need three different names",
		"global: {database: {backend: {user: both}, frontend: {user: both}}}": "separate roles need three different names",
		"global: {database: {user: " + strings.Repeat("u", 60) + "}}":         "more than 63 characters",
		"global: {database: {roles: many}}":                                   "global.database.roles",
		`global: {database: {frontend: {user: 'a"b'}}}`:                       "global.database.frontend.user",
		"global: {database: {frontend: {password: x}}}":                       "password: unknown key",
	} {
		assert.Contains(t, refused(t, values), says, values)
	}
}
