package release

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
)

const (
	managedByLabel = "app.kubernetes.io/managed-by"
	managedBy      = "todo-chatbot-mage"

	credentialBytes = 32
)

// EnsureCredentials makes sure that a Secret has a value for each of keys. A
// missing or empty value becomes 32 random bytes in base64url. An existing value
// is never changed, because a database may know it already.
//
// extra are optional values from outside, such as an API key: each is set when it
// differs, and an empty one is removed.
//
// stale tells whether running pods have read values that the Secret no longer
// has. An added key does not make pods stale: a pod that needs the key could not
// start without it. Errors contain no values.
//
// A Secret that this pipeline did not make is used as it is if nothing is missing
// in it. It is never written to: otherwise the error is *ForeignCredentials.
func EnsureCredentials(ctx context.Context, client kubernetes.Interface, namespace, name string,
	keys []string, extra map[string]string,
) (stale bool, err error) {
	api := client.CoreV1().Secrets(namespace)
	again := func(err error) bool { return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) }
	err = retry.OnError(retry.DefaultBackoff, again, func() error {
		secret, err := api.Get(ctx, name, metav1.GetOptions{})
		absent := apierrors.IsNotFound(err)
		if err != nil && !absent {
			return err
		}
		if absent {
			secret = &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{managedByLabel: managedBy}},
				Type:       corev1.SecretTypeOpaque,
			}
		}
		before := maps.Clone(secret.Data)
		foreign := !absent && !OwnCredentials(secret)
		fill(secret, keys, extra)
		missing := changedKeys(before, secret.Data)
		stale = false
		switch {
		case foreign && len(missing) > 0:
			return &ForeignCredentials{Namespace: namespace, Name: name, Missing: missing}
		case foreign: // a key to remove stays too
		case absent:
			stale = true // pods may still run with the values of a Secret that was deleted
			_, err = api.Create(ctx, secret, metav1.CreateOptions{})
		case !maps.EqualFunc(before, secret.Data, bytes.Equal):
			stale = isStale(before, secret.Data, extra)
			_, err = api.Update(ctx, secret, metav1.UpdateOptions{})
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("complete the credentials in secret %q of namespace %q: %w", name, namespace, err)
	}
	return stale, nil
}

// fill sets the values that are missing or differ, and removes those that extra
// has as empty.
func fill(secret *corev1.Secret, keys []string, extra map[string]string) {
	secret.Data = maps.Clone(secret.Data)
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	for _, key := range keys {
		if len(secret.Data[key]) == 0 {
			secret.Data[key] = []byte(newCredential())
		}
	}
	for key, value := range extra {
		if value == "" {
			delete(secret.Data, key)
		} else {
			secret.Data[key] = []byte(value)
		}
	}
}

// isStale tells whether a value differs that a pod can have read. An optional
// value counts also where it is new: pods have read that it did not exist.
func isStale(before, now map[string][]byte, optional map[string]string) bool {
	for key, value := range before {
		if !bytes.Equal(value, now[key]) {
			return true
		}
	}
	for key := range optional {
		if !bytes.Equal(before[key], now[key]) {
			return true
		}
	}
	return false
}

// HasCredential tells whether a Secret has a value for a key.
func HasCredential(ctx context.Context, client kubernetes.Interface, namespace, name, key string) (bool, error) {
	secret, err := client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read secret %q of namespace %q: %w", name, namespace, err)
	}
	return len(secret.Data[key]) > 0, nil
}

// changedKeys are the keys whose values are new or differ.
func changedKeys(before, now map[string][]byte) []string {
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(now)) {
		if !bytes.Equal(before[key], now[key]) {
			keys = append(keys, key)
		}
	}
	return keys
}

// AdoptCredentials marks a Secret as made by EnsureCredentials and keeps its values.
// A Secret that does not exist is not an error.
func AdoptCredentials(ctx context.Context, client kubernetes.Interface, namespace, name string) error {
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		secret, err := client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) || err == nil && OwnCredentials(secret) {
			return nil
		}
		if err != nil {
			return err
		}
		if secret.Labels == nil {
			secret.Labels = map[string]string{}
		}
		secret.Labels[managedByLabel] = managedBy
		_, err = client.CoreV1().Secrets(namespace).Update(ctx, secret, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("adopt secret %q of namespace %q: %w", name, namespace, err)
	}
	return nil
}

func newCredential() string {
	value := make([]byte, credentialBytes)
	_, _ = rand.Read(value) // never returns an error: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(value)
}

// OwnCredentials tells whether EnsureCredentials made a Secret or AdoptCredentials
// marked it.
func OwnCredentials(secret *corev1.Secret) bool { return secret.Labels[managedByLabel] == managedBy }
