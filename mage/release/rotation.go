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

// rotationAnnotation names, on a Secret, a rotation that is under way.
const rotationAnnotation = "todo-chatbot/rotation"

// Rotation is a change of credentials that not everyone has been told of yet.
type Rotation struct {
	ID     string
	values map[string][]byte
}

// Value is the new value of a key.
func (r *Rotation) Value(key string) string { return string(r.values[key]) }

// Format keeps the values out of whatever a Rotation is printed to.
func (r *Rotation) Format(state fmt.State, _ rune) { _, _ = fmt.Fprintf(state, "rotation %s", r.ID) }

// ForeignCredentials says that a Secret was not made by EnsureCredentials.
type ForeignCredentials struct {
	Namespace, Name string
	Missing         []string // keys that a deploy needs and would have to write
}

func (f *ForeignCredentials) Error() string {
	if len(f.Missing) > 0 {
		return fmt.Sprintf("secret %q of namespace %q was not made by this pipeline, which therefore does not write to it, and a deploy needs %s to be set in it: "+
			"set that where the Secret is kept, or let the pipeline take the Secret over with -adopt, or choose another namespace with TODO_NAMESPACE",
			f.Name, f.Namespace, strings.Join(f.Missing, ", "))
	}
	return fmt.Sprintf("secret %q of namespace %q was not made by this pipeline, which therefore does not change it: "+
		"change it where it is kept, and restart what reads it", f.Name, f.Namespace)
}

// BeginRotation gives keys of a Secret new values, and notes in the same request
// that this is not the end of it. One that a killed run began is returned as it
// is: its values may be known to some already, so it is finished and not begun
// anew. What must follow is the caller's: to tell everyone, and EndRotation.
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

// rotationID is how many characters tell two rotations apart.
const rotationID = 16

// PendingRotation is the rotation that a killed run began, or nil.
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

// EndRotation notes that everyone knows the new values.
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

// change edits a Secret of our own; edit says whether there is anything to write.
func change(ctx context.Context, client kubernetes.Interface, namespace, name string, edit func(*corev1.Secret) bool) error {
	api := client.CoreV1().Secrets(namespace)
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		secret, err := api.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("secret %q of namespace %q: %w", name, namespace, err)
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
