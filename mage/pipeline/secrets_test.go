package pipeline

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"todo-chatbot/mage/database"
	"todo-chatbot/mage/database/podtest"
	"todo-chatbot/mage/release"
)

func (d *deployed) secret(t *testing.T) *corev1.Secret {
	t.Helper()
	secret, err := d.client.CoreV1().Secrets(podtest.Namespace).Get(context.Background(), podtest.Secret, metav1.GetOptions{})
	require.NoError(t, err)
	return secret
}

// restarts returns the annotation of each Deployment that changes with the credentials.
func (d *deployed) restarts(t *testing.T) map[string]string {
	t.Helper()
	list, err := d.client.AppsV1().Deployments(podtest.Namespace).List(context.Background(), metav1.ListOptions{})
	require.NoError(t, err)
	all := map[string]string{}
	for _, one := range list.Items {
		all[one.Name] = one.Spec.Template.Annotations["todo-chatbot/credentials"]
	}
	return all
}

// assertRotated checks that the rotation is complete: the database accepts the passwords
// of the Secret, and all pods have the same credentials.
func (d *deployed) assertRotated(t *testing.T) {
	t.Helper()
	secret := d.secret(t)
	for role, key := range map[string]string{"owner": databasePassword, "frontend": frontendPassword, "backend": backendPassword} {
		assert.True(t, d.pod.TakesOf(role, string(secret.Data[key])), role)
		assert.False(t, d.pod.TakesOf(role, oldPassword), role)
	}
	assert.Empty(t, secret.Annotations)
	restarts := d.restarts(t)
	assert.NotEmpty(t, restarts["todo-backend"])
	assert.Equal(t, restarts["todo-backend"], restarts["todo-frontend"])
	assert.Equal(t, podtest.Complete(), d.pod.Databases[podtest.App], "no data is lost")
}

func TestRotateChangesSecretDatabaseAndPods(t *testing.T) {
	d := newDeployed(t)
	before := d.secret(t).Data
	d.pod.Before = func(script string) error {
		assert.Equal(t, "password", script)
		assert.NotEmpty(t, d.restarts(t)["todo-backend"], "new pods start before the password is set")
		return nil
	}
	require.NoError(t, d.rotate(t.Context(), d.target()))
	d.assertRotated(t)
	after := d.secret(t).Data
	assert.NotEqual(t, before[authSecret], after[authSecret])
	values := map[string]bool{}
	for _, key := range databasePasswords {
		assert.NotEqual(t, before[key], after[key], key)
		values[string(after[key])] = true
	}
	assert.Len(t, values, 3, "each role has another password")

	restarts := d.restarts(t)
	d.pod.Before = nil
	require.NoError(t, d.rotate(t.Context(), d.target()))
	d.assertRotated(t)
	assert.NotEqual(t, restarts, d.restarts(t), "a second rotation restarts the pods again")
	assert.NotEqual(t, after[authSecret], d.secret(t).Data[authSecret])
}

// interruptions returns faults that end a rotation at each of its steps.
func interruptions() map[string]func(*deployed) {
	type answer int
	const (
		refused answer = iota // the request is not done
		lost                  // the request is done and its answer does not arrive
	)
	nth := func(verb, resource string, n int, how answer) func(*deployed) {
		return func(d *deployed) {
			seen := 0
			d.client.PrependReactor(verb, resource, func(action clienttesting.Action) (bool, runtime.Object, error) {
				if seen++; seen != n {
					return false, nil, nil
				}
				if how == lost {
					_, _, err := clienttesting.ObjectReaction(d.client.Tracker())(action)
					if err != nil {
						return true, nil, err
					}
				}
				return true, nil, errLost
			})
		}
	}
	at := func(into func(*podtest.Pod, func(string) error)) func(*deployed) {
		return func(d *deployed) {
			once := false
			into(d.pod, func(script string) error {
				if script != "password" || once {
					return nil
				}
				once = true
				return errLost
			})
		}
	}
	return map[string]func(*deployed){
		"before the Secret":               nth("update", "secrets", 1, refused),
		"after the Secret, unseen":        nth("update", "secrets", 1, lost),
		"before the first restart":        nth("patch", "deployments", 1, refused),
		"between the restarts":            nth("patch", "deployments", 2, refused),
		"after the restarts, unseen":      nth("patch", "deployments", 2, lost),
		"before the database's password":  at(func(p *podtest.Pod, f func(string) error) { p.Before = f }),
		"after the database's password":   at(func(p *podtest.Pod, f func(string) error) { p.After = f }),
		"before the mark goes":            nth("update", "secrets", 2, refused),
		"after the mark has gone, unseen": nth("update", "secrets", 2, lost),
	}
}

