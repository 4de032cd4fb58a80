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

// EnsureCredentials sees to it that a Secret has a value for each of keys: a
// missing or empty one gets 32 random bytes in base64url, one that is there is
// never changed, for a database may already know it. extra are values from
// outside, such as an API key: each is set when it differs, and an empty one is
// removed. changed says whether anything was written: running pods have the old
// values. No value is ever in an error.
//
// A Secret of the name that somebody else made is used as it is where nothing is
// missing in it, and is never written to: else the error is *ForeignCredentials.
func EnsureCredentials(ctx context.Context, client kubernetes.Interface, namespace, name string,
	keys []string, extra map[string]string,
) (changed bool, err error) {
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
		changed = fill(secret, keys, extra, !foreign)
		if changed && foreign {
			return &ForeignCredentials{Namespace: namespace, Name: name, Missing: changedKeys(before, secret.Data)}
		}
		switch {
		case absent:
			changed = true
			_, err = api.Create(ctx, secret, metav1.CreateOptions{})
		case changed:
			_, err = api.Update(ctx, secret, metav1.UpdateOptions{})
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("credentials in secret %q of namespace %q: %w", name, namespace, err)
	}
	return changed, nil
}

// fill sets what is missing or differs, and with remove takes away what extra has
// as empty.
func fill(secret *corev1.Secret, keys []string, extra map[string]string, remove bool) bool {
	changed := false
	set := func(key, value string) {
		if secret.Data == nil {
			secret.Data = map[string][]byte{}
		}
		secret.Data[key] = []byte(value)
		changed = true
	}
	for _, key := range keys {
		if len(secret.Data[key]) == 0 {
			set(key, newCredential())
		}
	}
	for key, value := range extra {
		switch _, there := secret.Data[key]; {
		case value == "" && there && remove:
			delete(secret.Data, key)
			changed = true
		case value != "" && string(secret.Data[key]) != value:
			set(key, value)
		}
	}
	return changed
}

// HasCredential says whether a Secret has a value for a key.
func HasCredential(ctx context.Context, client kubernetes.Interface, namespace, name, key string) (bool, error) {
	secret, err := client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("credentials in secret %q of namespace %q: %w", name, namespace, err)
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

// AdoptCredentials makes a Secret that somebody else made one of EnsureCredentials'
// own, from then on: its values stay. One that is not there is no error.
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
		return fmt.Errorf("take over secret %q of namespace %q: %w", name, namespace, err)
	}
	return nil
}

func newCredential() string {
	value := make([]byte, credentialBytes)
	_, _ = rand.Read(value) // never returns an error: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(value)
}

// OwnCredentials tells whether EnsureCredentials made a Secret, or AdoptCredentials
// took it over.
func OwnCredentials(secret *corev1.Secret) bool { return secret.Labels[managedByLabel] == managedBy }

// DeleteCredentials deletes a Secret that EnsureCredentials made, and no other.
func DeleteCredentials(ctx context.Context, client kubernetes.Interface, namespace, name string) (removed bool, err error) {
	api := client.CoreV1().Secrets(namespace)
	secret, err := api.Get(ctx, name, metav1.GetOptions{})
	if err == nil && !OwnCredentials(secret) {
		return false, nil
	}
	if err == nil {
		err = api.Delete(ctx, name, *metav1.NewPreconditionDeleteOptions(string(secret.UID)))
	}
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("delete secret %q of namespace %q: %w", name, namespace, err)
	}
	return true, nil
}
