package release

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
)

// rotationAnnotation is the annotation of a Secret with the ID of an unfinished
// rotation.
const rotationAnnotation = "todo-chatbot/rotation"

// Rotation is an unfinished change of credentials: some pods may still use the old
// values.
type Rotation struct {
	ID     string
	values map[string][]byte
}

// Value is the new value of a key.
func (r *Rotation) Value(key string) string { return string(r.values[key]) }

// Format prints a Rotation without its values.
func (r *Rotation) Format(state fmt.State, _ rune) { _, _ = fmt.Fprintf(state, "rotation %s", r.ID) }

// ForeignCredentials says that EnsureCredentials did not make a Secret.
type ForeignCredentials struct {
	Namespace, Name string
	Missing         []string // keys that a deploy needs
}

func (f *ForeignCredentials) Error() string {
	if len(f.Missing) > 0 {
		return fmt.Sprintf("this pipeline did not make secret %q of namespace %q and does not write to it, but a deploy needs %s in it: "+
			"set that yourself, or let the pipeline take over the Secret with -adopt, or choose another namespace with TODO_NAMESPACE",
			f.Name, f.Namespace, strings.Join(f.Missing, ", "))
	}
	return fmt.Sprintf("this pipeline did not make secret %q of namespace %q and does not change it: "+
		"change it yourself, and restart the pods that read it", f.Name, f.Namespace)
}

// BeginRotation gives keys of a Secret new values, and marks the rotation as
// unfinished in the same request. An unfinished rotation of a killed run is returned
// unchanged, because some readers may know its values. The caller gives the values to
// all readers and then calls EndRotation.
func BeginRotation(ctx context.Context, client kubernetes.Interface, namespace, name string, keys []string) (*Rotation, error) {
	var begun *Rotation
	err := change(ctx, client, namespace, name, func(secret *corev1.Secret) bool {
		if begun = pending(secret); begun != nil {
			return false
		}
		if secret.Annotations == nil {
			secret.Annotations = map[string]string{}
		}
		if secret.Data == nil {
			secret.Data = map[string][]byte{}
		}
		for _, key := range keys {
			secret.Data[key] = []byte(newCredential())
		}
		secret.Annotations[rotationAnnotation] = newCredential()[:rotationID]
		begun = pending(secret)
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("begin a rotation of the credentials: %w", err)
	}
	return begun, nil
}

// rotationID is the length of the ID of a rotation.
const rotationID = 16

// PendingRotation is the unfinished rotation of a killed run, or nil.
func PendingRotation(ctx context.Context, client kubernetes.Interface, namespace, name string) (*Rotation, error) {
	secret, err := client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for a rotation of the credentials in secret %q of namespace %q: %w", name, namespace, err)
	}
	return pending(secret), nil
}

// EndRotation marks a rotation as finished.
func EndRotation(ctx context.Context, client kubernetes.Interface, namespace, name string, r *Rotation) error {
	err := change(ctx, client, namespace, name, func(secret *corev1.Secret) bool {
		if secret.Annotations[rotationAnnotation] != r.ID {
			return false
		}
		delete(secret.Annotations, rotationAnnotation)
		return true
	})
	if err != nil {
		return fmt.Errorf("end %v of the credentials: %w", r, err)
	}
	return nil
}

func pending(secret *corev1.Secret) *Rotation {
	id := secret.Annotations[rotationAnnotation]
	if id == "" {
		return nil
	}
	return &Rotation{ID: id, values: secret.Data}
}

// change edits a Secret that EnsureCredentials made. It writes if edit returns true.
func change(ctx context.Context, client kubernetes.Interface, namespace, name string, edit func(*corev1.Secret) bool) error {
	api := client.CoreV1().Secrets(namespace)
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		secret, err := api.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("read secret %q of namespace %q: %w", name, namespace, err)
		}
		if secret.Labels[managedByLabel] != managedBy {
			return &ForeignCredentials{Namespace: namespace, Name: name}
		}
		if !edit(secret) {
			return nil
		}
		_, err = api.Update(ctx, secret, metav1.UpdateOptions{})
		return err
	})
}