func TestRotateContinuesInterruptedRotation(t *testing.T) {
	for name, interrupt := range interruptions() {
		t.Run(name, func(t *testing.T) {
			d := newDeployed(t)
			interrupt(d)
			err := d.rotate(t.Context(), d.target())
			require.ErrorIs(t, err, errLost)
			killed := d.secret(t)
			for role, key := range map[string]string{"owner": databasePassword, "frontend": frontendPassword, "backend": backendPassword} {
				assert.True(t, d.pod.TakesOf(role, oldPassword) || d.pod.TakesOf(role, string(killed.Data[key])),
					"%s: the database accepts the old or the new password", role)
			}

			require.NoError(t, d.rotate(t.Context(), d.target()))
			d.assertRotated(t)
			if killed.Annotations["todo-chatbot/rotation"] != "" {
				assert.Equal(t, killed.Data, d.secret(t).Data, "the interrupted rotation is finished, not started again")
			}
		})
	}
}

func TestResumeRotationFinishesInterruptedRotation(t *testing.T) {
	for name, interrupt := range interruptions() {
		t.Run(name, func(t *testing.T) {
			d := newDeployed(t)
			interrupt(d)
			require.ErrorIs(t, d.rotate(t.Context(), d.target()), errLost)
			begun := d.secret(t).Annotations["todo-chatbot/rotation"] != ""
			require.NoError(t, d.resumeRotation(t.Context(), d.target()))
			if begun {
				d.assertRotated(t)
			}
			assert.True(t, d.pod.Takes(string(d.secret(t).Data[databasePassword])))
			restarts := d.restarts(t)
			require.NoError(t, d.resumeRotation(t.Context(), d.target()), "a second time there is nothing to resume")
			assert.Equal(t, restarts, d.restarts(t))
		})
	}
}

// A revision of an older version, after a rollback, reads one password. Its server may
// have one role, and its Secret one key.
func TestRotateSupportsReleaseWithOneRole(t *testing.T) {
	for name, without := range map[string]func(*deployed){
		"after a rollback":         func(*deployed) {},
		"before the first upgrade": func(d *deployed) { d.pod.WithoutRoles() },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDeployed(t)
			without(d)
			api := d.client.AppsV1().Deployments(podtest.Namespace)
			for _, name := range []string{"todo-frontend", "todo-backend"} {
				one, err := api.Get(t.Context(), name, metav1.GetOptions{})
				require.NoError(t, err)
				one.Spec.Template.Spec.Containers[0].Env[0].ValueFrom.SecretKeyRef.Key = databasePassword
				_, err = api.Update(t.Context(), one, metav1.UpdateOptions{})
				require.NoError(t, err)
			}
			require.NoError(t, d.rotate(t.Context(), d.target()))
			assert.True(t, d.pod.Takes(string(d.secret(t).Data[databasePassword])))
			assert.False(t, d.pod.Takes(oldPassword))
			assert.Empty(t, d.secret(t).Annotations)
		})
	}
}

func TestImpossibleRotationChangesNothing(t *testing.T) {
	t.Run("foreign Secret", func(t *testing.T) {
		d := newDeployed(t)
		api := d.client.AppsV1().Deployments(podtest.Namespace)
		for _, name := range []string{"todo-frontend", "todo-backend"} {
			one, err := api.Get(t.Context(), name, metav1.GetOptions{})
			require.NoError(t, err)
			one.Spec.Template.Spec.Containers[0].Env[1].ValueFrom.SecretKeyRef.Name = "from-vault"
			_, err = api.Update(t.Context(), one, metav1.UpdateOptions{})
			require.NoError(t, err)
		}
		d.client.ClearActions()
		err := d.rotate(t.Context(), d.target())
		foreign, is := errors.AsType[*release.ForeignCredentials](err)
		require.True(t, is, "%v", err)
		assert.Equal(t, "from-vault", foreign.Name)
		assert.Equal(t, ExitUsage, ExitCode(withExitCode(err)))
		assert.False(t, d.touched())
	})
	t.Run("foreign Secret of the backend's password", func(t *testing.T) {
		d := newDeployed(t)
		api := d.client.AppsV1().Deployments(podtest.Namespace)
		one, err := api.Get(t.Context(), "todo-backend", metav1.GetOptions{})
		require.NoError(t, err)
		one.Spec.Template.Spec.Containers[0].Env[0].ValueFrom.SecretKeyRef.Name = "from-vault"
		_, err = api.Update(t.Context(), one, metav1.UpdateOptions{})
		require.NoError(t, err)
		d.client.ClearActions()
		err = d.rotate(t.Context(), d.target())
		foreign, is := errors.AsType[*release.ForeignCredentials](err)
		require.True(t, is, "%v", err)
		assert.Equal(t, "from-vault", foreign.Name)
		assert.False(t, d.touched())
	})
	t.Run("foreign database", func(t *testing.T) {
		d := newDeployed(t)
		require.NoError(t, d.client.AppsV1().StatefulSets(podtest.Namespace).Delete(t.Context(), "todo-postgresql", metav1.DeleteOptions{}))
		d.client.ClearActions()
		err := d.rotate(t.Context(), d.target())
		_, is := errors.AsType[*database.Absent](err)
		require.True(t, is, "%v", err)
		assert.Equal(t, ExitUsage, ExitCode(withExitCode(err)))
		assert.False(t, d.touched())
	})
}
